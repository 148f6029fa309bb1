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


def locks_of_others(store: Writer) -> str:
    """A key that the writers of a category have."""
    return str(store.run("SELECT hash_64('slow')")[0][0])


@pytest.mark.parametrize("function", ["pg_advisory_xact_lock", "pg_advisory_xact_lock_shared"])
def test_a_lock_of_another_program_holds_nobody_back(store: Writer, function: str) -> None:
    with store.connect() as other, store.connect() as writer:
        other.execute("BEGIN")
        other.execute(f"SELECT {function}({locks_of_others(store)})".encode())
        store.write(writer, "fast-1")
        assert store.run("SELECT stream_name FROM get_all_messages()") == [("fast-1",)]
        other.execute("ROLLBACK")


def test_a_writer_of_another_store_holds_nobody_back(
    store: Writer, fresh_store: InstalledStore
) -> None:
    with fresh_store.connect() as other, store.connect() as writer:
        other.execute("BEGIN")
        other.execute("SELECT write_message(gen_random_uuid()::varchar, 'slow-1', 'T', '{}')")
        store.write(writer, "fast-1")
        assert store.run("SELECT stream_name FROM get_all_messages()") == [("fast-1",)]
        other.execute("ROLLBACK")


WRITES = {
    "write_message": "SELECT write_message(gen_random_uuid()::varchar, '{name}', 'T', '{{}}')",
    "write_messages": "SELECT write_messages(ARRAY[gen_random_uuid()::varchar], ARRAY['{name}'], "
    "ARRAY['T'], ARRAY['{{}}'::jsonb])",
    "INSERT": "INSERT INTO messages (stream_name, position, type) VALUES ('{name}', 0, 'T')",
    "import_messages": "SELECT import_messages(ARRAY[0], ARRAY[clock_timestamp()], "
    "ARRAY['{name}'], ARRAY['T'], ARRAY['{{}}'::jsonb], ARRAY[NULL::jsonb], "
    "ARRAY[gen_random_uuid()])",
}


def test_an_import_cannot_be_prepared(store: Writer) -> None:
    """It has a temporary table, and PostgreSQL prepares no transaction that has touched one."""
    with store.connect() as slow:
        slow.execute("BEGIN")
        slow.execute(WRITES["import_messages"].format(name="slow-1").encode())
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            slow.execute("PREPARE TRANSACTION 'slow'")
    assert store.run("SELECT count(*) FROM messages") == [(0,)]


@pytest.mark.parametrize("write", [each for each in WRITES if each != "import_messages"])
@pytest.mark.parametrize("ending", ["COMMIT", "ROLLBACK"])
def test_a_prepared_transaction_is_waited_for(store: Writer, write: str, ending: str) -> None:
    with store.connect() as slow, store.connect() as fast:
        slow.execute("BEGIN")
        slow.execute(WRITES[write].format(name="slow-1").encode())
        slow.execute("PREPARE TRANSACTION 'slow'")
        store.write(fast, "fast-1")
        reading = Reading(store, "sql")
        wait_until_waiting(store)
        assert reading.result is None
        slow.execute(f"{ending} PREPARED 'slow'".encode())
    reading.join(timeout=20)
    assert reading.result == (["slow-1"] if ending == "COMMIT" else []) + ["fast-1"]


def test_a_transaction_that_is_prepared_during_the_wait(
    store: Writer, slow: psycopg.Connection
) -> None:
    reading = Reading(store, "sql")
    wait_until_waiting(store)
    slow.execute("PREPARE TRANSACTION 'slow'")
    # It would have ended by then, had the writer been lost sight of.
    reading.join(timeout=1)
    assert reading.result is None
    slow.execute("COMMIT PREPARED 'slow'")
    reading.join(timeout=20)
    assert reading.result == ["slow-1", "fast-1"]


@pytest.mark.parametrize("write", WRITES)
def test_whoever_draws_a_position_has_changed_a_head(store: Writer, write: str) -> None:
    last = "SELECT last_value - (NOT is_called)::integer FROM messages_global_position_seq"
    with store.connect() as slow, store.connect() as other:
        [(before,)] = store.run(last)
        other.execute("BEGIN")
        other.execute("LOCK TABLE streams IN SHARE MODE")
        writing = threading.Thread(
            target=slow.execute, args=(WRITES[write].format(name="slow-1").encode(),)
        )
        writing.start()
        while not store.run("SELECT 1 FROM pg_locks WHERE NOT granted"):
            time.sleep(0.005)
        assert store.run(last) == [(before,)]
        other.execute("ROLLBACK")
        writing.join(timeout=20)


def test_a_write_that_was_rolled_back_to_a_savepoint_holds_nobody_back(store: Writer) -> None:
    with store.connect() as slow, store.connect() as fast:
        slow.execute("BEGIN")
        slow.execute("SAVEPOINT before")
        store.write(slow, "slow-1")
        slow.execute("ROLLBACK TO before")
        store.write(fast, "fast-1")
        assert store.run("SELECT stream_name FROM get_all_messages()") == [("fast-1",)]
        store.write(slow, "slow-2")
        slow.execute("COMMIT")
    names = [name for (name,) in store.run("SELECT stream_name FROM get_all_messages()")]
    assert names == ["fast-1", "slow-2"]


@pytest.mark.parametrize("prepared", [False, True])
def test_a_wait_ends_and_names_whom_it_was_for(
    store: Writer, slow: psycopg.Connection, prepared: bool
) -> None:
    pid = slow.info.backend_pid
    if prepared:
        slow.execute("PREPARE TRANSACTION 'the slow one'")
    named = "prepared transaction 'the slow one'" if prepared else f"process {pid}"
    with store.connect() as reader:
        for limit in ("0", "20ms", "1100ms"):
            reader.execute(f"SET message_store.frontier_timeout = '{limit}'".encode())
            with pytest.raises(psycopg.Error, match=named) as caught:
                reader.execute("SELECT * FROM get_all_messages()")
            assert caught.value.sqlstate == "CS011"
    slow.execute("COMMIT PREPARED 'the slow one'" if prepared else "COMMIT")


def test_the_client_says_whom_it_waited_for(store: Writer, slow: psycopg.Connection) -> None:
    dsn = psycopg.conninfo.make_conninfo(
        store.dsn, options="-c message_store.frontier_timeout=20ms"
    )
    with (
        coldstream.connect(dsn, schema=store.schema) as opened,
        pytest.raises(coldstream.Unavailable, match=f"process {slow.info.backend_pid}"),
    ):
        list(opened.get_all_messages())
    slow.execute("COMMIT")


def read_all(connection: psycopg.Connection, results: list[object]) -> None:
    try:
        results.append(len(connection.execute("SELECT * FROM get_all_messages()").fetchall()))
    except psycopg.Error as error:
        results.append(error.sqlstate)
    connection.execute("ROLLBACK")


@pytest.mark.parametrize("count", [2, 3])
def test_writers_that_wait_for_each_other_are_found(store: Writer, count: int) -> None:
    with ExitStack() as stack:
        connections = [stack.enter_context(store.connect()) for _ in range(count)]
        for number, connection in enumerate(connections):
            connection.execute("BEGIN")
            store.write(connection, f"c{number}-1")
        results: list[object] = []
        readers = [
            threading.Thread(target=read_all, args=(connection, results))
            for connection in connections
        ]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(timeout=30)
    # One gives in at a time, until the others do not wait in a circle any more.
    assert results.count("40P01") == count - 1
    assert results.count(1) == 1


def test_a_circle_by_way_of_a_lock_is_found(store: Writer) -> None:
    with store.connect() as reader, store.connect() as writer:
        reader.execute("BEGIN")
        reader.execute("SELECT pg_advisory_xact_lock(4711)")
        writer.execute("BEGIN")
        store.write(writer, "slow-1")
        waiting = threading.Thread(
            target=writer.execute, args=("SELECT pg_advisory_xact_lock(4711)",)
        )
        waiting.start()
        results: list[object] = []
        read_all(reader, results)
        assert results == ["40P01"]
        waiting.join(timeout=20)
        writer.execute("COMMIT")


def test_a_wait_that_is_over_leaves_nothing_behind(store: Writer, slow: psycopg.Connection) -> None:
    with store.connect() as reader:
        reader.execute("BEGIN")
        results: list[object] = []
        reading = threading.Thread(
            target=lambda: results.extend(
                reader.execute("SELECT stream_name FROM get_all_messages()").fetchall()
            )
        )
        reading.start()
        said = (
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        while store.run(said) != [(1,)]:
            time.sleep(0.005)
        slow.execute("COMMIT")
        reading.join(timeout=20)
        assert results == [("slow-1",), ("fast-1",)]
        assert store.run(said) == [(0,)]
        reader.execute("ROLLBACK")
