"""No read is shorter because a chunk changes its form between its snapshot and its plan.

A read takes its snapshot, looks into the ledger, and then plans. A lock on the ledger holds it
there while somebody compresses, recompresses or decompresses a chunk that it will read.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from psycopg.errors import SerializationFailure
from tests.fix_store import InstalledStore
from tests.history import without_jobs

import coldstream
from coldstream.migrations import Settings
from coldstream.sql import query

INSERT = """
INSERT INTO messages (stream_name, position, type, time)
SELECT %s, n, %s, date_trunc('day', now()) - INTERVAL '30 days' + n * INTERVAL '1 second' + %s
FROM generate_series(%s::int, %s::int) AS n
"""
HOUR = "1 hour"

IN_DATABASE: dict[str, Any] = {
    "category": "a",
    "position": 1,
    "batch_size": 10_000,
    "correlation": None,
    "consumer_group_member": None,
    "consumer_group_size": None,
    "archive_epoch": 0,
    "last_position": 2**63 - 1,
    "max_bytes": 2**40,
}

# Every read that looks into the ledger, as (statement, parameters). Those of the first group repeat
# themselves where a new snapshot helps; the client repeats the others.
REPEATED: dict[str, tuple[str, Any]] = {
    "category": ("SELECT global_position FROM get_category_messages('a', 1, -1)", None),
    "group": ("SELECT global_position FROM get_category_messages('a', 1, -1, NULL, 0, 2)", None),
    "all": ("SELECT global_position FROM get_all_messages(1, -1)", None),
    "stream": ("SELECT global_position FROM get_stream_messages('a-late', 0, -1)", None),
    "page": ("SELECT global_position FROM get_stream_messages('a-late', 5, 10)", None),
    "unordered": ("SELECT global_position FROM get_stream_messages('a-back', 0, -1)", None),
    "database": (
        "SELECT global_position FROM get_stream_messages_in_database('a-back', 0, -1)",
        None,
    ),
    "last": ("SELECT global_position FROM get_last_stream_message('a-back')", None),
    "last of type": (
        "SELECT global_position FROM get_last_stream_message('a-late', 'Late')",
        None,
    ),
    "position at": (
        "SELECT position_at('a', date_trunc('day', now()) - INTERVAL '30 days' + '1 hour')",
        None,
    ),
    # Whoever takes a position for the end goes past what comes before it.
    "last position": ("SELECT last_category_position('b')", None),
    "lag": ("SELECT messages FROM consumer_lag('b', 1)", None),
}
BY_CLIENT = {
    name: (name, IN_DATABASE) for name in ("get_messages_in_database", "get_range_in_database")
}
READS = REPEATED | BY_CLIENT
# As many messages as there are positions are all of them: these look no further.
WITHOUT_LEDGER = ["stream", "page", "last"]

COMPRESS = "SELECT compress_chunk(%s::regclass)"


def run_policy(connection: psycopg.Connection, _: str) -> None:
    [(job,)] = connection.execute(
        "SELECT job_id FROM timescaledb_information.jobs WHERE hypertable_schema ="
        " current_schema() AND proc_name LIKE 'policy_compression%'"
    ).fetchall()
    connection.execute(f"CALL run_job({job})".encode())


def execute(statement: str) -> Callable[[psycopg.Connection, str], None]:
    def run(connection: psycopg.Connection, chunk: str) -> None:
        arguments = [chunk] if "%s" in statement else None
        connection.execute(statement.encode(), arguments)

    return run


def without_truncate(connection: psycopg.Connection, chunk: str) -> None:
    # Then the columnstore is not seen by older snapshots.
    connection.execute("SET timescaledb.compress_truncate_behaviour TO truncate_disabled")
    connection.execute(COMPRESS, [chunk])


# name -> (the form of the chunk before, what is done to it)
CHANGES: dict[str, tuple[str, Callable[[psycopg.Connection, str], None]]] = {
    "first compression": ("rows", execute(COMPRESS)),
    "of a closed chunk": ("closed", execute(COMPRESS)),
    "without truncate": ("closed", without_truncate),
    "late messages": ("late", execute(COMPRESS)),
    "policy": ("late", run_policy),
    "decompression": ("columnstore", execute("SELECT decompress_chunk(%s::regclass)")),
    "decompression with late ones": ("late", execute("SELECT decompress_chunk(%s::regclass)")),
    "written anew": (
        "columnstore",
        execute("SELECT compress_chunk(%s::regclass, recompress => true)"),
    ),
    "vacuum": ("late", execute("VACUUM FULL messages")),
}


@pytest.fixture(params=["bucket", "stream"])
def store(
    request: pytest.FixtureRequest, new_store: Callable[..., InstalledStore]
) -> InstalledStore:
    return without_jobs(new_store(Settings(layout=request.param)))


def bring(store: InstalledStore, form: str) -> str:
    """A new chunk's worth of history in this form; the name of the chunk."""
    store.run("TRUNCATE messages RESTART IDENTITY")
    store.run(INSERT, ["a-1", "T", "0", 0, 99])
    store.run(INSERT, ["a-back", "T", HOUR, 0, 9])
    [(chunk,)] = store.run("SELECT tableoid::regclass::text FROM messages LIMIT 1")
    if form in ("columnstore", "late"):
        store.run(COMPRESS, [chunk])
    if form in ("columnstore", "closed"):
        store.run(INSERT, ["a-late", "Late", HOUR, 0, 29])
        store.run(INSERT, ["a-back", "T", "0", 10, 12])
        store.run(INSERT, ["b-1", "Late", HOUR, 0, 9])
    if form == "columnstore":
        store.run(COMPRESS, [chunk])
    if form != "rows":
        store.run("CALL close_ended_chunks()")
    if form in ("rows", "late"):
        # Into a chunk that is closed and compressed: partly rows, and open again.
        store.run(INSERT, ["a-late", "Late", HOUR, 0, 29])
        store.run(INSERT, ["a-back", "T", "0", 10, 12])
        store.run(INSERT, ["b-1", "Late", HOUR, 0, 9])
    # What a reader would go on from.
    store.run("SELECT write_message(gen_random_uuid()::varchar, 'a-new', 'T', '{}')")
    return str(chunk)


def read(connection: psycopg.Connection, schema: str, name: str) -> list[Any]:
    statement, arguments = READS[name]
    if name in BY_CLIENT:
        rows = connection.execute(query(statement, schema).encode(), arguments).fetchall()
        return sorted(row[4] for row in rows)
    return connection.execute(statement.encode(), arguments).fetchall()


def wait_until_blocked(connection: psycopg.Connection, pid: int, thread: threading.Thread) -> None:
    """Or until the read is done: not every one asks the ledger for what is not closed."""
    for _ in range(500):
        if not thread.is_alive():
            return
        if connection.execute("SELECT pg_blocking_pids(%s) <> '{}'", [pid]).fetchone() == (True,):
            return
        time.sleep(0.01)
    raise AssertionError("the read does not come to the ledger")


@pytest.mark.native
@pytest.mark.parametrize("change", CHANGES)
def test_between_snapshot_and_plan(store: InstalledStore, change: str) -> None:
    form, do = CHANGES[change]
    chunk = bring(store, form)
    names = [name for name in READS if name not in WITHOUT_LEDGER]
    with ExitStack() as stack:
        ledger, other = (stack.enter_context(store.connect()) for _ in range(2))
        expected = {name: read(other, store.schema, name) for name in names}
        assert all(expected.values())
        readers = {name: stack.enter_context(store.connect()) for name in names}
        found: dict[str, Any] = {}

        def run(name: str) -> None:
            try:
                found[name] = read(readers[name], store.schema, name)
            except SerializationFailure as error:
                found[name] = error

        threads = [threading.Thread(target=run, args=(name,)) for name in names]
        with ledger.transaction():
            ledger.execute("LOCK TABLE chunks IN ACCESS EXCLUSIVE MODE")
            for thread in threads:
                thread.start()
            for reader, thread in zip(readers.values(), threads, strict=True):
                wait_until_blocked(other, reader.info.backend_pid, thread)
            do(other, chunk)
        for thread in threads:
            thread.join(30)
    for name in BY_CLIENT:
        if isinstance(found[name], SerializationFailure):
            del found[name], expected[name]
    assert found == expected


@pytest.mark.native
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_at_a_higher_level(store: InstalledStore, level: str, change: str) -> None:
    form, do = CHANGES[change]
    chunk = bring(store, form)
    # They need READ COMMITTED, or say where the end is now.
    names = [name for name in READS if name not in ("all", "position at")]
    with ExitStack() as stack:
        other = stack.enter_context(store.connect())
        expected = {name: read(other, store.schema, name) for name in names}
        readers = {name: stack.enter_context(store.connect()) for name in names}
        for reader in readers.values():
            reader.execute(f"BEGIN ISOLATION LEVEL {level}".encode())
            reader.execute("SELECT count(*) FROM store")
        do(other, chunk)
        for name, reader in readers.items():
            try:
                assert (name, read(reader, store.schema, name)) == (name, expected[name])
            except SerializationFailure:
                continue


@pytest.mark.native
def test_a_chunk_that_nobody_closed(store: InstalledStore) -> None:
    # The newest one, compressed by hand.
    for name in ("category", "all"):
        store.run("TRUNCATE messages RESTART IDENTITY")
        store.run(
            "INSERT INTO messages (stream_name, position, type) SELECT 'a-back', n, 'T'"
            " FROM generate_series(0, 30) AS n"
        )
        [(chunk,)] = store.run("SELECT DISTINCT tableoid::regclass::text FROM messages")
        store.run(COMPRESS, [chunk])
        store.run(
            "INSERT INTO messages (stream_name, position, type) SELECT 'a-2', n, 'T'"
            " FROM generate_series(0, 5) AS n"
        )
        store.run("DELETE FROM messages WHERE stream_name = 'a-back' AND position = 30")
        with store.connect() as reader, store.connect() as ledger, store.connect() as other:
            expected = read(reader, store.schema, name)
            assert expected
            found: list[Any] = []
            thread = threading.Thread(
                target=lambda n=name, r=reader, f=found: f.append(read(r, store.schema, n))
            )
            with ledger.transaction():
                ledger.execute("LOCK TABLE chunks, store IN ACCESS EXCLUSIVE MODE")
                thread.start()
                wait_until_blocked(other, reader.info.backend_pid, thread)
                other.execute(COMPRESS, [chunk])
            thread.join(30)
            assert (name, found) == (name, [expected])


@pytest.mark.native
def test_the_client_gives_everything_meanwhile(store: InstalledStore) -> None:
    chunk = bring(store, "late")
    streams = ["a-late", "a-back"]
    lacking: list[str] = []
    stop = threading.Event()
    with coldstream.connect(store.dsn, schema=store.schema) as client, store.connect() as other:
        everything = [m.global_position for m in client.get_category_messages("a")]

        def consume() -> None:
            while not stop.is_set():
                known = len(everything)
                if [m.global_position for m in client.get_category_messages("a")][
                    :known
                ] < everything[:known]:
                    lacking.append("category")
                of_all = [
                    m.global_position
                    for m in client.get_all_messages()
                    if m.stream_name.startswith("a-")
                ]
                if of_all[:known] < everything[:known]:
                    lacking.append("all")
                for stream in streams:
                    last = client.get_last_stream_message(stream)
                    assert last is not None
                    if len(list(client.get_stream_messages(stream))) < last.position + 1:
                        lacking.append(stream)

        threads = [threading.Thread(target=consume) for _ in range(2)]
        for thread in threads:
            thread.start()
        for n in range(15):
            other.execute(INSERT, [f"a-{n + 10}", "Late", HOUR, 0, 7])
            everything += [
                g
                for (g,) in other.execute(
                    "SELECT global_position FROM messages WHERE stream_name = %s ORDER BY 1",
                    [f"a-{n + 10}"],
                )
            ]
            other.execute(COMPRESS, [chunk])
        stop.set()
        for thread in threads:
            thread.join(30)
    assert lacking == []
