"""Ask a store for its figures: some statements, none of which reads a message."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, TypeAlias

from coldstream._version import __version__
from coldstream.insights.findings import find
from coldstream.insights.status import (
    ConsumerStatus,
    JobStatus,
    LifecycleStatus,
    ServerStatus,
    Status,
    Tier,
    TierStatus,
)

Rows: TypeAlias = Callable[[str], Sequence[Sequence[Any]]]
"""The rows of a named statement."""

_ORDER: tuple[Tier, ...] = ("open", "hot", "warm", "rehydrated", "cold", "gone")
_NOT_ARCHIVED = ("closed", "compressed", "sealed", "exporting")


def read_status(rows: Rows, schema: str) -> Status:
    """The store's figures, and what is wrong with them."""
    version, timescaledb, edition, is_standby, now = rows("status_of_server")[0]
    (
        engine,
        archive,
        compress_after,
        archive_after,
        drop_after,
        _,
        streams,
        last_position,
        heads_bytes,
        has_server,
    ) = rows("status_of_store")[0]
    on_timescale = engine == "timescale"
    states = rows("status_of_states") if on_timescale else []
    policy = (compress_after, archive_after, drop_after)
    server = ServerStatus(version, timescaledb, edition, is_standby, now)
    status = Status(
        schema,
        engine,
        __version__,
        server,
        archive,
        has_server,
        streams,
        last_position,
        heads_bytes,
        _tiers(rows, states) if on_timescale else [_table(rows)],
        _lifecycle(rows, states, policy, now) if on_timescale else _none(),
        [_consumer(row) for row in rows("get_consumers")],
        [JobStatus(*row) for row in rows("status_of_jobs")] if on_timescale else [],
    )
    status.findings.extend(find(status))
    return status


def _tiers(rows: Rows, states: Sequence[Sequence[Any]]) -> list[TierStatus]:
    chunks, size = rows("status_of_open")[0]
    found = {"open": TierStatus("open", chunks, None, size, size, None, None)} if chunks else {}
    for state, tier, count, messages, taken, row_bytes, first, last, *_ in states:
        if state == "open":  # counted by the catalog, above
            continue
        added = TierStatus(tier, count, messages, taken, row_bytes or None, first, last)
        found[tier] = _both(found[tier], added) if tier in found else added
    return [found[tier] for tier in _ORDER if tier in found]


def _both(one: TierStatus, other: TierStatus) -> TierStatus:
    return TierStatus(
        one.tier,
        one.chunks + other.chunks,
        (one.messages or 0) + (other.messages or 0),
        one.bytes + other.bytes,
        (one.as_rows or 0) + (other.as_rows or 0) or None,
        min((each for each in (one.first_time, other.first_time) if each), default=None),
        max((each for each in (one.last_time, other.last_time) if each), default=None),
    )


def _table(rows: Rows) -> TierStatus:
    messages, size = rows("status_of_table")[0]
    return TierStatus("open", 0, messages, size, size, None, None)


def _lifecycle(
    rows: Rows, states: Sequence[Sequence[Any]], policy: tuple[Any, Any, Any], now: Any
) -> LifecycleStatus:
    due = dict.fromkeys(("compress", "archive", "verify", "drop"), 0)
    since: dict[str, timedelta] = {}
    ages = dict(zip(("compress", "archive", "drop"), policy, strict=True))
    proofs = []

    def add(step: str, count: int, oldest: Any) -> None:
        due[step] += count
        if count and oldest is not None:
            waits = now - oldest - (ages.get(step) or timedelta(0))
            since[step] = max(since.get(step, timedelta(0)), waits)

    for row in states:
        state, _, count, *_ = row
        verified_at, to_compress, to_archive, to_drop, compress_from, archive_from, drop_from = row[
            8:15
        ]
        exported_at = row[15]
        if state == "closed":
            add("compress", to_compress, compress_from)
        if state in _NOT_ARCHIVED:
            add("archive", to_archive, archive_from)
        if state == "exported":
            add("verify", count, exported_at)
        if state in ("verified", "rehydrated"):
            add("drop", to_drop, drop_from)
        if state in ("verified", "dropped", "rehydrated") and verified_at is not None:
            proofs.append(verified_at)
    last = {row[0]: row[1] for row in rows("status_of_transitions")}
    return LifecycleStatus(*policy, due, since, last, min(proofs, default=None))


def _none() -> LifecycleStatus:
    return LifecycleStatus(None, None, None, {}, {}, {}, None)


def _consumer(row: Sequence[Any]) -> ConsumerStatus:
    consumer, member, size, source, position, messages, seconds, owner, *_ = row
    return ConsumerStatus(
        consumer,
        member,
        size,
        source,
        position,
        messages,
        seconds,
        owner is not None,
        row[11],
        row[12],
    )
