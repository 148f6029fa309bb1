"""A store that moves to another engine, in place, and back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from tests.fix_cli import Cli
from tests.fix_native import ENGINE
from tests.fix_store import InstalledStore
from tests.history import END, START, history, insert, without_jobs

import coldstream
from coldstream import LifecycleBusy, SetupError
from coldstream.migrations import Settings
from coldstream.migrations.connection import direct_connection
from coldstream.migrations.move import cancel, move
from coldstream.sql import Names

pytestmark = pytest.mark.skipif(
    ENGINE != "timescale",
    reason="not covered here: a store of the run's engine moves to TimescaleDB",
)
ROWS = (
    "SELECT md5(string_agg(md5(ROW(global_position, position, time, stream_name, type, data::text, "
    "metadata::text, id, stream_category, correlation_category, position_bucket)::text), '' "
    "ORDER BY global_position)), count(*) FROM messages"
)
HEADS = "SELECT * FROM streams ORDER BY stream_name"


class Killed(Exception):
    """A run that ends half-way."""


def upgrade(store: InstalledStore, to: str, **options: Any) -> Any:
    with direct_connection(store.dsn, store.schema) as connection:
        return move(connection, Names(store.schema), to, **options)  # type: ignore[arg-type]


@pytest.fixture
def plain(new_store: Callable[..., InstalledStore]) -> Iterator[InstalledStore]:
    """A store on an ordinary table, with ten weeks of history and a gap in its positions."""
    store = new_store(Settings(engine="postgres"))
    insert(store, history())
    store.run("SELECT setval('messages_global_position_seq', 90000)")
    store.run("SELECT write_message(gen_random_uuid()::text, 'account-1', 'After', '{}')")
    yield store
    for suffix in ("next", "before"):
        store.run(f"DROP SCHEMA IF EXISTS {store.schema}_{suffix} CASCADE")


def test_to_timescale_and_back(plain: InstalledStore, cli: Cli, tmp_path: Any) -> None:
    where = ("--dsn", plain.dsn, "--schema", plain.schema)
    plain.run("DROP ROLE IF EXISTS move_reporter")
    plain.run("CREATE ROLE move_reporter")
    plain.run("GRANT SELECT ON messages TO move_reporter")
    rows, heads = plain.run(ROWS), plain.run(HEADS)
    shown = cli("upgrade", "--to", "timescale", "--dry-run", *where)
    assert shown.status == 0
    assert "from the engine postgres to timescale" in shown.out
    assert plain.run("SELECT count(*) FROM engine_move") == [(0,)]

    # Ends after the first step, goes on in another run, and takes the gap in one step.
    steps: list[int] = []

    def first_step(done: int, last: int) -> None:
        steps.append(done)
        if len(steps) == 2:
            raise Killed

    with pytest.raises(Killed):
        upgrade(plain, "timescale", step=100, report=first_step)
    assert plain.run("SELECT copied_to FROM engine_move") == [(steps[-1],)]
    # Meanwhile the store is as it was, and messages that were copied stay as they are.
    assert plain.run(ROWS) == rows
    for statement in (
        "DELETE FROM messages",
        "UPDATE messages SET type = 'X'",
        "TRUNCATE messages",
    ):
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
            plain.run(statement)
    with pytest.raises(psycopg.Error, match="is being moved"):
        plain.run(
            "INSERT INTO messages (global_position, stream_name, position, type) "
            "VALUES (500, 'late-1', 0, 'T')"
        )
    plain.run("SELECT write_message(gen_random_uuid()::text, 'account-1', 'During', '{}')")
    rows, heads = plain.run(ROWS), plain.run(HEADS)
    with pytest.raises(SetupError, match="being moved to timescale"):
        upgrade(plain, "postgres")
    moved = cli("upgrade", "--to", "timescale", "--json", *where).json
    assert moved["messages"] == rows[0][1]
    assert 0 < moved["switch_seconds"] < 30
    without_jobs(plain)
    assert plain.run(ROWS) == rows
    assert plain.run(HEADS) == heads
    assert len(steps) < 10

    # It is a store of that engine in every respect: nothing is left for an install to do.
    assert not coldstream.install(plain.dsn, schema=plain.schema).changed
    assert plain.run("SELECT has_table_privilege('move_reporter', 'messages', 'SELECT')") == [
        (True,)
    ]
    assert plain.run("SELECT store_is_here()") == [(True,)]
    assert "nothing to do" in cli("upgrade", "--to", "timescale", *where).out
    with coldstream.connect(plain.dsn, schema=plain.schema, archive=tmp_path.as_uri()) as store:
        [*_, last] = store.get_stream_messages("account-1")
        with pytest.raises(coldstream.DuplicateMessageId):
            store.write_message("account-1", "Again", {}, id=last.id)
        assert store.lifecycle.compress(END)
        store.lifecycle.archive(END)
        store.lifecycle.verify()
        assert store.lifecycle.drop(END)
    with pytest.raises(SetupError, match="left the database") as refused:
        upgrade(plain, "postgres")
    assert "coldstream rehydrate" in str(refused.value.hint)
    with coldstream.connect(plain.dsn, schema=plain.schema, archive=tmp_path.as_uri()) as store:
        store.lifecycle.rehydrate(START, END)
    assert plain.run(ROWS) == rows

    back = upgrade(plain, "postgres", step=1000)
    assert back.messages == rows[0][1]
    assert plain.run(ROWS) == rows
    assert plain.run(HEADS) == heads
    assert not coldstream.install(plain.dsn, schema=plain.schema).changed
    plain.run("SELECT write_message(gen_random_uuid()::text, 'account-1', 'After', '{}')")
    # Refused writes have drawn some in between; none comes twice.
    [(last,)] = plain.run("SELECT max(global_position) FROM messages")
    assert last > 90002
    with coldstream.connect(plain.dsn, schema=plain.schema) as store:
        assert len(list(store.get_all_messages())) == rows[0][1] + 1
    plain.run("DROP OWNED BY move_reporter")
    plain.run("DROP ROLE move_reporter")


def test_what_somebody_else_made_is_named_and_a_move_is_given_up(
    plain: InstalledStore, cli: Cli
) -> None:
    where = ("--dsn", plain.dsn, "--schema", plain.schema)
    rows = plain.run(ROWS)
    plain.run("CREATE VIEW mine AS SELECT id FROM messages")
    plain.run("CREATE INDEX mine_too ON messages (type)")
    refused = cli("upgrade", "--to", "timescale", *where)
    assert refused.status == 1
    assert "the index mine_too" in refused.err
    assert "mine of somebody else's" in refused.err
    plain.run("DROP VIEW mine")
    plain.run("DROP INDEX mine_too")

    reports: list[int] = []

    def killed(done: int, last: int) -> None:
        reports.append(done)
        if len(reports) == 2:
            raise Killed

    with pytest.raises(Killed):
        upgrade(plain, "timescale", step=100, report=killed)
    # What is not as it was copied is found, whoever did it.
    copy = f"{plain.schema}_next.messages"
    plain.run(
        f"UPDATE {copy} SET type = 'Other' "
        f"WHERE global_position = (SELECT min(global_position) FROM {copy})"
    )
    plain.run("UPDATE engine_move SET compared_to = 0")
    with pytest.raises(SetupError, match="not what is there"):
        upgrade(plain, "timescale")
    assert "given up" in cli("upgrade", "--cancel", *where).out
    assert "nothing to give up" in cli("upgrade", "--cancel", *where).out
    assert plain.run(ROWS) == rows
    plain.run("DELETE FROM messages WHERE global_position = 90001")
    assert not coldstream.install(plain.dsn, schema=plain.schema).changed


@pytest.mark.native
def test_one_move_at_a_time(plain: InstalledStore) -> None:
    with direct_connection(plain.dsn, plain.schema) as other:
        lock = f"SELECT pg_advisory_lock(1129271878, hashtext('{plain.schema}'))"
        other.execute(lock.encode())
        with pytest.raises(LifecycleBusy):
            upgrade(plain, "timescale", wait=0)
        with direct_connection(plain.dsn, plain.schema) as second, pytest.raises(LifecycleBusy):
            cancel(second, Names(plain.schema), wait=0)


@pytest.mark.native
def test_programs_write_and_read_meanwhile(plain: InstalledStore) -> None:
    written: list[tuple[str, int]] = []
    seen: list[int] = []
    failed: list[BaseException] = []
    stop = threading.Event()

    def write(number: int) -> None:
        try:
            with coldstream.connect(plain.dsn, schema=plain.schema) as store:
                while not stop.is_set():
                    result = store.write_message(f"writer{number}-1", "T", {"n": len(written)})
                    written.append((f"writer{number}-1", result.global_position))
        except BaseException as error:
            failed.append(error)

    def consume() -> None:
        position = 1
        try:
            with coldstream.connect(plain.dsn, schema=plain.schema) as store:
                done = False
                while not done:
                    done = stop.is_set()
                    for message in store.get_category_messages("writer0", position=position):
                        seen.append(message.global_position)
                        position = message.global_position + 1
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    reader = threading.Thread(target=consume)
    for thread in (*threads, reader):
        thread.start()
    try:
        for to in ("timescale", "postgres"):
            moved = upgrade(plain, to, step=500)
            assert moved.switch_seconds < 2
    finally:
        stop.set()
        for thread in (*threads, reader):
            thread.join()
    assert failed == []
    there = plain.run(
        "SELECT stream_name, global_position FROM messages WHERE stream_name LIKE 'writer%%' "
        "ORDER BY global_position",
        [],
    )
    assert there == sorted(written, key=lambda each: each[1])
    assert seen == [position for name, position in there if name == "writer0-1"]
    assert len(written) > 50
