"""Every chunk on a line of time, and what the store took from step to step of its lifecycle."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from operator import add

from coldstream.insights.reading import Rows


@dataclass(frozen=True)
class TimelineChunk:
    """A chunk as the ledger has it; sizes in bytes, ``None`` for a form that it never had.

    ``tier``: ``open``, ``hot``, ``warm``, ``rehydrated``, ``cold`` or ``gone``. ``messages``: known
    once it is closed. ``row_bytes`` of an open one is what it takes now. ``part_messages``: of a
    cold one, messages that were brought back alone.
    """

    range_start: datetime
    range_end: datetime
    state: str
    tier: str
    messages: int | None
    first_global_position: int | None
    last_global_position: int | None
    row_bytes: int | None
    columnstore_bytes: int | None
    archive_bytes: int | None
    verified_at: datetime | None
    kept_until: datetime | None
    part_messages: int | None

    @property
    def bytes(self) -> int:
        """What it takes in its tier."""
        if self.tier == "gone":
            return 0
        if self.tier == "cold":
            return self.archive_bytes or 0
        if self.tier in ("open", "hot") or self.columnstore_bytes is None:
            return self.row_bytes or 0
        return self.columnstore_bytes


@dataclass(frozen=True)
class Timeline:
    """``time``: the server's, when it was asked."""

    time: datetime
    last_global_position: int
    chunks: list[TimelineChunk]

    def tier_at(self, time: datetime) -> str | None:
        """The tier that messages of a time are in; ``None`` where no chunk has it. Of chunks that
        overlap, the one that begins last."""
        at = bisect_right(self.chunks, time, key=lambda chunk: chunk.range_start)
        for chunk in reversed(self.chunks[:at]):
            if time < chunk.range_end:
                return chunk.tier
        return None


@dataclass(frozen=True)
class StoragePoint:
    """What the closed chunks took in each form from ``time`` on, in bytes, and what they would take
    as rows alone. A chunk that is exported and not dropped takes both, in the database and in the
    archive."""

    time: datetime
    rows: int
    columnstore: int
    archive: int
    as_rows: int


def read_timeline(rows: Rows) -> Timeline:
    """Every chunk, oldest first. From the ledger and the catalog."""
    now, position = rows("timeline_now")[0]
    return Timeline(now, position, [TimelineChunk(*row) for row in rows("timeline_chunks")])


def read_storage(rows: Rows) -> list[StoragePoint]:
    """At most some hundred points, oldest first, from the history of the chunks' states."""
    changes = rows("storage_history")
    sums = accumulate(
        (tuple(row[1:]) for row in changes), lambda one, other: tuple(map(add, one, other))
    )
    return [StoragePoint(row[0], *total) for row, total in zip(changes, sums, strict=True)]
