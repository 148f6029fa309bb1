"""Two at once: a second lifecycle, a reader that holds a chunk, a writer that is still at work."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

import psycopg
import pytest
from tests.history import START, WEEK
from tests.lifecycle.conftest import Store

from coldstream import LifecycleBusy
from coldstream.lifecycle import Lifecycle, session

pytestmark = pytest.mark.native

OLD = datetime(2025, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize("verb", ["compress", "archive", "verify", "drop", "rehydrate"])
def test_one_lifecycle_at_a_time(small: Store, verb: str) -> None:
    small.run("CALL close_ended_chunks()")
    before = small.snapshot()
    arguments = {"verify": [], "rehydrate": [START, OLD]}.get(verb, [OLD])
    with small.installed.connect() as other, small.opened() as opened:
        other.execute("BEGIN")
        other.execute("SELECT lifecycle_lock()")
        with pytest.raises(LifecycleBusy, match="Another lifecycle") as caught:
            getattr(opened.lifecycle, verb)(*arguments)
        assert caught.value.hint == "Wait for it to end, then run this again."
        other.execute("ROLLBACK")
        assert small.snapshot() == before
        getattr(opened.lifecycle, verb)(*arguments)


def test_sql_and_the_client_keep_out_of_each_others_way(small: Store) -> None:
    with small.installed.connect() as other:
        other.execute("BEGIN")
        other.execute("SELECT lifecycle_lock()")
        for call in (
            "SELECT * FROM compress_chunks_older_than(INTERVAL '60 days')",
            "SELECT * FROM drop_chunks_older_than(INTERVAL '60 days', force => true)",
        ):
            with pytest.raises(psycopg.Error, match="Another lifecycle") as caught:
                small.run(call)
            assert caught.value.sqlstate == "CS006"
        other.execute("ROLLBACK")


def test_a_lifecycle_that_dies_leaves_no_lock(small: Store) -> None:
    def stop(*_: object) -> None:
        raise RuntimeError("stop")

    with small.opened(max_size=1) as opened:
        opened.lifecycle = Lifecycle(opened, progress=stop)
        with pytest.raises(RuntimeError, match="stop"):
            opened.lifecycle.archive(OLD)
        with opened.connection() as connection:
            [(locks,)] = connection.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted "
                "AND pid = pg_backend_pid()"
            ).fetchall()
    assert locks == 0


def test_a_reader_that_keeps_a_chunk_locked(small: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_LOCK_TIMEOUT", "100ms")
    monkeypatch.setattr(session, "_PAUSE", 0.05)
    with small.opened() as opened, small.installed.connect() as reader:
        opened.lifecycle.archive(OLD)
        opened.lifecycle.verify()
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM get_stream_messages('account-1')")
        before = small.snapshot()
        with pytest.raises(LifecycleBusy) as caught:
            opened.lifecycle.drop(OLD)
        assert caught.value.hint
        assert small.snapshot() == before
        # Nobody waits behind the drop that was given up.
        small.run("SET statement_timeout = '5s'; SELECT * FROM get_stream_messages('account-1')")
        reader.execute("COMMIT")
        assert [d.reason for d in opened.lifecycle.drop(OLD)] == [None, None]
        assert list(opened.get_all_messages()) == small.truth


def test_a_reader_that_keeps_a_compression_waiting(
    small: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_LOCK_TIMEOUT", "100ms")
    monkeypatch.setattr(session, "_PAUSE", 0.05)
    with small.opened() as opened, small.installed.connect() as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM get_stream_messages('account-1')")
        with pytest.raises(LifecycleBusy):
            opened.lifecycle.compress(OLD)
        small.run("SET statement_timeout = '5s'; SELECT * FROM get_stream_messages('account-1')")
        reader.execute("COMMIT")
        assert len(opened.lifecycle.compress(OLD)) == 2


def test_a_reader_that_ends_in_time_is_waited_for(small: Store) -> None:
    with small.opened() as opened, small.installed.connect() as reader:
        opened.lifecycle.archive(OLD)
        opened.lifecycle.verify()
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM get_stream_messages('account-1')")
        dropping = threading.Thread(target=lambda: opened.lifecycle.drop(OLD))
        dropping.start()
        while not small.run("SELECT 1 FROM pg_locks WHERE NOT granted AND mode LIKE '%Exclusive%'"):
            time.sleep(0.01)
        reader.execute("COMMIT")
        dropping.join(timeout=30)
    assert small.states() == ["dropped"] * 2


def test_a_drop_does_not_hold_the_columnstore_while_it_waits_for_the_chunk(small: Store) -> None:
    with small.opened() as opened, small.installed.connect() as reader:
        opened.lifecycle.compress(OLD)
        opened.lifecycle.archive(OLD)
        opened.lifecycle.verify()
        [(chunk, columnstore)] = reader.execute(
            "SELECT chunk_name, columnstore_of(chunk_name::regclass)::text FROM chunks "
            "WHERE state = 'verified' ORDER BY range_start LIMIT 1"
        ).fetchall()
        # In the order in which a statement's plan locks them.
        reader.execute("BEGIN")
        reader.execute(f"LOCK TABLE ONLY {chunk} IN ACCESS SHARE MODE")
        dropping = threading.Thread(target=lambda: opened.lifecycle.drop(OLD))
        dropping.start()
        while not small.run("SELECT 1 FROM pg_locks WHERE NOT granted AND mode LIKE '%Exclusive%'"):
            time.sleep(0.01)
        reader.execute(f"LOCK TABLE {columnstore} IN ACCESS SHARE MODE NOWAIT")
        reader.execute("COMMIT")
        dropping.join(timeout=30)
    assert small.states() == ["dropped"] * 2


def test_a_chunk_with_a_writer_at_work_stays_open(small: Store) -> None:
    with small.installed.connect() as writer:
        writer.execute("BEGIN")
        writer.execute(
            "INSERT INTO messages (stream_name, position, type, time) "
            "VALUES ('late-1', 0, 'T', %s)",
            [START],
        )
        small.run("CALL close_ended_chunks()")
        assert small.states() == ["open", "closed"]
        writer.execute("COMMIT")
    small.run("CALL close_ended_chunks()")
    assert small.states() == ["closed", "closed"]
    with small.opened() as opened:
        assert len(list(opened.get_category_messages("late"))) == 1


@pytest.mark.parametrize("level", ["READ COMMITTED", "REPEATABLE READ"])
@pytest.mark.parametrize(
    "read",
    [
        "get_stream_messages('account-1')",
        "get_last_stream_message('account-2')",
        "get_category_messages('account')",
    ],
)
@pytest.mark.parametrize("known", [False, True], ids=["unclosed", "closed"])
def test_a_transaction_that_began_before_the_drop_gets_no_short_answer(
    small: Store, level: str, read: str, known: bool
) -> None:
    if known:
        small.run("CALL close_ended_chunks()")
    truth = small.run(f"SELECT * FROM {read}")
    with small.installed.connect() as reader, small.opened() as opened:
        reader.execute(f"BEGIN ISOLATION LEVEL {level}".encode())
        reader.execute("SELECT count(*) FROM streams")  # the snapshot, and no chunk
        lifecycle = opened.lifecycle
        lifecycle.archive(START + WEEK)
        lifecycle.verify()
        lifecycle.drop(START + WEEK)
        refusal, found = None, []
        try:
            found = reader.execute(f"SELECT * FROM {read}".encode()).fetchall()
        except psycopg.Error as error:
            refusal = error.sqlstate
        assert refusal in ("CS001", "40001") or found == truth
        reader.execute("ROLLBACK")


def test_out_of_the_order_of_time_a_reader_gets_no_short_answer(small: Store) -> None:
    small.run(
        "INSERT INTO messages (stream_name, position, type, time) VALUES "
        "('mixed-1', 0, 'T', %(second)s), ('mixed-1', 1, 'T', %(first)s)",
        {"first": START, "second": START + WEEK},
    )
    small.run("CALL close_ended_chunks()")
    with small.installed.connect() as reader, small.opened() as opened:
        reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT count(*) FROM streams")
        opened.lifecycle.archive(START + WEEK)
        opened.lifecycle.verify()
        opened.lifecycle.drop(START + WEEK)
        for read in (
            "get_stream_messages('mixed-1')",
            "get_last_stream_message('mixed-1')",
            "get_last_stream_message('mixed-1', 'T')",
        ):
            reader.execute("SAVEPOINT s")
            with pytest.raises(psycopg.Error) as caught:
                reader.execute(f"SELECT * FROM {read}".encode())
            assert caught.value.sqlstate in ("CS001", "40001")
            reader.execute("ROLLBACK TO s")
        reader.execute("ROLLBACK")


@pytest.mark.parametrize("call", ["get_chunks()", "get_chunks(false)"])
def test_chunks_are_listed_while_they_are_dropped(small: Store, call: str) -> None:
    """Between the look into the catalog and that into the table."""
    small.run(
        "INSERT INTO messages (stream_name, position, type, time) "
        "SELECT 'many-1', n, 'T', %s + n * INTERVAL '7 days' FROM generate_series(0, 29) AS n",
        [START],
    )
    small.run("CALL close_ended_chunks()")
    ranges = small.run("SELECT range_start FROM chunks ORDER BY 1")
    failed: list[str] = []
    listed = 0
    stop = threading.Event()

    def look() -> None:
        nonlocal listed
        with small.installed.connect() as connection:
            while not stop.is_set():
                try:
                    connection.execute(f"SELECT * FROM {call}".encode())
                    listed += 1
                except psycopg.Error as error:
                    failed.append(f"{error}")

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for (start,) in ranges:
        small.run("SELECT drop_range(%s, force => true)", [start])
    stop.set()
    for thread in threads:
        thread.join(30)
    assert failed == []
    assert listed > 0
