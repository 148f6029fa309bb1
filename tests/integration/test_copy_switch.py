"""A Message DB that is written to is followed, switched to the store, and back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from message_db.client import MessageDB
from tests.fix_store import InstalledStore
from tests.integration.test_copy import DAY, copy_of, database, in_store, source
from tests.message_db import MessageDb

import coldstream
import coldstream.copying.switch as switching
from coldstream import Consumer, Message
from coldstream.copying.source import Source
from coldstream.errors import LifecycleBusy, LifecycleError, SetupError

pytestmark = pytest.mark.native
__all__ = ["database", "source"]  # Fixtures.


@pytest.fixture
def store(new_store: Callable[..., InstalledStore]) -> InstalledStore:
    return new_store(DAY)


def write(connection: psycopg.Connection, name: str, n: int) -> None:
    connection.execute(
        "SELECT message_store.write_message(%s, %s, 'Happened', jsonb_build_object('n', %s::int))",
        [str(uuid4()), name, n],
    )


@contextmanager
def running(body: Callable[[Callable[[], bool]], object]) -> Iterator[list[BaseException]]:
    """A thread that is told to stop at the end."""
    stop = threading.Event()
    errors: list[BaseException] = []

    def guarded() -> None:
        try:
            body(stop.is_set)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=guarded)
    thread.start()
    try:
        yield errors
    finally:
        stop.set()
        thread.join()
    assert errors == []


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_commits_out_of_order_are_not_missed(source: MessageDb, store: InstalledStore) -> None:
    source.fill(20)
    copy = copy_of(source, store)

    def last() -> int:
        return int(store.run("SELECT coalesce(max(global_position), 0) FROM messages")[0][0])

    with (
        running(lambda stop: copy.follow(stop, pause=0.01)),
        psycopg.connect(source.dsn) as late,
        psycopg.connect(source.dsn, autocommit=True) as early,
    ):
        wait_for(lambda: last() == 20)
        write(late, "late-1", 1)
        write(early, "early-1", 1)
        # The position of the late one is before: nothing after it is copied while it is open.
        time.sleep(0.3)
        assert last() == 20
        late.commit()
        wait_for(lambda: last() == 22)
    assert in_store(store) == source.messages()


def test_there_and_back_with_writers_and_consumers(
    source: MessageDb, store: InstalledStore
) -> None:
    source.fill(500)
    # An Eventide consumer's position stream: it has handled everything up to this.
    source.run(
        "SELECT write_message(gen_random_uuid()::varchar, 'account:position-balances', 'Recorded', "
        "'{\"position\": 300}')"
    )
    copy = copy_of(source, store)
    written: list[list[tuple[str, int]]] = [[], [], []]
    refused = threading.Event()

    def writer(stop: Callable[[], bool], number: int) -> None:
        with psycopg.connect(source.dsn, autocommit=True) as connection:
            n = 0
            while not stop():
                try:
                    write(connection, f"live{number}-1", n)
                except psycopg.errors.ReadOnlySqlTransaction:
                    refused.set()
                    return
                written[number].append((f"live{number}-1", n))
                n += 1

    copy.run()
    with (
        running(lambda stop: writer(stop, 0)),
        running(lambda stop: writer(stop, 1)),
        running(lambda stop: writer(stop, 2)),
    ):
        wait_for(lambda: all(len(each) > 20 for each in written))
        switched = copy.switch()
        wait_for(refused.is_set)
    assert switched.verified is not None
    assert switched.verified.is_equal
    assert switched.copied.opened_at is not None
    there = source.messages()
    assert in_store(store) == there
    live = [(each[3], each[1]) for each in there if each[3].startswith("live")]
    assert sorted(live) == sorted(pair for each in written for pair in each)
    with pytest.raises(LifecycleError, match="takes writes since"):
        copy.switch()

    with coldstream.connect(store.dsn, schema=store.schema) as client:
        # Consumers go on where they were: ours, by the position stream as Eventide kept it; and
        # message-db-py, whose users keep a global position.
        expected = [each[0] for each in there if each[3].startswith("account-") and each[0] > 300]
        handled: list[int] = []
        consumer = Consumer(client, "account", "balances", positions="stream")

        @consumer.default_handler
        def handle(message: Message) -> None:
            handled.append(message.global_position)

        consumer.run(live=False, handle_signals=False)
        assert handled == expected
        other = MessageDB.from_url(store.dsn, max_connections=1)
        pooled = other.connection_pool.get_connection()
        with pooled, pooled.cursor() as cursor:
            cursor.execute(f"SET search_path TO {store.schema}")
        other.connection_pool.release(pooled)
        page = other.read_category("account", position=301, no_of_messages=1000)
        other.connection_pool.closeall()
        assert [each["global_position"] for each in page] == expected

        # And the way back, with a writer at the store.
        with running(lambda stop: copy.back(stop, pause=0.01)):
            for n in range(40):
                client.write_message("account-1", "Here", {"n": n})
            wait_for(lambda: source.messages()[-1][4] == "Here")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            source.run("SELECT write_message(gen_random_uuid()::varchar, 'account-1', 'No', '{}')")
        switched = copy.switch_back()
        assert switched.copied.opened_at is None
        with pytest.raises(LifecycleBusy, match="takes no writes"):
            client.write_message("account-1", "No", {})
    assert in_store(store) == source.messages()
    before = source.messages()[-1]
    source.run("SELECT write_message(gen_random_uuid()::varchar, 'account-1', 'Again', '{}')")
    again = source.messages()[-1]
    assert again[0] > before[0]
    assert again[1] == max(e[1] for e in source.messages()[:-1] if e[3] == "account-1") + 1

    # It is a copy as before, and goes on.
    copy.run()
    assert in_store(store) == source.messages()
    assert copy.verify().is_equal
    copy.switch()


def test_a_switch_that_cannot_be(
    source: MessageDb, store: InstalledStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.fill(30)
    copy = copy_of(source, store)
    source.run("DROP ROLE IF EXISTS may_only_read")
    source.run("CREATE ROLE may_only_read LOGIN")
    source.run("GRANT USAGE ON SCHEMA message_store TO may_only_read")
    source.run("GRANT SELECT ON messages TO may_only_read")
    theirs = MessageDb(psycopg.conninfo.make_conninfo(source.dsn, user="may_only_read"))
    with pytest.raises(SetupError, match="No right to make"):
        copy_of(theirs, store).switch()
    with pytest.raises(LifecycleError, match="no copy"):
        copy.back()
    copy.run()
    with pytest.raises(LifecycleError, match="nothing to bring back"):
        copy.back()

    # Somebody changed a message after it was copied: the source goes on.
    source.run("UPDATE messages SET type = 'Other' WHERE global_position = 5")
    with pytest.raises(LifecycleError, match="differ in order-5"):
        copy.switch()
    source.run("UPDATE messages SET type = 'Happened' WHERE global_position = 5")
    source.run("SELECT write_message(gen_random_uuid()::varchar, 'account-1', 'On', '{}')")

    # The last comparison fails, on a connection that is gone by then.
    def differ(source: Source, *given: Any, **more: Any) -> None:
        if source.is_moved():
            source.connection.close()
            raise LifecycleError("differ")

    with monkeypatch.context() as patched:
        patched.setattr(switching, "verify", differ)
        with pytest.raises(LifecycleError, match=r"^differ"):
            copy.switch()
    source.run("SELECT write_message(gen_random_uuid()::varchar, 'account-1', 'On', '{}')")

    # A writer that has not ended, and then one that was broken off: it is taken back, or goes on.
    monkeypatch.setattr(switching, "_TRIES", 1)
    monkeypatch.setattr(switching, "_WAIT", "100ms")
    with Source(source.dsn, "message_store") as broken_off:
        with psycopg.connect(source.dsn) as idle:
            write(idle, "idle-1", 1)
            with pytest.raises(LifecycleBusy, match="has not ended"):
                switching.refused(broken_off)
        for end in (copy.switch_back, copy.switch):
            source.run("SELECT write_message(gen_random_uuid()::varchar, 'a-1', 'On', '{}')")
            switching.refused(broken_off)
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                source.run("SELECT write_message(gen_random_uuid()::varchar, 'a-1', 'No', '{}')")
            end()
    assert in_store(store) == source.messages()

    # The source writes on in spite of it, past its trigger: then there is no way back.
    source.run("DROP TRIGGER coldstream_moved ON messages")
    with pytest.raises(LifecycleError, match="takes writes"):
        copy.back()
    source.run("DROP OWNED BY may_only_read")
    source.run("DROP ROLE may_only_read")
