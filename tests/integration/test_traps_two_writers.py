"""Two writers whose transactions overlap: what the approach of seed_store.sql makes of them, and
what the store does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psycopg
import pytest
from tests.fix_store import InstalledStore, drop_store
from tests.integration.writers import Writer, seed_writer, store_writer

pytestmark = pytest.mark.native

Connect = Callable[[Writer], psycopg.Connection]


@pytest.fixture
def store(quiet_store: InstalledStore) -> Writer:
    writer = store_writer(quiet_store)
    with writer.connect() as connection:
        writer.write(connection, "account-1")
    return writer


@pytest.fixture
def seed(dsn: str) -> Iterator[Writer]:
    writer = seed_writer(dsn, "seed_two")
    with writer.connect() as connection:
        writer.write(connection, "account-1")
    yield writer
    drop_store(dsn, "seed_two")


@pytest.fixture
def connect() -> Iterator[Connect]:
    with ExitStack() as stack:
        yield lambda writer: stack.enter_context(writer.connect())


def begin(connection: psycopg.Connection, level: str) -> None:
    connection.execute(f"BEGIN ISOLATION LEVEL {level}".encode())
    connection.execute("SELECT count(*) FROM messages")  # the snapshot


def test_the_same_position_twice_under_repeatable_read(seed: Writer, connect: Connect) -> None:
    first, second = connect(seed), connect(seed)
    begin(first, "REPEATABLE READ")
    begin(second, "REPEATABLE READ")
    assert seed.write(first, "account-1") == 1
    first.execute("COMMIT")
    assert seed.write(second, "account-1") == 1
    second.execute("COMMIT")
    assert seed.positions("account-1") == [0, 1, 1]


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_a_stale_snapshot_cannot_write(store: Writer, connect: Connect, level: str) -> None:
    first, second = connect(store), connect(store)
    begin(first, level)
    begin(second, level)
    assert store.write(first, "account-1") == 1
    first.execute("COMMIT")
    with pytest.raises(psycopg.errors.SerializationFailure):
        store.write(second, "account-1")
    second.execute("ROLLBACK")
    begin(second, level)
    assert store.write(second, "account-1") == 2
    second.execute("COMMIT")
    assert store.positions("account-1") == [0, 1, 2]


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_two_first_messages_of_a_stream(store: Writer, connect: Connect, level: str) -> None:
    first, second = connect(store), connect(store)
    begin(first, level)
    begin(second, level)
    assert store.write(first, "account-2") == 0
    first.execute("COMMIT")
    with pytest.raises(psycopg.errors.SerializationFailure):
        store.write(second, "account-2")
    second.execute("ROLLBACK")
    assert store.positions("account-2") == [0]


def test_a_plain_insert_with_a_stale_snapshot_cannot_write(store: Writer, connect: Connect) -> None:
    first, second = connect(store), connect(store)
    begin(first, "REPEATABLE READ")
    begin(second, "REPEATABLE READ")
    assert store.write(first, "account-1") == 1
    first.execute("COMMIT")
    with pytest.raises(psycopg.errors.SerializationFailure):
        second.execute(
            "INSERT INTO messages (stream_name, position, type) VALUES ('account-1', 1, 'T')"
        )
    second.execute("ROLLBACK")
    assert store.positions("account-1") == [0, 1]


def test_a_writer_waits_for_the_other_of_its_category(store: Writer, connect: Connect) -> None:
    first, second = connect(store), connect(store)
    first.execute("BEGIN")
    assert store.write(first, "account-1") == 1
    result: list[int] = []
    waiting = threading.Thread(target=lambda: result.append(store.write(second, "account-1")))
    waiting.start()
    wait_for_waiting(store, second)
    assert result == []
    first.execute("COMMIT")
    waiting.join(timeout=20)
    assert result == [2]


def test_a_rolled_back_write_leaves_no_position_behind(store: Writer, connect: Connect) -> None:
    first = connect(store)
    first.execute("BEGIN")
    assert store.write(first, "account-1") == 1
    first.execute("ROLLBACK")
    assert store.write(first, "account-1") == 1
    assert store.positions("account-1") == [0, 1]


def test_time_follows_the_positions_of_transactions_that_waited(
    store: Writer, seed: Writer, connect: Connect
) -> None:
    # With now() as the time: the transaction that began first and wrote last has the older time.
    seed.run("ALTER TABLE messages ALTER COLUMN time SET DEFAULT now()")
    for writer in (seed, store):
        first, second = connect(writer), connect(writer)
        begin(first, "READ COMMITTED")
        second.execute("BEGIN")
        assert writer.write(second, "account-1") == 1
        second.execute("COMMIT")
        assert writer.write(first, "account-1") == 2
        first.execute("COMMIT")
    by_position = "SELECT array_agg(time ORDER BY position) FROM messages"
    [(witness,)] = seed.run(by_position)
    [(ours,)] = store.run(by_position)
    assert witness != sorted(witness)
    assert ours == sorted(ours)


def wait_for_waiting(writer: Writer, connection: psycopg.Connection) -> None:
    pid = connection.info.backend_pid
    with writer.connect() as observer:
        while not observer.execute(
            "SELECT 1 FROM pg_locks WHERE pid = %s AND NOT granted", [pid]
        ).fetchall():
            pass
