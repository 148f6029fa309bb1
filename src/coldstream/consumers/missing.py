"""Which positions were drawn and are not visible yet. No I/O.

Writers draw a position before they commit, and end in another order. So what is new is not all
that is after the last look: what was missing in it may appear later, or never. It is asked for
again, at growing intervals, until every writer has ended that was at work when it was missed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

LOOK = 5000
"""Positions that a look goes through at most."""
MOST = 1000
"""Positions that are remembered at most."""
ASKED = 100
"""Positions that are asked for at a time, at most."""
FIRST_PAUSE, LONGEST_PAUSE = 0.001, 0.1
"""Seconds until a missing position is asked for again: twice as long each time."""
WRITERS_PAUSE = 0.05
"""Seconds between questions who is at work."""


@dataclass
class _Gap:
    due: float
    pause: float = FIRST_PAUSE


class Missing:
    """The missing positions, and the writers that may still bring them. Times are a monotonic
    clock's."""

    def __init__(self) -> None:
        self._gaps: dict[int, _Gap] = {}
        self._unknown = False
        # What was missing when the writers were looked for; what is younger is another's to bring.
        self._old: frozenset[int] = frozenset()
        self._old_unknown = False
        self._writers: list[str] | None = None
        self._writers_at = 0.0

    def __bool__(self) -> bool:
        return bool(self._gaps) or not self.is_known

    @property
    def is_known(self) -> bool:
        """Whether all that is missing is remembered."""
        return not (self._unknown or self._old_unknown)

    def due(self, now: float) -> list[int]:
        """Positions to ask for now, the oldest first."""
        return [position for position, gap in self._gaps.items() if gap.due <= now][:ASKED]

    def pause(self, now: float, longest: float) -> float:
        """Seconds until there is something to do, ``longest`` where nothing is missing."""
        if not self:
            return longest
        due = min([self._writers_at, *(gap.due for gap in self._gaps.values())])
        return min(max(due - now, FIRST_PAUSE), longest)

    def looked(
        self, now: float, after: int, last: int, asked: Collection[int], seen: Collection[int]
    ) -> None:
        """What a look at the positions after ``after``, up to ``last``, and at those ``asked`` has
        found. Such a look goes through ``LOOK`` positions at most."""
        for position in asked:
            gap = self._gaps.get(position)
            if gap is not None:
                gap.pause = min(gap.pause * 2, LONGEST_PAUSE)
                gap.due = now + gap.pause
        if not self:
            self._writers_at = now + WRITERS_PAUSE
        found = set(seen)
        if last - after > LOOK:
            self._unknown = True
        else:
            new = [position for position in range(after + 1, last + 1) if position not in found]
            room = MOST - len(self._gaps)
            self._unknown = self._unknown or len(new) > room
            self._gaps |= {position: _Gap(now + FIRST_PAUSE) for position in new[:room]}
        for position in found & self._gaps.keys():
            del self._gaps[position]

    def wants_writers(self, now: float) -> bool:
        return bool(self) and now >= self._writers_at

    @property
    def writers(self) -> list[str] | None:
        """Whom to ask after: those that have not ended, of the ones that were at work; ``None``:
        whoever is."""
        return self._writers

    def at_work(self, now: float, writers: Sequence[str]) -> bool:
        """Note who of :attr:`writers` is at work. Whether nobody is any more: then what they could
        bring is visible, and to be looked for once more, before :meth:`ended`."""
        self._writers_at = now + WRITERS_PAUSE
        if self._writers is None:
            self._old, self._old_unknown = frozenset(self._gaps), self._unknown
            self._unknown = False
        self._writers = list(writers)
        return not self._writers

    def rest(self) -> list[int]:
        """What they have not brought, as far as is known."""
        return sorted(self._old & self._gaps.keys())

    def ended(self) -> bool:
        """Forget what they have not brought. Whether they may have brought what was not
        remembered."""
        for position in self._old:
            self._gaps.pop(position, None)
        brought = self._old_unknown
        self._old, self._old_unknown, self._writers = frozenset(), False, None
        return brought
