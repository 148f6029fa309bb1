"""How fast messages come, from how far the sequence was each time somebody looked. No I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise


class Rates:
    """Keeps the last looks. A position that is given and rolled back counts, too: the sequence says
    how many were asked for."""

    def __init__(self, most: int = 720) -> None:
        self._looks: deque[tuple[datetime, int]] = deque(maxlen=most)

    def add(self, time: datetime, last_global_position: int) -> None:
        """A look that is no newer than the last one is left out."""
        if not self._looks or time > self._looks[-1][0]:
            self._looks.append((time, last_global_position))

    def per_second(self) -> Sequence[tuple[datetime, float]]:
        """Messages a second between each look and the one before it, oldest first. A sequence that
        went back (the store was emptied) counts as none."""
        return [
            (time, max(0, position - before) / (time - since).total_seconds())
            for (since, before), (time, position) in pairwise(self._looks)
        ]
