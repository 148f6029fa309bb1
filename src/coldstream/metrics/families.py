"""From figures to what prometheus_client writes out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from coldstream.metrics.series import SERIES

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

    from coldstream.insights import Status

Samples: TypeAlias = Mapping[str, Sequence[tuple[tuple[str, ...], float]]]
"""By series: the values of its labels, without ``schema``, and the figure."""


def families(names: Iterable[str], schema: str, samples: Samples) -> Iterator[Metric]:
    """Every series of ``names``, with its samples; one without any is given, and is empty."""
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    for name in names:
        series = SERIES[name]
        kind = CounterMetricFamily if series.kind == "counter" else GaugeMetricFamily
        family = kind(name, series.help, labels=["schema", *series.labels])
        for labels, value in samples.get(name, ()):
            family.add_metric([schema, *labels], value)
        yield family


def samples_of(status: Status) -> Samples:
    """The figures of a store. What is not known is left out: it is no zero."""
    found: dict[str, list[tuple[tuple[str, ...], float]]] = {}

    def add(name: str, value: float | datetime | None, *labels: str) -> None:
        if isinstance(value, datetime):
            value = value.timestamp()
        if value is not None:
            found.setdefault(f"coldstream_{name}", []).append((labels, float(value)))

    add("up", 1)
    add("global_position", status.last_global_position)
    add("streams", status.streams)
    add("heads_bytes", status.heads_bytes)
    for tier in status.tiers:
        add("tier_chunks", tier.chunks, tier.tier)
        add("tier_messages", tier.messages, tier.tier)
        add("tier_bytes", tier.bytes, tier.tier)
        add("tier_row_bytes", tier.as_rows, tier.tier)
    for step, count in status.lifecycle.due.items():
        waits = status.lifecycle.due_since.get(step)
        add("lifecycle_due_chunks", count, step)
        add("lifecycle_due_seconds", max(0.0, waits.total_seconds()) if waits else 0, step)
    for state, time in status.lifecycle.last.items():
        add("lifecycle_last_change_timestamp_seconds", time, state)
    add("archive_oldest_proof_timestamp_seconds", status.lifecycle.oldest_proof)
    for each in status.consumers:
        labels = (each.consumer, str(each.member))
        add("consumer_lag_messages", each.lag_messages, *labels)
        add("consumer_lag_seconds", each.lag_seconds, *labels)
        add("consumer_owned", each.has_owner, *labels)
        add("consumer_paused", each.is_paused, *labels)
        add("consumer_failed_messages", each.failures, *labels)
    # Several jobs may have one name, and Prometheus refuses a scrape that has a sample twice.
    for name in {job.name for job in status.jobs}:
        same = [job.last_status == "Failed" for job in status.jobs if job.name == name]
        add("job_failed", any(same), name)
    for level in ("error", "warning"):
        add("findings", sum(each.level == level for each in status.findings), level)
    return found
