"""Settings of an install take effect, and outlive the next one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.fix_store import InstalledStore, install_store
from tests.history import history, insert, without_jobs

from coldstream import InvalidInput
from coldstream.migrations import Settings

NewStore = Callable[..., InstalledStore]

OURS = Settings(
    chunk_interval=timedelta(days=1), layout="stream", compress_after=timedelta(days=30)
)


def chunk_lengths(store: InstalledStore) -> set[timedelta]:
    return {
        end - start for start, end in store.run("SELECT range_start, range_end FROM get_chunks()")
    }


def columnstore(store: InstalledStore) -> list[tuple[Any, ...]]:
    return store.run(
        "SELECT attname, segmentby_column_index, orderby_column_index "
        "FROM timescaledb_information.compression_settings "
        # TimescaleDB adds the time to whatever order it is given.
        "WHERE hypertable_schema = %s AND attname <> 'time' ORDER BY 2, 3",
        [store.schema],
    )


def policy(store: InstalledStore) -> list[tuple[Any, ...]]:
    return store.run(
        "SELECT (config ->> 'compress_after')::interval, schedule_interval "
        "FROM timescaledb_information.jobs "
        "WHERE proc_name = 'policy_compression' AND hypertable_schema = %s",
        [store.schema],
    )


def test_the_defaults(new_store: NewStore) -> None:
    store = new_store()
    assert chunk_lengths(store) == {timedelta(days=7)}
    assert columnstore(store) == [
        ("position_bucket", None, 1),
        ("stream_category", None, 2),
        ("stream_name", None, 3),
        ("position", None, 4),
    ]
    assert policy(store) == [(timedelta(days=7), timedelta(hours=12))]


def test_settings_take_effect(new_store: NewStore) -> None:
    store = new_store(OURS)
    insert(store, history()[:3])
    assert chunk_lengths(store) == {timedelta(days=1)}
    assert columnstore(store) == [("stream_name", 1, None), ("position", None, 1)]
    assert policy(store) == [(timedelta(days=30), timedelta(hours=12))]


def test_settings_outlive_the_next_install(new_store: NewStore) -> None:
    store = new_store(OURS)
    before = (columnstore(store), policy(store))
    install_store(store.dsn, store.schema)
    assert (columnstore(store), policy(store)) == before
    assert store.run("SELECT chunk_interval, layout, compress_after FROM store") == [
        (timedelta(days=1), "stream", timedelta(days=30))
    ]


def test_settings_change_later(new_store: NewStore) -> None:
    store = new_store()
    install_store(store.dsn, store.schema, OURS)
    insert(store, history()[:1])
    assert timedelta(days=1) in chunk_lengths(store)
    assert columnstore(store) == [("stream_name", 1, None), ("position", None, 1)]
    assert policy(store) == [(timedelta(days=30), timedelta(hours=12))]


@pytest.mark.parametrize("layout", ["bucket", "stream"])
def test_either_layout_gives_the_same_messages(new_store: NewStore, layout: str) -> None:
    store = without_jobs(new_store(Settings(layout=layout)))
    insert(store, history())
    reads = [
        "SELECT * FROM get_stream_messages('account-1')",
        "SELECT * FROM get_category_messages('account')",
        "SELECT * FROM get_all_messages()",
        "SELECT * FROM get_last_stream_message('account-3', 'Opened')",
    ]
    before = [store.run(read) for read in reads]
    assert len(store.run("SELECT * FROM compress_chunks_older_than(INTERVAL '60 days')")) == 6
    assert [store.run(read) for read in reads] == before


@pytest.mark.parametrize(
    "settings",
    [
        {"chunk_interval": timedelta(0)},
        {"chunk_interval": timedelta(days=-1)},
        {"compress_after": timedelta(0)},
        {"layout": "columns"},
        {"compression": "zstd"},
    ],
)
def test_a_setting_that_cannot_be(settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        Settings(**settings)


def test_a_chunk_of_a_setting_that_was_changed_is_archived_too(new_store: NewStore) -> None:
    store = without_jobs(new_store(Settings(chunk_interval=timedelta(days=1))))
    insert(store, history())
    store.run("CALL close_ended_chunks()")
    closed = store.run(
        "SELECT range_start, range_end, messages FROM chunks WHERE state = 'closed' ORDER BY 1"
    )
    assert sum(messages for *_, messages in closed) == len(history())
    assert all(end - start == timedelta(days=1) for start, end, _ in closed)
    assert closed[0][0] == datetime(2025, 1, 2, tzinfo=UTC)
