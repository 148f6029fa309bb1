"""A store that is emptied for the next test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from tests.fix_store import InstalledStore
from tests.history import END, history, insert, without_jobs

import coldstream
from coldstream.migrations import Settings
from coldstream.sql.objects import ENGINES

# Everything that a store knows of its messages and consumers.
TABLES = (
    "messages",
    "streams",
    "recent_ids",
    "chunks",
    "chunk_categories",
    "archive_files",
    "stream_marks",
    "transitions",
    "consumers",
    "consumer_owners",
    "consumer_failures",
)

SETTINGS = "SELECT token, id, engine, chunk_interval, layout, compress_after, notify FROM store"


def counts(store: InstalledStore) -> list[tuple[int, ...]]:
    return store.run("SELECT " + ", ".join(f"(SELECT count(*) FROM {name})" for name in TABLES))


@pytest.mark.parametrize("engine", ENGINES)
def test_it_is_as_new(
    new_store: Callable[..., InstalledStore], engine: str, tmp_path: Path
) -> None:
    store = without_jobs(new_store(Settings(engine=engine)))
    new = counts(store)
    settings = store.run(SETTINGS)
    for _ in range(2):
        store.run("SELECT reset_store()")
        assert counts(store) == new

        insert(store, history())
        if engine == "timescale":
            with coldstream.connect(store.dsn, schema=store.schema) as opened:
                assert opened.lifecycle.compress(END)
        store.run("SELECT join_consumer('balances', 'account', 1, 5)")
        store.run("SELECT reset_store()")
        assert counts(store) == new
        assert store.run(SETTINGS) == settings
        assert not coldstream.install(store.dsn, schema=store.schema).changed
        with coldstream.connect(store.dsn, schema=store.schema) as opened:
            first = opened.write_message("account-1", "Opened", {}, expected_version=-1)
            assert (first.position, first.global_position) == (0, 1)
            assert [m.global_position for m in opened.get_all_messages()] == [1]

    if engine == "timescale":
        store.run("SELECT reset_store()")
        insert(store, history())
        url = tmp_path.as_uri()
        with coldstream.connect(store.dsn, schema=store.schema, archive=url) as opened:
            opened.lifecycle.archive(END)
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
            store.run("SELECT reset_store()")


def test_the_application_may_not(fresh_store: InstalledStore) -> None:
    store = fresh_store
    [(may,)] = store.run(
        f"SELECT has_function_privilege('{store.role}', 'reset_store()', 'EXECUTE')"
    )
    assert may is False
