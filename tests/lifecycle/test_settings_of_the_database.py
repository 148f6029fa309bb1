"""What a database sets for its sessions changes nothing of what the lifecycle does.

Native: the settings are those of new sessions, beside an open store.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from tests.history import CHUNKS, END, START
from tests.lifecycle.conftest import Store

from coldstream.lifecycle import Policy

SETTINGS = [
    ["DateStyle = 'SQL, DMY'", "TimeZone = 'Asia/Kolkata'", "IntervalStyle = 'iso_8601'"],
    [
        "DateStyle = 'Postgres, MDY'",
        "TimeZone = 'America/New_York'",
        "IntervalStyle = 'postgres_verbose'",
    ],
    ["DateStyle = 'German'", "TimeZone = 'Asia/Shanghai'", "IntervalStyle = 'sql_standard'"],
    [
        "quote_all_identifiers = on",
        "array_nulls = off",
        "bytea_output = 'escape'",
        "extra_float_digits = -15",
        "standard_conforming_strings = off",
        "transform_null_equals = on",
        "default_transaction_isolation = 'serializable'",
        "default_transaction_deferrable = on",
        "search_path = ''",
        "row_security = off",
        "plpgsql.extra_errors = 'all'",
        "session_replication_role = 'replica'",
    ],
    [
        "timescaledb.enable_direct_compress_insert = on",
        "timescaledb.enable_direct_compress_copy = on",
        "timescaledb.enable_chunk_append = off",
        "timescaledb.enable_columnarindexscan = off",
        "timescaledb.enable_optimizations = off",
        "enable_indexscan = off",
        "enable_bitmapscan = off",
        "jit = on",
        "jit_above_cost = 0",
        "plan_cache_mode = 'force_generic_plan'",
    ],
]


@contextmanager
def database_sets(store: Store, assignments: list[str]) -> Iterator[None]:
    ((name,),) = store.run("SELECT current_database()")
    known = {row[0].lower() for row in store.run("SELECT name FROM pg_settings")}
    there = [
        each
        for each in assignments
        if (given := each.split(" ")[0].lower()) in known or "." in given
    ]
    for each in there:
        store.run(f'ALTER DATABASE "{name}" SET {each}')
    try:
        yield
    finally:
        store.run(f'ALTER DATABASE "{name}" RESET ALL')


@pytest.mark.native
@pytest.mark.parametrize(
    "assignments", SETTINGS, ids=["sql", "postgres", "german", "text", "plans"]
)
def test_the_lifecycle_under(store: Store, assignments: list[str]) -> None:
    truth = sorted(store.truth, key=lambda message: message.global_position)
    accounts = [m for m in truth if m.stream_name.split("-")[0] == "account"]
    with database_sets(store, assignments):
        # A session of its own, as the hourly job's.
        store.run("CALL close_ended_chunks()")
        counted = store.run(
            "SELECT sum(messages), bool_and(first_time >= range_start AND last_time < range_end) "
            "FROM chunks WHERE state = 'closed'"
        )
        assert counted == [(len(truth), True)]
        assert store.run("SELECT count(*) FROM get_category_messages('account', 1, -1)") == [
            (len(accounts),)
        ]
        with store.opened() as opened:
            lifecycle = opened.lifecycle
            lifecycle.set_policy(Policy(timedelta(days=3), timedelta(days=8), timedelta(days=9)))
            assert lifecycle.get_policy().archive_after == timedelta(days=8)
            steps = lifecycle.run()
            assert {step.outcome for step in steps} == {"done"}
            assert store.states() == ["dropped"] * CHUNKS
            assert list(opened.get_all_messages()) == truth
            assert list(opened.get_category_messages("account")) == accounts
            lifecycle.rehydrate(START, END)
            assert store.states() == ["rehydrated"] * CHUNKS
            assert list(opened.get_all_messages()) == truth
            lifecycle.drop(END)
            assert [chunk.state for chunk in lifecycle.get_chunks()][:CHUNKS] == [
                "dropped"
            ] * CHUNKS
            assert lifecycle.get_transitions()
        # A day has 24 hours, whatever clocks do that night.
        ((hours,),) = store.run(
            "SELECT extract(epoch FROM clock_timestamp() - check_older_than('300 days')) / 3600"
        )
        assert round(hours) == 7200
    # Nothing was written to make a chunk.
    assert store.run("SELECT count(*) FROM messages WHERE stream_name = ''") == [(0,)]
