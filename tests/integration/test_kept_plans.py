"""A session that reads recent streams keeps the plan (see recent_from). What becomes of the chunks
meanwhile changes nothing that it reads, and what it may hold is a few chunks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from tests.fix_store import InstalledStore
from tests.history import without_jobs

from coldstream.migrations import Settings

# Chunks come and go beside a session that stays.
pytestmark = pytest.mark.native

DAY = timedelta(days=1)
INSERT = """
INSERT INTO messages (stream_name, position, type, time)
SELECT %s, n, 'T', date_trunc('day', now()) + %s::interval + n * INTERVAL '1 minute'
FROM generate_series(%s::int, %s::int) AS n
"""
YESTERDAY = "-1 day"
COMPRESS = "SELECT compress_chunk(%s::regclass)"


@pytest.fixture
def store(new_store: Callable[..., InstalledStore]) -> InstalledStore:
    store = without_jobs(new_store(Settings(chunk_interval=DAY)))
    store.run(INSERT, ["a-1", YESTERDAY, 0, 9])
    store.run(INSERT, ["a-2", YESTERDAY, 0, 9])
    store.run("CALL close_ended_chunks()")
    return store


def read(session: psycopg.Connection, name: str = "a-1", position: int = 0) -> list[int]:
    statement = "SELECT position FROM get_stream_messages(%s, %s, -1)"
    return [found for (found,) in session.execute(statement, [name, position])]


def last(session: psycopg.Connection, name: str) -> list[Any]:
    statement = "SELECT position FROM get_last_stream_message(%s)"
    return session.execute(statement, [name]).fetchall()


def the_chunk(store: InstalledStore) -> str:
    [(chunk,)] = store.run(
        "SELECT DISTINCT tableoid::regclass::text FROM messages WHERE stream_name = 'a-1'"
    )
    return str(chunk)


Change = Callable[[InstalledStore, str], object]


def insert(*more: Any) -> Change:
    return lambda store, _: store.run(INSERT, more)


def run(*statements: str) -> Change:
    def run(store: InstalledStore, chunk: str) -> None:
        with store.connect() as connection:
            for statement in statements:
                connection.execute(statement.encode(), [chunk] if "%s" in statement else None)

    return run


def begin_anew(store: InstalledStore, _: str) -> None:
    store.run("TRUNCATE messages RESTART IDENTITY")
    store.run(INSERT, ["a-1", YESTERDAY, 0, 3])


COMPRESSED = [COMPRESS]
# name -> (what is done before the plan is made, what is done to the chunk under it)
CHANGES: dict[str, tuple[list[str], Change]] = {
    "written to": ([], insert("a-1", YESTERDAY, 10, 12)),
    "compressed": ([], run(COMPRESS)),
    "compressed, without truncate": (
        [],
        run("SET timescaledb.compress_truncate_behaviour TO truncate_disabled", COMPRESS),
    ),
    "late messages beside the columnstore": (COMPRESSED, insert("a-1", YESTERDAY, 10, 12)),
    "decompressed": (COMPRESSED, run("SELECT decompress_chunk(%s::regclass)")),
    "written anew": (COMPRESSED, run("SELECT compress_chunk(%s::regclass, recompress => true)")),
    "vacuumed": ([], run("VACUUM FULL messages")),
    "a chunk is made": ([], insert("a-3", "-3 days", 0, 4)),
    "a chunk is made ahead": (
        ["UPDATE store SET max_clock_lead = '30 days'"],
        insert("a-1", "+5 days", 10, 12),
    ),
    "another interval": ([], run("UPDATE store SET chunk_interval = '7 days'")),
    "one is deleted": ([], run("DELETE FROM messages WHERE stream_name = 'a-1' AND position = 3")),
    "begun anew": ([], begin_anew),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_becomes_of_a_chunk_is_read(store: InstalledStore, change: str) -> None:
    before, do = CHANGES[change]
    for statement in before:
        run(statement)(store, the_chunk(store))
    with store.connect() as session:
        for _ in range(2):
            assert read(session) == list(range(10))
            assert last(session, "a-1") == [(9,)]
        do(store, the_chunk(store))
        with store.connect() as fresh:
            for name, position in (("a-1", 0), ("a-1", 7), ("a-2", 0), ("a-3", 0)):
                assert read(session, name, position) == read(fresh, name, position)
                assert last(session, name) == last(fresh, name)
