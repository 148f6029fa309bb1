"""What the store knows of its consumers. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address
from uuid import UUID


@dataclass(frozen=True)
class ConsumerMember:
    """One member of a consumer, as ``get_consumers`` gives it.

    ``source``: a category or a stream; empty: everything. ``position``: where the next read begins.
    ``lag_messages``: how many there are from it on (see ``consumer_lag`` for how exactly),
    ``lag_seconds``: how long ago the first of them was written. ``owner`` and ``address``: the
    process that works for it, until ``lease_until``; ``None`` where there is none. ``waiting``:
    processes that would take over. ``failures``: messages it went past.
    """

    consumer: str
    member: int
    size: int
    source: str
    position: int
    lag_messages: int
    lag_seconds: float
    owner: str | None
    address: IPv4Address | IPv6Address | None
    lease_until: datetime | None
    waiting: int
    is_paused: bool
    failures: int
    recorded_at: datetime | None


@dataclass(frozen=True)
class ConsumerFailure:
    """A message that a consumer went past without having handled it. ``dead_letter_stream``: where
    it was written instead; ``None``: it was skipped."""

    id: int
    recorded_at: datetime
    consumer: str
    member: int
    message_id: UUID
    stream_name: str
    type: str
    position: int
    global_position: int
    attempts: int
    error: str
    dead_letter_stream: str | None
