"""The figures of a store. Sizes are in bytes, durations in seconds or as ``timedelta``, times in
UTC."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from coldstream.insights.findings import Finding

Tier: TypeAlias = Literal["open", "hot", "warm", "rehydrated", "cold", "gone"]
"""``open`` takes writes; ``hot`` is closed and in rows; ``gone`` was dropped by force."""


@dataclass(frozen=True)
class ServerStatus:
    """``edition``: of TimescaleDB; ``None`` where it is not installed. ``is_standby``: it takes no
    writes."""

    postgresql: str
    timescaledb: str | None
    edition: str | None
    is_standby: bool
    time: datetime


@dataclass(frozen=True)
class TierStatus:
    """What is in a tier. ``messages`` is ``None`` where nobody has counted them: in chunks that
    take writes. ``as_rows``: what it took, or would take, in rows; ``None`` where that is not
    known."""

    tier: Tier
    chunks: int
    messages: int | None
    bytes: int
    as_rows: int | None
    first_time: datetime | None
    last_time: datetime | None


@dataclass(frozen=True)
class LifecycleStatus:
    """The policy, what is due by it, and when each step was last done. ``due``: chunks by step
    (``compress``, ``archive``, ``verify``, ``drop``). ``due_since``: for how long the one has been
    that waits longest. ``last``: by state, when a chunk last came to it. ``oldest_proof``: when the
    range was verified whose verification is longest ago."""

    compress_after: timedelta | None
    archive_after: timedelta | None
    drop_after: timedelta | None
    due: dict[str, int]
    due_since: dict[str, timedelta]
    last: dict[str, datetime]
    oldest_proof: datetime | None


@dataclass(frozen=True)
class ConsumerStatus:
    """A member of a consumer. ``lag_messages`` and ``lag_seconds``: how far it is behind;
    ``has_owner``: somebody works for it; ``failures``: messages that it went past."""

    consumer: str
    member: int
    size: int
    source: str
    position: int
    lag_messages: int
    lag_seconds: float | None
    has_owner: bool
    is_paused: bool
    failures: int


@dataclass(frozen=True)
class JobStatus:
    """A background job of the store's. ``last_status``: TimescaleDB's word, ``None`` before the
    first run."""

    job_id: int
    name: str
    is_scheduled: bool
    last_status: str | None
    last_started_at: datetime | None
    next_start: datetime | None
    failures: int


@dataclass(frozen=True)
class Status:
    """A store at one moment. ``streams`` is the server's estimate, ``None`` before it has one;
    ``heads_bytes``: what is kept of them. ``findings``: what is wrong, worst first."""

    schema: str
    engine: str
    release: str
    server: ServerStatus
    archive: str | None
    archive_server: bool
    streams: int | None
    last_global_position: int
    heads_bytes: int
    tiers: list[TierStatus]
    lifecycle: LifecycleStatus
    consumers: list[ConsumerStatus]
    jobs: list[JobStatus]
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_healthy(self) -> bool:
        """Whether nothing is wrong; a warning may stand."""
        return not any(each.level == "error" for each in self.findings)
