"""Trying again: how often, and how long to pause before.

:func:`again` is the one way. A loop of its own has only what must find out something before it may
try again: whether the ledger has changed (``client/_async/retries.py``), and whether what was sent
was written (``batches.py`` and ``written.py`` beside it). A consumer counts its tries of a message,
and may be told to stop between two.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Pauses:
    """Twice as long each time, from ``first`` to ``longest`` seconds. ``spread``: between half of
    that and all of it, by chance, so that those who failed together do not come back together."""

    first: float
    longest: float
    spread: bool = False

    def after(self, tries: int) -> float:
        """Seconds to pause after this many tries in vain, 1 or more."""
        # The exponent is bounded: a float ends where a patient consumer does not.
        pause = min(self.first * 2.0 ** min(tries - 1, 60), self.longest)
        return pause * random.uniform(0.5, 1.0) if self.spread else pause


def again(
    run: Callable[[], T], *, times: int, on: Callable[[Exception], bool], pauses: Pauses
) -> T:
    """What ``run`` gives, which is tried ``times`` times at most, as long as it fails by what
    ``on`` says may pass. Raises its last error."""
    for tries in range(1, times):
        try:
            return run()
        except Exception as error:
            if not on(error):
                raise
        time.sleep(pauses.after(tries))
    return run()
