"""What a copy shows before, while and after it runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

MESSAGES_PER_SECOND = 50_000
"""What a copy that has not begun is taken to do. One that goes on is taken to do what it did."""
_ROW_BYTES = 215
_COLUMNSTORE_BYTES = 32
"""What a message takes beside its data, in rows with their indexes and in the columnstore."""


class OnProgress(Protocol):
    """Called as a copy goes on: the step's name, the messages that are done, and of how many
    (``None``: not known). While it waits for writers of the source: ``"wait"``, and how many."""

    def __call__(self, step: str, done: int, total: int | None, /) -> None: ...


def no_progress(step: str, done: int, total: int | None, /) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class Copied:
    """How far a copy is, as the store has it. Everything of the source up to
    ``last_global_position`` is in the store. ``source_messages``: how many that
    had when the copy began; ``step_messages``: how many a transaction brings, at most.
    ``opened_at``: when writers were let in; ``None``:
    they are refused. Times before ``time_from`` and after ``time_to`` are brought to these, of the
    messages up to ``clamped_to``. ``opened_after``: what is beyond this position was written to the
    store."""

    source: str
    first_global_position: int
    first_id: UUID
    last_global_position: int
    last_id: UUID | None
    messages: int
    source_messages: int
    step_messages: int
    time_from: datetime | None
    time_to: datetime | None
    clamped_to: int | None
    started_at: datetime
    opened_at: datetime | None
    opened_after: int | None

    @property
    def clamp(self) -> Clamp | None:
        if self.time_from is None or self.time_to is None or self.clamped_to is None:
            return None
        return Clamp(self.time_from, self.time_to, self.clamped_to)


@dataclass(frozen=True)
class Times:
    """What the store takes: times from ``lowest`` to ``highest``, a little ahead of its clock,
    which is at ``now``; how long a chunk is, and whether it has a columnstore."""

    now: datetime
    highest: datetime
    lowest: datetime
    interval: timedelta
    has_columnstore: bool


@dataclass(frozen=True)
class Clamp:
    """Times of the messages up to ``last`` are brought between these two."""

    first_time: datetime
    last_time: datetime
    last: int


@dataclass(frozen=True)
class Outside:
    """Messages whose times no store takes: how many, the global position of the first one, and
    the least and the greatest time, as text: a program has no date for some."""

    messages: int
    first_global_position: int
    first_time: str
    last_time: str


@dataclass(frozen=True)
class CopyPlan:
    """What a copy would bring. Sizes are in bytes; ``row_bytes`` and ``columnstore_bytes`` are
    estimates of what the messages would take in the store at most meanwhile, and at the end.

    ``messages`` are all of the source, ``copied`` those that are in the store already. ``chunks``
    are those that the store would have. ``outside``: messages whose times are not kept; a copy is
    refused while there are any, unless times are brought inside (``clamp_times``). ``is_indexed``:
    whether the source has an index by global position, as Message DB has; without one each step
    reads and sorts all that is left.
    """

    source: str
    messages: int
    copied: int
    first_global_position: int | None
    last_global_position: int | None
    first_time: datetime | None
    last_time: datetime | None
    chunks: int
    source_bytes: int
    data_bytes: int
    messages_per_second: int
    is_indexed: bool
    outside: Outside | None

    @property
    def row_bytes(self) -> int:
        return self.data_bytes + self.messages * _ROW_BYTES

    @property
    def columnstore_bytes(self) -> int:
        return self.data_bytes // 8 + self.messages * _COLUMNSTORE_BYTES

    @property
    def duration(self) -> timedelta:
        return timedelta(seconds=round((self.messages - self.copied) / self.messages_per_second))


@dataclass(frozen=True)
class Difference:
    """A stream that is not the same on both sides in a range of global positions (after one, up to
    another), and how many messages each side has of it there."""

    stream_name: str
    after: int
    last: int
    source_messages: int
    messages: int


@dataclass(frozen=True)
class Verified:
    """What a comparison found. Digests are those of all that was compared, in the archive's form;
    of ``differences`` at most the first hundred are given."""

    source_messages: int
    messages: int
    ranges: int
    source_digest: str
    digest: str
    differences: tuple[Difference, ...]

    @property
    def is_equal(self) -> bool:
        return not self.differences and self.source_digest == self.digest


@dataclass(frozen=True)
class Switched:
    """What a switch did: ``refused_seconds``, how long writers were refused on both sides, and
    ``verified``, the comparison of what came last: everything before was compared before.
    ``None``: one that was broken off was taken back, and there was nothing to compare."""

    copied: Copied
    verified: Verified | None
    refused_seconds: float
