"""The store at a glance: the same figures for people, programs and Python, and what is wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from psycopg.conninfo import make_conninfo
from tests.fix_cli import Cli
from tests.fix_store import InstalledStore
from tests.history import END, START, WEEK
from tests.lifecycle.conftest import Store

import coldstream
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
    # What was archived before it was compressed lies in rows.
    assert tiers["warm"].messages == truth["compressed"]
    assert tiers["hot"].messages == truth["verified"]
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


TIERS = [
    # state, archive object, bytes in the columnstore -> tier, bytes
    (("closed", None, None), ("hot", 100)),
    (("closed", None, 10), ("hot", 100)),  # late messages had it open
    (("open", None, 10), ("hot", 100)),
    (("compressed", None, 10), ("warm", 10)),
    (("sealed", None, 10), ("warm", 10)),
    (("verified", "a", 10), ("warm", 10)),
    (("verified", "a", None), ("hot", 100)),  # archived from rows
    (("rehydrated", "a", 10), ("rehydrated", 100)),
    (("dropped", "a", 10), ("cold", 0)),
    (("dropped", None, 10), ("gone", 0)),
]


@pytest.mark.parametrize(("row", "expected"), TIERS)
def test_the_tier_of_a_row(
    module_store: InstalledStore, row: tuple[object, ...], expected: tuple[str, int]
) -> None:
    found = module_store.run(
        "SELECT chunk_tier(c), chunk_bytes(c) FROM jsonb_populate_record(NULL::chunks, "
        "jsonb_build_object('state', %s::text, 'archive_object', %s::text, "
        "'columnstore_bytes', %s::bigint, 'row_bytes', 100)) AS c",
        row,
    )
    assert found == [expected]


def test_status_agrees_with_the_chunks_also_where_they_are_gone_or_came_back(store: Store) -> None:
    with store.opened() as opened:
        opened.lifecycle.compress(END)
        opened.lifecycle.archive(START + 4 * WEEK)
        opened.lifecycle.verify()
        opened.lifecycle.drop(START + 3 * WEEK)
        opened.lifecycle.rehydrate(START, START + WEEK)
    # The fifth was never archived, and nobody will get it back.
    store.run("SELECT drop_range(%s, true)", [START + 4 * WEEK])
    with store.opened() as opened:
        status = opened.status()
        chunks = opened.lifecycle.get_chunks()
        listed = {each.category: each for each in opened.get_categories()}
    tiers = {each.tier: each for each in status.tiers}
    for tier in ("gone", "cold", "rehydrated", "warm"):
        of_tier = [each for each in chunks if each.tier == tier]
        assert tiers[tier].chunks == len(of_tier), tier
        assert tiers[tier].messages == sum(each.messages or 0 for each in of_tier), tier
    assert (tiers["gone"].chunks, tiers["gone"].bytes) == (1, 0)
    assert tiers["gone"].first_time == START + 4 * WEEK
    assert tiers["cold"].chunks == 2
    # Back from the archive is back as rows, though it was in the columnstore.
    back = next(each for each in chunks if each.tier == "rehydrated")
    assert back.columnstore_bytes is not None
    assert tiers["rehydrated"].bytes == tiers["rehydrated"].as_rows
    assert listed["account"].gone_messages > 0
    gone = [each for each in status.findings if "no archive" in each.what]
    assert [each.level for each in gone] == ["warning"]
    assert gone[0].what.startswith("1 chunk with ")


def test_status_agrees_with_the_chunks_where_somebody_else_compressed_one(store: Store) -> None:
    """TimescaleDB's own policy, say: the ledger learns of it with the next run."""
    store.run("CALL close_ended_chunks()")
    store.run(
        "SELECT public.compress_chunk(h.chunk) FROM hypertable_chunks() AS h "
        "WHERE h.range_start = %s",
        [START],
    )
    with store.opened() as opened:
        tiers = {each.tier: each for each in opened.status().tiers}
        chunks = opened.lifecycle.get_chunks()
    assert [each.range_start for each in chunks if each.tier == "warm"] == [START]
    for tier in ("warm", "hot"):
        of_tier = [each for each in chunks if each.tier == tier and each.state == "closed"]
        assert tiers[tier].chunks == len(of_tier), tier
    assert tiers["warm"].bytes > 0
    assert tiers["warm"].messages == chunks[0].messages


def test_what_was_archived_from_rows_takes_the_bytes_of_rows(store: Store) -> None:
    store.run("CALL close_ended_chunks()")
    # The ledger of a store without a columnstore: what the Apache edition gives.
    store.run_behind("UPDATE chunks SET columnstore_bytes = NULL, state = 'verified'")
    with store.opened() as opened:
        tiers = {each.tier: each for each in opened.status().tiers}
    assert "warm" not in tiers
    assert tiers["hot"].bytes == store.run("SELECT sum(row_bytes)::bigint FROM chunks")[0][0] > 0


def test_the_application_s_role_may_ask(store: Store) -> None:
    with store.opened() as opened:
        opened.lifecycle.compress(START + WEEK)
        owners = opened.status()
    dsn = make_conninfo(store.installed.dsn, user=store.installed.role)
    with coldstream.connect(dsn, schema=store.installed.schema) as opened:
        assert opened.status().tiers == owners.tiers


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
