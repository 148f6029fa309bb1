"""Reading several categories while writers are at work: nothing may be passed over."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest
from tests.fix_store import InstalledStore
from tests.integration.writers import Writer, store_writer

import coldstream

pytestmark = pytest.mark.native


@pytest.fixture
def store(store_schema: InstalledStore) -> Writer:
    return store_writer(store_schema)


@pytest.fixture
def slow(store: Writer) -> Iterator[psycopg.Connection]:
    """A writer that has drawn a global position and has not committed."""
    with store.connect() as connection, store.connect() as fast:
        connection.execute("BEGIN")
        store.write(connection, "slow-1")
        store.write(fast, "fast-1")
        yield connection


class Reading(threading.Thread):
    """A read in a thread: ``result`` once it has ended."""

    def __init__(self, store: Writer, read: str) -> None:
        super().__init__()
        self.store = store
        self.read = read
        self.result: list[str] | None = None
        self.start()

    def run(self) -> None:
        if self.read == "client":
            with coldstream.connect(self.store.dsn, schema=self.store.schema) as opened:
                self.result = [m.stream_name for m in opened.get_all_messages()]
        else:
            rows = self.store.run("SELECT stream_name FROM get_all_messages()")
            self.result = [name for (name,) in rows]


def wait_until_waiting(store: Writer) -> None:
    while not store.run("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"):
        time.sleep(0.005)


def test_a_plain_poll_passes_over_what_commits_late(
    store: Writer, slow: psycopg.Connection
) -> None:
    poll = "SELECT stream_name, global_position FROM messages WHERE global_position > %s"
    found = store.run(poll, [0])
    slow.execute("COMMIT")
    found += store.run(poll, [found[-1][1]])
    assert [name for name, _ in found] == ["fast-1"]


@pytest.mark.parametrize("read", ["client", "sql"])
def test_a_reader_waits_for_the_writers_of_its_time(
    store: Writer, slow: psycopg.Connection, read: str
) -> None:
    reading = Reading(store, read)
    wait_until_waiting(store)
    assert reading.result is None
    slow.execute("COMMIT")
    reading.join(timeout=20)
    assert reading.result == ["slow-1", "fast-1"]


@pytest.mark.parametrize("read", ["client", "sql"])
def test_a_writer_that_gives_up_holds_nobody_back(
    store: Writer, slow: psycopg.Connection, read: str
) -> None:
    reading = Reading(store, read)
    wait_until_waiting(store)
    slow.execute("ROLLBACK")
    reading.join(timeout=20)
    assert reading.result == ["fast-1"]


def test_a_long_transaction_that_does_not_write_holds_nobody_back(store: Writer) -> None:
    with store.connect() as idle, store.connect() as writer:
        idle.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        idle.execute("SELECT count(*) FROM messages")
        store.write(writer, "fast-1")
        assert store.run("SELECT stream_name FROM get_all_messages()") == [("fast-1",)]
        idle.execute("ROLLBACK")


@pytest.mark.parametrize("lock", ["pg_advisory_lock(7)", "pg_advisory_lock(7, 7)"])
def test_a_lock_of_a_session_holds_nobody_back(store: Writer, lock: str) -> None:
    with store.connect() as idle, store.connect() as writer:
        idle.execute(f"SELECT {lock}".encode())
        store.write(writer, "fast-1")
        assert store.run("SELECT stream_name FROM get_all_messages()") == [("fast-1",)]


def test_a_snapshot_that_is_too_old_is_refused(store: Writer) -> None:
    # What was committed since is invisible, and the frontier would say that it is not there.
    with store.connect() as reader, store.connect() as writer:
        reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT count(*) FROM streams")
        store.write(writer, "fast-1")
        with pytest.raises(psycopg.Error, match="READ COMMITTED") as caught:
            reader.execute("SELECT * FROM get_all_messages()")
        assert caught.value.sqlstate == "0A000"
        reader.execute("ROLLBACK")


def test_one_category_does_not_wait(store: Writer, slow: psycopg.Connection) -> None:
    assert len(store.run("SELECT * FROM get_category_messages('fast')")) == 1
    assert store.run("SELECT * FROM get_category_messages('slow')") == []
    slow.execute("COMMIT")


def test_writers_of_several_categories(store: Writer, slow: psycopg.Connection) -> None:
    with ExitStack() as stack:
        names = ["a-1", "b-1", "c-1"]
        writers = [stack.enter_context(store.connect()) for _ in names]
        for name, writer in zip(names, writers, strict=True):
            writer.execute("BEGIN")
            store.write(writer, name)
        reading = Reading(store, "sql")
        wait_until_waiting(store)
        for writer in reversed(writers):
            assert reading.result is None
            writer.execute("COMMIT")
        slow.execute("COMMIT")
        reading.join(timeout=20)
    assert reading.result == ["slow-1", "fast-1", "a-1", "b-1", "c-1"]
