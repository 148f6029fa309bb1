"""acquire_lock: one writer at a time in a category, until the transaction ends."""

import threading
import time
from collections.abc import Callable

import psycopg
import pytest

from .statements import hash_of, refused, rows, value, write

HELD = """
    SELECT mode
    FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND granted
      AND ((classid::bigint << 32) | objid::bigint) = %s
"""


def test_it_returns_the_hash_of_the_category(db: psycopg.Connection):
    assert value(db, "SELECT acquire_lock('account-123')") == -2132379389342958165


def test_it_takes_a_category_as_well(db: psycopg.Connection):
    assert value(db, "SELECT acquire_lock('account')") == -2132379389342958165


def test_streams_of_one_category_share_a_key(db: psycopg.Connection):
    ((one, other),) = rows(db, "SELECT acquire_lock('account-1'), acquire_lock('account-2+3')")
    assert one == other


def test_another_category_has_another_key(db: psycopg.Connection):
    assert value(db, "SELECT acquire_lock('account:command-1')") == hash_of("account:command")


def test_the_empty_name_has_a_key(db: psycopg.Connection):
    assert value(db, "SELECT acquire_lock('')") == -3162216497309240828


def test_null_has_no_key(db: psycopg.Connection):
    assert value(db, "SELECT acquire_lock(NULL)") is None


def test_it_is_held_to_the_end_of_the_transaction(db: psycopg.Connection):
    with db.transaction():
        key = value(db, "SELECT acquire_lock('lockHeld-1')")
        assert rows(db, HELD, key) == [("ExclusiveLock",)]
    assert rows(db, HELD, key) == []


def test_it_ends_with_a_rollback(db: psycopg.Connection):
    with db.transaction(force_rollback=True):
        key = value(db, "SELECT acquire_lock('lockRolledBack-1')")
    assert rows(db, HELD, key) == []


def test_it_ends_with_its_statement_outside_a_transaction(db: psycopg.Connection):
    key = value(db, "SELECT acquire_lock('lockStatement-1')")
    assert rows(db, HELD, key) == []


def test_it_may_be_taken_twice_in_one_transaction(db: psycopg.Connection):
    with db.transaction():
        first = value(db, "SELECT acquire_lock('account-1')")
        assert value(db, "SELECT acquire_lock('account-2')") == first


def test_write_message_takes_it(db: psycopg.Connection):
    with db.transaction():
        write(db, "lockWrite-1")
        assert rows(db, HELD, hash_of("lockWrite")) == [("ExclusiveLock",)]


def test_readers_do_not_take_it(db: psycopg.Connection):
    write(db, "lockRead-1")
    with db.transaction():
        db.execute("SELECT * FROM get_stream_messages('lockRead-1')")
        db.execute("SELECT * FROM get_category_messages('lockRead')")
        db.execute("SELECT * FROM get_last_stream_message('lockRead-1')")
        db.execute("SELECT stream_version('lockRead-1')")
        assert rows(db, HELD, hash_of("lockRead")) == []


@pytest.mark.native
def test_a_second_writer_waits_for_the_first(
    db: psycopg.Connection, connect: Callable[[], psycopg.Connection]
):
    second = connect()
    positions: list[int] = []
    writer = threading.Thread(target=lambda: positions.append(write(second, "account-1")))
    with db.transaction():
        assert write(db, "account-1") == 0
        writer.start()
        deadline = time.monotonic() + 30
        while not rows(
            db,
            "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND pid = %s",
            second.info.backend_pid,
        ):
            assert time.monotonic() < deadline, "the second writer did not wait"
            time.sleep(0.01)
        assert positions == []
    writer.join(30)
    assert positions == [1]


@pytest.mark.native
def test_a_writer_to_another_stream_of_the_category_waits(
    db: psycopg.Connection, connect: Callable[[], psycopg.Connection]
):
    second = connect()
    second.execute("SET lock_timeout TO '200ms'")
    with db.transaction():
        write(db, "account-1")
        state, _ = refused(
            second,
            "SELECT write_message(gen_random_uuid()::varchar, 'account-2', 'Happened', '{}')",
        )
        assert state == "55P03"
    assert write(second, "account-2") == 0


@pytest.mark.native
def test_the_expected_version_is_checked_after_the_wait(
    db: psycopg.Connection, connect: Callable[[], psycopg.Connection]
):
    second = connect()
    second.execute("SET lock_timeout TO '200ms'")
    with db.transaction():
        write(db, "account-1")
        state, _ = refused(
            second,
            "SELECT write_message(gen_random_uuid()::varchar, 'account-1', 'Happened', "
            "'{}', NULL, 5)",
        )
        assert state == "55P03"


@pytest.mark.native
def test_a_writer_to_another_category_does_not_wait(
    db: psycopg.Connection, connect: Callable[[], psycopg.Connection]
):
    for stream in ("account-1", "order-1"):
        write(db, stream)
    second = connect()
    second.execute("SET lock_timeout TO '5s'")
    with db.transaction():
        write(db, "account-1")
        assert write(second, "order-1") == 1


@pytest.mark.native
def test_a_writer_to_another_category_does_not_wait_for_the_first_message_of_the_store(
    db: psycopg.Connection, connect: Callable[[], psycopg.Connection]
):
    second = connect()
    second.execute("SET lock_timeout TO '5s'")
    with db.transaction():
        write(db, "account-1")
        assert write(second, "order-1") == 0


@pytest.mark.native
def test_a_reader_does_not_wait_and_does_not_see_the_uncommitted(
    db: psycopg.Connection, connect: Callable[[], psycopg.Connection]
):
    second = connect()
    second.execute("SET lock_timeout TO '5s'")
    with db.transaction():
        write(db, "account-1")
        assert rows(second, "SELECT * FROM get_stream_messages('account-1')") == []
        assert rows(second, "SELECT * FROM get_category_messages('account')") == []
        assert value(second, "SELECT stream_version('account-1')") is None
    assert value(second, "SELECT stream_version('account-1')") == 0


@pytest.mark.native
def test_the_second_of_two_writers_with_one_expected_version_is_refused(
    db: psycopg.Connection, connect: Callable[[], psycopg.Connection]
):
    second = connect()
    errors: list[tuple[str, str]] = []
    writer = threading.Thread(
        target=lambda: errors.append(
            refused(
                second,
                "SELECT write_message(gen_random_uuid()::varchar, 'account-1', 'Happened', "
                "'{}', NULL, -1)",
            )
        )
    )
    with db.transaction():
        write(db, "account-1", expected_version=-1)
        writer.start()
        time.sleep(0.2)
    writer.join(30)
    assert errors == [
        ("P0001", "Wrong expected version: -1 (Stream: account-1, Stream Version: 0)")
    ]
