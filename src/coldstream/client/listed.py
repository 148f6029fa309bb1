"""Streams and categories, as they are listed: from heads and ledger, no message is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class StreamSummary:
    """A stream, as ``get_streams`` gives it. ``position``: of its last message; ``messages``:
    how many that makes. ``tiers``: those that messages of its time are in, of ``hot``, ``warm``,
    ``rehydrated``, ``cold`` and ``gone``. Times are aware. Sizes in bytes are estimates: of closed
    and archived chunks the share that the stream would have if it had been written to evenly;
    ``None`` where it has time in none."""

    stream_name: str
    position: int
    messages: int
    first_time: datetime
    last_time: datetime
    tiers: list[str]
    estimated_database_bytes: int | None
    estimated_archive_bytes: int | None


@dataclass(frozen=True)
class CategorySummary:
    """A category, as ``get_categories`` gives it. Messages by tier add up to ``messages``; what no
    closed chunk has counts as hot. Sizes in bytes are its share of those of closed and archived
    chunks; ``None`` where there is none. Times are aware."""

    category: str
    streams: int
    messages: int
    first_time: datetime
    last_time: datetime
    hot_messages: int
    warm_messages: int
    rehydrated_messages: int
    cold_messages: int
    gone_messages: int
    database_bytes: int | None
    archive_bytes: int | None
