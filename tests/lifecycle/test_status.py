"""The store at a glance: the same figures for people, programs and Python, and what is wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.fix_cli import Cli
from tests.history import END, START, WEEK
from tests.lifecycle.conftest import Store

from coldstream.insights import ConsumerStatus, JobStatus, Status
from coldstream.insights.findings import find
from coldstream.lifecycle import Policy
from coldstream.sql.queries import statement

NAMES = ("jobs", "server", "store", "states", "open", "table", "transitions")


@pytest.mark.parametrize("name", NAMES)
def test_no_statement_reads_a_message(name: str) -> None:
    text = statement(f"status_of_{name}")
    assert "FROM @extschema@.messages AS" not in text
    assert "@extschema@.messages " not in text


def test_tiers_what_is_due_and_what_is_wrong(store: Store, cli: Cli) -> None:
    words = ["--dsn", store.installed.dsn, "--schema", store.installed.schema]
    with store.opened() as opened:
        opened.lifecycle.archive(START + 3 * WEEK)
        opened.lifecycle.verify()
        opened.lifecycle.drop(START + 2 * WEEK)
        opened.lifecycle.compress(END)
        status = opened.status()
        truth = {chunk.state: 0 for chunk in opened.lifecycle.get_chunks()}
        for chunk in opened.lifecycle.get_chunks():
            truth[chunk.state] += chunk.messages or 0
    tiers = {each.tier: each for each in status.tiers}
    assert tiers["cold"].messages == truth["dropped"]
    assert tiers["warm"].messages == truth["verified"] + truth["compressed"]
    assert tiers["cold"].chunks == 2
    assert (tiers["cold"].first_time, tiers["cold"].last_time) == (START, START + 2 * WEEK)
    assert tiers["cold"].bytes == sum(path.stat().st_size for path in store.objects()[:2])
    assert status.lifecycle.due == {"compress": 0, "archive": 0, "verify": 0, "drop": 0}
    assert status.lifecycle.oldest_proof is not None
    assert status.archive == store.archive
    # The store's jobs are switched off here, and that is said.
    assert status.is_healthy
    assert {each.level for each in status.findings} == {"warning"}
    assert any("switched off" in each.what for each in status.findings)

    with store.opened() as opened:
        day = timedelta(days=1)
        opened.lifecycle.set_policy(Policy(day, day, day))
        late = opened.status()
    assert late.lifecycle.due == {"compress": 0, "archive": 3, "verify": 0, "drop": 1}
    assert not late.is_healthy
    assert [each.level for each in late.findings][:2] == ["error", "error"]

    shown = cli("status", *words, "--json")
    assert shown.status == 1
    found = json.loads(shown.out)
    assert found["is_healthy"] is False
    assert {each["tier"]: each["messages"] for each in found["tiers"]} == {
        each.tier: each.messages for each in late.tiers
    }
    screen = cli("status", *words)
    assert screen.status == 1
    assert "3 to archive, 1 to drop" in screen.out
    assert screen.out.index("error:") < screen.out.index("Tiers")


@pytest.fixture
def healthy(store: Store) -> Status:
    with store.opened() as opened:
        return replace(opened.status(), jobs=[], findings=[])


def test_findings(healthy: Status) -> None:
    assert find(healthy) == []
    consumer = ConsumerStatus("c", 0, 1, "account", 5, 10, 7200.0, False, False, 0)
    job = JobStatus(7, "compress", True, "Failed", None, None, 3)
    old = healthy.server.time - timedelta(days=400)
    cases = [
        (replace(healthy, jobs=[job]), "error", "job_errors"),
        (replace(healthy, jobs=[replace(job, is_scheduled=False)]), "warning", "alter_job"),
        (replace(healthy, consumers=[consumer]), "error", "start it"),
        (replace(healthy, consumers=[replace(consumer, lag_seconds=5.0)]), None, ""),
        (replace(healthy, consumers=[replace(consumer, is_paused=True)]), "warning", "resume"),
        (
            replace(healthy, consumers=[replace(consumer, lag_messages=0, failures=2)]),
            "warning",
            "failures",
        ),
        (
            replace(healthy, lifecycle=replace(healthy.lifecycle, oldest_proof=old)),
            "warning",
            "verify",
        ),
        (
            replace(healthy, server=replace(healthy.server, timescaledb="2.26.1")),
            "warning",
            "UPDATE",
        ),
        (
            replace(healthy, server=replace(healthy.server, edition="apache")),
            "warning",
            "community",
        ),
    ]
    for status, level, mend in cases:
        found = find(status)
        assert [each.level for each in found] == ([level] if level else [])
        assert all(mend in each.mend for each in found)
    assert datetime.now(UTC) - healthy.server.time < timedelta(minutes=10)
