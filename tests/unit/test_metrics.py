"""What is given to Prometheus."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from coldstream.errors import ColdstreamError, InvalidInput, Unavailable
from coldstream.insights.status import (
    ConsumerStatus,
    JobStatus,
    LifecycleStatus,
    ServerStatus,
    Status,
    TierStatus,
)
from coldstream.metrics import SERIES, AppenderCollector, StoreCollector

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def status() -> Status:
    return Status(
        schema="message_store",
        engine="timescale",
        release="0",
        server=ServerStatus("15", "2.28.3", "community", False, NOW),
        archive=None,
        archive_server=False,
        streams=5,
        last_global_position=100,
        heads_bytes=8192,
        tiers=[
            TierStatus("open", 1, None, 10, 10, None, None),
            TierStatus("warm", 2, 90, 20, 200, NOW, NOW),
        ],
        lifecycle=LifecycleStatus(
            HOUR, None, None, {"compress": 1, "drop": 0}, {"compress": HOUR}, {"closed": NOW}, NOW
        ),
        consumers=[ConsumerStatus("orders", 0, 1, "account", 7, 93, 4.5, True, False, 2)],
        jobs=[
            JobStatus(1, "close_ended_chunks", True, "Failed", NOW, NOW, 1),
            JobStatus(2, "close_ended_chunks", True, "Success", NOW, NOW, 0),
        ],
    )


class FakeStore:
    schema = "message_store"

    def __init__(self, problem: ColdstreamError | None = None) -> None:
        self.asked = 0
        self.problem = problem

    def status(self) -> Status:
        self.asked += 1
        if self.problem is not None:
            raise self.problem
        return status()


class FakeAppender:
    batches, messages, pending = 2, 7, 3


def figures(*collectors: Any) -> dict[str, float]:
    registry = CollectorRegistry()
    for each in collectors:
        registry.register(each)
    lines = generate_latest(registry).decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def test_every_series_is_given_and_no_other():
    appenders = AppenderCollector("message_store", orders=FakeAppender())
    found = figures(StoreCollector(FakeStore()), appenders)
    assert {name.partition("{")[0] for name in found} == set(SERIES)
    assert all('schema="message_store"' in name for name in found)


def test_names_go_by_the_rules_of_prometheus():
    for each in SERIES.values():
        assert re.fullmatch(r"coldstream_[a-z]+(_[a-z]+)*", each.name)
        assert each.name.endswith("_total") == (each.kind == "counter"), each.name
        assert not re.search(r"_(ms|milliseconds|kb|mb|minutes|hours|days)(_|$)", each.name)


def test_the_figures_are_those_of_the_status():
    found = figures(StoreCollector(FakeStore()))
    labels = 'consumer="orders",member="0",schema="message_store"'
    assert found[f"coldstream_consumer_lag_messages{{{labels}}}"] == 93
    assert found[f"coldstream_consumer_lag_seconds{{{labels}}}"] == 4.5
    assert found['coldstream_tier_bytes{schema="message_store",tier="warm"}'] == 20
    assert found['coldstream_lifecycle_due_seconds{schema="message_store",step="compress"}'] == 3600
    assert found['coldstream_job_failed{job="close_ended_chunks",schema="message_store"}'] == 1


def test_what_nobody_counted_is_no_zero():
    found = figures(StoreCollector(FakeStore()))
    assert 'coldstream_tier_messages{schema="message_store",tier="open"}' not in found


def test_a_scrape_asks_the_store_once_in_a_while():
    store = FakeStore()
    collector = StoreCollector(store, seconds=60)
    registry = CollectorRegistry()
    registry.register(collector)
    assert store.asked == 0
    generate_latest(registry)
    generate_latest(registry)
    assert store.asked == 1


def test_a_store_that_does_not_answer_is_down():
    store = FakeStore(Unavailable("no connection"))
    assert figures(StoreCollector(store)) == {'coldstream_up{schema="message_store"}': 0}


def test_no_appender_is_an_error():
    with pytest.raises(InvalidInput, match="No appender"):
        AppenderCollector("message_store")
