"""The model: messages by stream and in global order, and the versions of the streams."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import md5
from threading import Lock
from uuid import UUID


class Fault(Exception):
    """The store did what it may not do."""


@dataclass(frozen=True)
class Made:
    """A message as it has to be read. ``time`` is ``None`` where the server's clock gave it."""

    id: UUID
    stream_name: str
    type: str
    position: int
    global_position: int
    data: str
    metadata: str | None
    time: datetime | None

    @property
    def category(self) -> str:
        return self.stream_name.partition("-")[0]

    def is_correlated(self, category: str) -> bool:
        """Whether its metadata name a stream of a category."""
        return any(f'"{category}{end}' in (self.metadata or "") for end in ("-", '"'))

    def falls_to(self, member: int, size: int) -> bool:
        """Whether its stream falls to a member of a consumer group, by Message DB's contract."""
        _, dash, id = self.stream_name.partition("-")
        if not dash:
            return False  # it has no id, so it falls to nobody
        cardinal = id.partition("+")[0]
        digest = md5(cardinal.encode(), usedforsecurity=False).digest()
        return abs(int.from_bytes(digest[:8], "big", signed=True)) % size == member


@dataclass(frozen=True)
class View:
    """The model at one moment. ``is_still``: nobody changed the store then. ``attempted``: what may
    be there; ``doubtful``: what may have been deleted already, or is being changed. ``was``: what
    messages that an UPDATE changed were before, or may be now; ``changed``: by when."""

    changes: int
    is_still: bool
    messages: list[Made]
    attempted: set[UUID]
    doubtful: set[UUID]
    was: dict[UUID, list[Made]]
    changed: dict[UUID, int]

    def is_as_before(self, id: UUID, before: View) -> bool:
        """Whether no UPDATE touched a message since another look."""
        return self.changed.get(id, 0) <= before.changes


class Truth:
    """What the store has to have. One thread changes it, any may look."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._changes = 0
        self._messages: dict[UUID, Made] = {}
        self._taken: dict[str, dict[int, UUID]] = {}
        self._attempted: set[UUID] = set()
        self._doubtful: set[UUID] = set()
        self._was: dict[UUID, list[Made]] = {}
        self._changed: dict[UUID, int] = {}
        self._global_positions: set[int] = set()
        self.versions: dict[str, int] = {}

    @contextmanager
    def changing(
        self,
        new: Iterable[UUID] = (),
        doubtful: Iterable[UUID] = (),
        updated: Iterable[tuple[Made, Made]] = (),
    ) -> Iterator[None]:
        """Around a statement that changes the store, and what it means for the model. ``updated``:
        what an UPDATE may change, and into what."""
        with self._lock:
            self._changes += 1
            self._attempted |= set(new)
            self._doubtful = set(doubtful)
            for old, made in updated:
                self._doubtful.add(old.id)
                self._attempted.add(made.id)
                for each in (old, made):
                    self._was.setdefault(each.id, []).append(each)
        try:
            yield
        finally:
            with self._lock:
                self._changes += 1
                self._doubtful = set()

    def view(self) -> View:
        with self._lock:
            return View(
                self._changes,
                self._changes % 2 == 0,
                list(self._messages.values()),
                set(self._attempted),
                set(self._doubtful),
                {id: list(was) for id, was in self._was.items()},
                dict(self._changed),
            )

    def add(self, messages: Iterable[Made]) -> None:
        with self._lock:
            for each in messages:
                self._add(each)

    def _add(self, made: Made) -> None:
        if made.position in self._taken.setdefault(made.stream_name, {}):
            raise Fault(f"the position {made.position} of {made.stream_name} twice")
        if made.global_position in self._global_positions:
            raise Fault(f"the global position {made.global_position} twice")
        self._taken[made.stream_name][made.position] = made.id
        self._global_positions.add(made.global_position)
        self._messages[made.id] = made
        version = self.versions.get(made.stream_name, -1)
        self.versions[made.stream_name] = max(version, made.position)

    def update(self, pairs: Iterable[tuple[Made, Made]]) -> None:
        """What an UPDATE made of messages. A version never goes back, and what nobody has any more
        is not given again."""
        with self._lock:
            for old, made in pairs:
                del self._messages[old.id]
                del self._taken[old.stream_name][old.position]
                if made.global_position == old.global_position:
                    self._global_positions.discard(made.global_position)
                self._add(made)
                # It is over when this statement is.
                self._changed[old.id] = self._changed[made.id] = self._changes + 1

    def delete(self, ids: Iterable[UUID]) -> None:
        """The positions are not given again: a version never goes back."""
        with self._lock:
            for id in ids:
                made = self._messages.pop(id, None)
                if made is None:
                    raise Fault(f"deleted what was not there: {id}")
                del self._taken[made.stream_name][made.position]

    def version(self, stream_name: str) -> int:
        """-1 for a stream that never had a message."""
        return self.versions.get(stream_name, -1)

    def last_global_position(self) -> int:
        with self._lock:
            return max((made.global_position for made in self._messages.values()), default=0)

    def is_taken(self, stream_name: str, position: int) -> bool:
        return position in self._taken.get(stream_name, {})

    def has(self, made: Made) -> bool:
        """Whether it is there, as it is."""
        return self._messages.get(made.id) == made

    def of(self, stream_name: str) -> list[Made]:
        with self._lock:
            found = self._taken.get(stream_name, {})
            return [self._messages[found[position]] for position in sorted(found)]
