"""Every series that Coldstream gives of a store and an appender."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["gauge", "counter"]


@dataclass(frozen=True)
class Series:
    """``name``: as Prometheus stores it, a counter's with its ``_total``. ``labels``: besides
    ``schema``, which all have."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()


_STORE = (
    Series("coldstream_up", "gauge", "1 where the store answered, else 0."),
    Series("coldstream_global_position", "gauge", "How far the global position has come."),
    Series("coldstream_streams", "gauge", "Streams, as the server estimates them."),
    Series("coldstream_heads_bytes", "gauge", "What the heads of streams take."),
    Series("coldstream_tier_chunks", "gauge", "Chunks in a tier.", ("tier",)),
    Series("coldstream_tier_messages", "gauge", "Messages in a tier, counted ones.", ("tier",)),
    Series("coldstream_tier_bytes", "gauge", "What a tier takes.", ("tier",)),
    Series("coldstream_tier_row_bytes", "gauge", "What a tier would take in rows.", ("tier",)),
    Series("coldstream_lifecycle_due_chunks", "gauge", "Chunks that a step is due for.", ("step",)),
    Series(
        "coldstream_lifecycle_due_seconds",
        "gauge",
        "For how long the chunk has been due that waits longest.",
        ("step",),
    ),
    Series(
        "coldstream_lifecycle_last_change_timestamp_seconds",
        "gauge",
        "When a chunk last came to a state.",
        ("state",),
    ),
    Series(
        "coldstream_archive_oldest_proof_timestamp_seconds",
        "gauge",
        "When the part of the archive was verified whose verification is longest ago.",
    ),
    Series(
        "coldstream_consumer_lag_messages",
        "gauge",
        "Messages that a member of a consumer is behind.",
        ("consumer", "member"),
    ),
    Series(
        "coldstream_consumer_lag_seconds",
        "gauge",
        "For how long the oldest message has waited for a member.",
        ("consumer", "member"),
    ),
    Series(
        "coldstream_consumer_owned",
        "gauge",
        "1 where a process works for the member, else 0.",
        ("consumer", "member"),
    ),
    Series(
        "coldstream_consumer_paused",
        "gauge",
        "1 where the consumer is paused, else 0.",
        ("consumer", "member"),
    ),
    Series(
        "coldstream_consumer_failed_messages",
        "gauge",
        "Messages that a member went past and that nobody has handled since.",
        ("consumer", "member"),
    ),
    Series("coldstream_job_failed", "gauge", "1 where a job's last run failed, else 0.", ("job",)),
    Series("coldstream_findings", "gauge", "Findings of coldstream status.", ("level",)),
)
_APPENDER = (
    Series(
        "coldstream_appender_pending_messages",
        "gauge",
        "Messages that an appender has accepted and not answered yet.",
        ("appender",),
    ),
    Series(
        "coldstream_appender_messages_total",
        "counter",
        "Messages that an appender wrote.",
        ("appender",),
    ),
    Series(
        "coldstream_appender_transactions_total",
        "counter",
        "Transactions that an appender committed.",
        ("appender",),
    ),
)
SERIES = {each.name: each for each in (*_STORE, *_APPENDER)}
"""By name."""

STORE, APPENDER = (tuple(each.name for each in part) for part in (_STORE, _APPENDER))
