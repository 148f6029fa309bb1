"""States kept in this process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from threading import Lock
from typing import Any

from coldstream.entities.projection import Projection
from coldstream.errors import InvalidInput


@dataclass(frozen=True)
class Kept:
    """A state up to ``version``. ``recorded``: the version of the last snapshot, as far as is known
    here; -1 for none."""

    state: Any
    version: int
    recorded: int = -1


class EntityCache:
    """Remembers the last ``max_entries`` states that were fetched, by store, stream and projection.

    What is fetched again is folded from where it was left. A state is copied on its way in and out,
    so nothing that is done to one changes another. For threads and tasks alike; one process only.

    Raises:
        InvalidInput: a limit less than 1.
    """

    def __init__(self, max_entries: int = 1000) -> None:
        if isinstance(max_entries, bool) or not isinstance(max_entries, int) or max_entries < 1:
            raise InvalidInput(f"A cache keeps one entry at least: {max_entries!r}")
        self.max_entries = max_entries
        self._kept: OrderedDict[Hashable, Kept] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def clear(self) -> None:
        """Forget everything: after a TRUNCATE, which gives positions anew."""
        with self._lock:
            self._kept.clear()

    def get(self, key: Hashable, projection: Projection[Any]) -> Kept | None:
        """A copy of what is kept."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is None:
                return None
            self._kept.move_to_end(key)
        # No state that is kept ever changes, so it is copied outside of the lock.
        return Kept(_copied(projection, kept.state), kept.version, kept.recorded)

    def put(self, key: Hashable, projection: Projection[Any], new: Kept) -> None:
        """Keep a copy, unless a later one is there."""
        copied = Kept(_copied(projection, new.state), new.version, new.recorded)
        with self._lock:
            there = self._kept.get(key)
            if there is None or there.version <= new.version:
                self._kept[key] = copied
            self._kept.move_to_end(key)
            while len(self._kept) > self.max_entries:
                self._kept.popitem(last=False)

    def discard(self, key: Hashable) -> None:
        with self._lock:
            self._kept.pop(key, None)


def _copied(projection: Projection[Any], state: Any) -> Any:
    try:
        return projection.copy(state)
    except TypeError as error:
        raise InvalidInput(
            f"A state of {projection.name} cannot be copied: {error}",
            hint="Keep connections, locks and the like out of it, or give Projection(..., copy=).",
        ) from error
