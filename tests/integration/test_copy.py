"""A Message DB is copied into a store: everything, as it is, and by a kill at any point."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from tests.fix_cli import Cli
from tests.fix_native import NATIVE_DSN
from tests.fix_store import InstalledStore
from tests.message_db import SCHEMA, MessageDb

import coldstream
from coldstream import AsyncCopy, Copy
from coldstream.client._sync.statements import rows_over
from coldstream.copying import copy as steps
from coldstream.copying import load
from coldstream.errors import InvalidInput, LifecycleBusy, LifecycleError, SetupError, Unavailable
from coldstream.migrations import Settings

# The source and the store are read and written at the same time.
pytestmark = pytest.mark.native

DAY = Settings(chunk_interval=timedelta(days=1))


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    given, name = str(NATIVE_DSN), f"coldstream_source_{os.getpid()}"
    with psycopg.connect(given, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield make_conninfo(given, dbname=name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def source(database: str) -> MessageDb:
    found = MessageDb(database)
    found.run("DROP SCHEMA IF EXISTS message_store CASCADE")
    found.run(SCHEMA)
    return found


@pytest.fixture
def store(new_store: Callable[..., InstalledStore]) -> InstalledStore:
    return new_store(DAY)


def copy_of(source: MessageDb, store: InstalledStore, **more: object) -> Copy:
    return Copy(source.dsn, store.dsn, schema=store.schema, **more)  # type: ignore[arg-type]


def in_store(store: InstalledStore) -> list[tuple[object, ...]]:
    return store.run(
        "SELECT global_position, position, time AT TIME ZONE 'UTC', stream_name, type, data::text,"
        " metadata::text, id FROM messages ORDER BY global_position"
    )


def test_everything_is_copied_as_it_is(source: MessageDb, store: InstalledStore, cli: Cli) -> None:
    source.fill(2000)
    before = source.messages()
    where = ("--dsn", store.dsn, "--schema", store.schema)
    plan = cli("copy-from", source.dsn, *where, "--dry-run", "--json").json
    assert (
        asyncio.run(AsyncCopy(source.dsn, store.dsn, schema=store.schema).plan()).messages == 2000
    )
    assert (plan["messages"], plan["copied"], plan["outside"]) == (2000, 0, None)
    assert store.run("SELECT count(*) FROM copied") == [(0,)]
    done = cli("copy-from", source.dsn, *where, "--json").json
    assert done["messages"] == 2000
    assert done["opened_at"] is None
    assert in_store(store) == before

    # Each chunk that has ended is in the columnstore, the plan told how many there are, and only
    # ids of what is in rows are kept.
    chunks = store.run("SELECT state, count(*) FROM chunks GROUP BY 1")
    assert chunks == [("compressed", plan["chunks"] - 1)]
    assert store.run(
        "SELECT count(*) FROM recent_ids AS r FULL JOIN (SELECT * FROM messages WHERE time >= "
        "(SELECT rows_since FROM store)) AS m USING (id) WHERE r.id IS NULL"
    ) == [(0,)]
    assert cli("copy-from", source.dsn, *where, "--verify", "--json").json["is_equal"]

    # Nobody writes here before the copy is opened; then positions go on above the source's.
    with coldstream.connect(store.dsn, schema=store.schema) as client:
        with pytest.raises(LifecycleBusy, match="takes no writes"):
            client.write_message("account-1", "Happened", {})
        [(given,)] = source.run("SELECT nextval('messages_global_position_seq')")
        assert cli("copy-from", source.dsn, *where, "--open", "--json").json["opened_at"]
        last = [each for each in before if each[3] == "account-1"][-1]
        written = client.write_message("account-1", "Happened", {}, expected_version=last[1])
        assert written.position == last[1] + 1
        assert written.global_position > before[-1][0]
        head, *_ = client.get_category_messages("order", position=before[1000][0])
        expected = next(each for each in before[1000:] if each[3].startswith("order-"))
        assert (head.global_position, head.id) == (expected[0], expected[7])
        assert client.get_last_stream_message("order-5") is not None
    assert given
    # And a copy that was opened is not gone on with.
    source.run("SELECT write_message(gen_random_uuid()::varchar, 'account-1', 'Late', '{}')")
    late = cli("copy-from", source.dsn, *where)
    assert late.status == 1
    assert "takes writes since" in late.err
    assert late.err.count("\n") <= 2


def test_into_an_ordinary_table(
    source: MessageDb, new_store: Callable[..., InstalledStore]
) -> None:
    source.fill(300)
    store = new_store(Settings(engine="postgres"))
    copy = copy_of(source, store)
    assert copy.plan().messages == 300
    copy.run()
    assert in_store(store) == source.messages()
    assert copy.verify().is_equal
    copy.switch()
    with coldstream.connect(store.dsn, schema=store.schema) as client:
        assert client.write_message("account-1", "Happened", {}).global_position > 300


def test_one_that_was_killed_goes_on(source: MessageDb, store: InstalledStore) -> None:
    source.fill(3000)
    program = (
        "import os, sys, coldstream.copying.copy as copy\n"
        "copy._STEP = 800\n"
        "from coldstream import Copy\n"
        "steps = 0\n"
        "def progress(*a):\n"
        "    global steps\n"
        "    steps += 1\n"
        "    if steps == 2: os.kill(os.getpid(), 9)\n"
        f"Copy({source.dsn!r}, {store.dsn!r}, schema={store.schema!r}, progress=progress).run()\n"
    )
    statuses = []
    for _ in range(10):
        ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        statuses.append(ran.returncode)
        if ran.returncode == 0:
            break
        assert ran.returncode == -9, ran.stderr
        # The server notices the death when it next reads from the connection.
        while store.run(
            "SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = 1129271876"
        ):
            pass
    assert statuses[:-1] == [-9] * 4
    assert statuses[-1] == 0
    assert in_store(store) == source.messages()
    assert copy_of(source, store).verify().is_equal


def test_what_was_changed_is_found(source: MessageDb, store: InstalledStore) -> None:
    source.fill(300)
    copy = copy_of(source, store)
    copy.run()
    source.run("UPDATE messages SET data = '{\"n\": 0}' WHERE global_position = 77")
    [changed] = source.run("SELECT stream_name FROM messages WHERE global_position = 77")
    found = copy.verify()
    assert not found.is_equal
    assert [each.stream_name for each in found.differences] == [*changed]


def test_times_out_of_all_bounds(source: MessageDb, store: InstalledStore, cli: Cli) -> None:
    source.fill(400, days=5)
    source.run("UPDATE messages SET time = '0001-01-01' WHERE global_position = 7")
    source.run("UPDATE messages SET time = '0800-05-05' WHERE global_position = 8")
    source.run("UPDATE messages SET time = '9999-12-31 23:59:59' WHERE global_position = 9")
    source.run("UPDATE messages SET time = 'infinity' WHERE global_position = 10")
    # In no order of time either.
    source.run("UPDATE messages SET time = time - interval '3 days' WHERE global_position % 9 = 5")
    where = ("--dsn", store.dsn, "--schema", store.schema)
    plan = cli("copy-from", source.dsn, *where, "--dry-run")
    assert plan.status == 1
    assert "0001-01-01" in plan.out
    assert "--clamp-times" in plan.err
    refused = cli("copy-from", source.dsn, *where)
    assert refused.status == 2
    assert "global position 7" in refused.err
    assert store.run("SELECT count(*) FROM copied") == [(0,)]

    # One that comes later stops the copy, which goes on as it is told to.
    source.run("UPDATE messages SET time = now() WHERE global_position BETWEEN 7 AND 10")
    assert cli("copy-from", source.dsn, *where).status == 0
    source.run(
        "INSERT INTO messages (stream_name, position, type, time) VALUES "
        "('future-1', 0, 'T', '9999-12-31'), ('future-1', 1, 'T', '0001-01-01')"
    )
    refused = cli("copy-from", source.dsn, *where)
    assert refused.status in (1, 2)
    assert "future-1" in refused.err
    assert cli("copy-from", source.dsn, *where, "--clamp-times").status == 0
    copy = copy_of(source, store)
    assert copy.verify().is_equal
    copy.open()
    # No chunk stays open for ever: everything goes its way, but for the chunk of now.
    with coldstream.connect(store.dsn, schema=store.schema) as client:
        client.lifecycle.compress(timedelta(0))
        chunks = client.lifecycle.get_chunks()
        # The one of year 9999 is at the clock now, and its stream takes writes.
        client.write_message("future-1", "Happened", {})
        assert len(list(client.get_all_messages())) == 403
    assert {each.state for each in chunks if each.range_end < chunks[-1].range_start} == {
        "compressed"
    }
    assert chunks[-1].range_start.year < 9000
    assert chunks[0].range_start.year == 1


def test_what_is_no_source_is_refused_in_one_line(
    source: MessageDb, store: InstalledStore, new_store: Callable[..., InstalledStore]
) -> None:
    copy = copy_of(source, store)
    with pytest.raises(InvalidInput, match="nothing to copy"):
        copy.run()
    source.fill(50)
    with pytest.raises(InvalidInput, match="has no table messages"):
        copy_of(source, store, source_schema="nowhere").run()
    with pytest.raises(InvalidInput, match="is a Coldstream store"):
        Copy(store.dsn, store.dsn, source_schema=store.schema, schema=store.schema).run()
    with pytest.raises(Unavailable, match="source cannot be reached"):
        Copy("host=127.0.0.1 port=1 user=postgres", store.dsn, schema=store.schema).run()
    source.run("CREATE TABLE public.messages (id uuid, data jsonb)")
    with pytest.raises(InvalidInput, match="has no global_position"):
        copy_of(source, store, source_schema="public").run()
    source.run("DROP TABLE public.messages")

    source.run("DROP ROLE IF EXISTS nobody_here")
    source.run("CREATE ROLE nobody_here LOGIN")
    theirs = MessageDb(make_conninfo(source.dsn, user="nobody_here"))
    with pytest.raises(SetupError, match="No right to read"):
        copy_of(theirs, store).run()
    source.run("GRANT USAGE ON SCHEMA message_store TO nobody_here")
    source.run("GRANT SELECT ON messages TO nobody_here")

    used = new_store(DAY)
    with coldstream.connect(used.dsn, schema=used.schema) as client:
        client.write_message("account-1", "Happened", {})
    with pytest.raises(LifecycleError, match="not empty"):
        copy_of(theirs, used).run()
    with coldstream.connect(used.dsn, schema=used.schema) as client:
        client.write_message("account-1", "Happened", {})

    source.run("ALTER SEQUENCE messages_global_position_seq CACHE 20")
    with pytest.raises(InvalidInput, match="has CACHE 20"):
        copy.run()
    source.run("ALTER SEQUENCE messages_global_position_seq CACHE 1")

    # A table without Message DB's indexes may say things twice.
    source.run("DROP INDEX messages_id, messages_stream")
    source.run(
        "INSERT INTO messages (id, position, stream_name, type) "
        "SELECT id, 10000, 'account-1', 'Again' FROM messages LIMIT 1"
    )
    with pytest.raises(InvalidInput, match="2 messages of the source have one id"):
        copy.run()
    source.run("DELETE FROM messages WHERE position = 10000")
    source.run("UPDATE messages SET position = -1 WHERE global_position = 3")
    with pytest.raises(InvalidInput, match="incomplete"):
        copy.run()
    assert store.run("SELECT count(*) FROM copied") == [(0,)]
    source.run("UPDATE messages SET position = 500 WHERE global_position = 3")

    # SELECT is enough. Another source is not taken for this one, and neither is one that changed.
    copy_of(theirs, store).run()
    assert in_store(store) == source.messages()
    source.run(
        "UPDATE messages SET id = gen_random_uuid() WHERE global_position = "
        "(SELECT max(global_position) FROM messages)"
    )
    with pytest.raises(LifecycleError, match="another message at global position"):
        copy.run()
    source.run("UPDATE messages SET id = gen_random_uuid() WHERE global_position = 1")
    with pytest.raises(LifecycleError, match="copy of another Message DB"):
        copy.run()
    source.run("DROP OWNED BY nobody_here")
    source.run("DROP ROLE nobody_here")


def test_a_hypertable_without_heads_with_json_of_other_types(
    source: MessageDb, store: InstalledStore
) -> None:
    source.fill(200, days=2)
    source.run("DROP INDEX messages_id, messages_stream")
    source.run("ALTER TABLE messages DROP CONSTRAINT messages_pkey")
    source.run("ALTER TABLE messages ALTER time DROP DEFAULT")
    source.run("ALTER TABLE messages ALTER time TYPE timestamptz USING time AT TIME ZONE 'UTC'")
    source.run("ALTER TABLE messages ALTER data TYPE json, ALTER metadata TYPE text")
    source.run("CREATE EXTENSION IF NOT EXISTS timescaledb WITH SCHEMA public")
    source.run("SELECT create_hypertable('messages', 'time', migrate_data => true)")
    source.run('UPDATE messages SET data = \'{"b":1,  "a":2}\' WHERE global_position = 5')
    copy = copy_of(source, store)
    assert copy.plan().messages == 200
    copy.run()
    assert copy.verify().is_equal
    assert store.run("SELECT data::text FROM messages WHERE global_position = 5") == [
        ('{"a": 2, "b": 1}',)
    ]
    assert store.run("SELECT count(DISTINCT correlation_category) FROM messages") == [(2,)]


def test_times_in_no_order_over_many_chunks(
    source: MessageDb, store: InstalledStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.fill(600)
    source.run(
        "UPDATE messages SET time = time - make_interval(days => abs(hashtext(id::text) % 60))"
    )
    # A server that has locks for so few chunks only that a step has to be smaller.
    steps_of: list[int] = []

    def few(*given: Any) -> list[tuple[Any, ...]]:
        if given[2] == "copy_incoming":
            steps_of.append(given[3][1] - given[3][0])
            if steps_of[-1] > 160:
                try:
                    raise psycopg.errors.OutOfMemory("out of shared memory")
                except psycopg.Error as error:
                    raise Unavailable("out of shared memory") from error
        return rows_over(*given)

    monkeypatch.setattr(load, "rows_over", few)
    copy = copy_of(source, store)
    plan = copy.plan()
    assert plan.chunks > 50
    copy.run()
    assert steps_of[0] > steps_of[1] > 160 >= max(steps_of[2:])
    assert copy.verify().is_equal
    assert store.run("SELECT DISTINCT state FROM chunks") == [("compressed",)]


def test_the_source_is_gone_in_the_middle(
    source: MessageDb,
    store: InstalledStore,
    new_store: Callable[..., InstalledStore],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source.fill(4000)

    def kill(step: str, done: int, total: int | None) -> None:
        source.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'coldstream copy' AND datname = current_database()"
        )

    monkeypatch.setattr(steps, "_STEP", 200)
    with pytest.raises(Unavailable, match="The source was lost"):
        copy_of(source, store, progress=kill).run()
    status = copy_of(source, store).status()
    assert status is not None
    assert 0 < status.messages < 4000
    # A store that is emptied forgets it, and takes writes and another copy.
    other = new_store(DAY)
    with pytest.raises(Unavailable):
        copy_of(source, other, progress=kill).run()
    other.run("TRUNCATE messages RESTART IDENTITY")
    assert copy_of(source, other).status() is None
    with coldstream.connect(other.dsn, schema=other.schema) as client:
        client.write_message("account-1", "Happened", {})
    assert copy_of(source, store).run().messages == 4000
    assert in_store(store) == source.messages()
