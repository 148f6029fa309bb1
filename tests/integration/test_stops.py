"""A consumer that is told to stop while what it reads waits for somebody else."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from tests.fix_store import InstalledStore

import coldstream
from coldstream import AsyncConsumer, Consumer, Message
from coldstream.consumers._sync.listener import Listener
from coldstream.consumers.options import Source

WAITING = (
    "SELECT 1 FROM pg_stat_activity WHERE wait_event IN ('PgSleep', 'relation') "
    "AND datname = current_database() AND application_name LIKE 'coldstream%'"
)
LEASES = (
    "SELECT count(*) FROM consumers WHERE owner IS NOT NULL "
    "UNION ALL SELECT count(*) FROM consumer_owners"
)
LISTENING = (
    "SELECT pid FROM pg_stat_activity "
    "WHERE application_name = 'coldstream consumer' AND query LIKE 'LISTEN %'"
)


def wait_for(seen: Callable[[], Any]) -> Any:
    end = time.monotonic() + 20
    while not (found := seen()):
        assert time.monotonic() < end
        time.sleep(0.01)
    return found


class Running(threading.Thread):
    """A consumer at work, in a loop of its own where it is an async one."""

    def __init__(self, kind: str, installed: InstalledStore, *arguments: Any, **options: Any):
        super().__init__(daemon=True)
        self.kind = kind
        self.installed = installed
        self.arguments = arguments
        self.options = options
        self.seen: list[int] = []
        self.consumer: Any = None
        self.store: Any = None
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            if self.kind == "async":
                asyncio.run(self._work())
                return
            with coldstream.connect(self.installed.dsn, schema=self.installed.schema) as store:
                self._make(Consumer, store).run(handle_signals=False)
        except BaseException as error:
            self.error = error

    async def _work(self) -> None:
        async with coldstream.connect_async(
            self.installed.dsn, schema=self.installed.schema
        ) as store:
            await self._make(AsyncConsumer, store).run(handle_signals=False)

    def _make(self, of: Any, store: Any) -> Any:
        consumer = of(store, *self.arguments, **self.options)

        @consumer.default_handler
        def handle(message: Message) -> None:
            self.seen.append(message.global_position)

        self.store, self.consumer = store, consumer
        return consumer

    def stop(self) -> float:
        """Stop it; gives how many seconds that took."""
        started = time.monotonic()
        self.consumer.stop()
        self.join(timeout=30)
        assert not self.is_alive()
        if self.error is not None:
            raise self.error
        return time.monotonic() - started


@pytest.fixture
def foreign(fresh_store: InstalledStore) -> Iterator[psycopg.Connection]:
    """Another session, in a transaction."""
    with psycopg.connect(fresh_store.dsn) as connection:
        connection.execute(f"SET search_path = {fresh_store.schema}, public".encode())
        connection.commit()
        yield connection
        connection.rollback()


@pytest.mark.native
@pytest.mark.parametrize("start", ["start", "end"])
def test_a_wait_for_a_writer_is_called_off(
    fresh_store: InstalledStore, foreign: psycopg.Connection, kind: str, start: str
) -> None:
    fresh_store.run("SELECT write_message(gen_random_uuid()::varchar, 'account-1', 'T', '{}')")
    foreign.execute("SELECT write_message(gen_random_uuid()::varchar, 'slow-1', 'T', '{}')")
    running = Running(kind, fresh_store, None, "everything", start=start)
    wait_for(lambda: fresh_store.run(WAITING))
    # The limit of the wait is a minute.
    assert running.stop() < 10
    assert running.seen == []
    assert fresh_store.run(LEASES) == [(0,), (0,)]
    # Nothing was passed over.
    foreign.execute("COMMIT")
    again = Running(kind, fresh_store, None, "everything")
    wait_for(lambda: again.seen == [1, 2])
    again.stop()


@pytest.mark.native
def test_a_wait_for_a_lock_is_called_off(
    fresh_store: InstalledStore, foreign: psycopg.Connection, kind: str
) -> None:
    foreign.execute("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE")
    running = Running(kind, fresh_store, "account", "of-account", group_size=2)
    wait_for(lambda: fresh_store.run(WAITING))
    assert running.stop() < 10
    assert fresh_store.run(LEASES) == [(0,), (0,)]


@pytest.mark.native
def test_what_was_handled_before_is_recorded(
    fresh_store: InstalledStore, foreign: psycopg.Connection, kind: str
) -> None:
    for _ in range(3):
        fresh_store.run("SELECT write_message(gen_random_uuid()::varchar, 'a-1', 'T', '{}')")
    running = Running(
        kind,
        fresh_store,
        None,
        "everything",
        position_update_interval=100,
        max_interval=0.02,
        # Or it would look for nothing before the writer has ended.
        watch=False,
    )
    wait_for(lambda: len(running.seen) == 3)
    foreign.execute("SELECT write_message(gen_random_uuid()::varchar, 'slow-1', 'T', '{}')")
    wait_for(lambda: fresh_store.run(WAITING))
    assert running.stop() < 10
    assert fresh_store.run("SELECT position FROM consumers") == [(4,)]


@pytest.mark.native
def test_the_listening_connection_leaves_a_server_as_the_store_does(
    fresh_store: InstalledStore, kind: str
) -> None:
    running = Running(kind, fresh_store, "account", "of-account", notify=True)
    [(first,)] = wait_for(lambda: fresh_store.run(LISTENING))
    # What the store notes when it finds that the server takes no writes.
    running.store._connections.renewals += 1
    wait_for(lambda: [pid for (pid,) in fresh_store.run(LISTENING) if pid != first])
    running.stop()


def test_where_it_cannot_listen_the_password_is_not_said(caplog: pytest.LogCaptureFixture) -> None:
    # Nobody listens at that port.
    dsn = make_conninfo(host="127.0.0.1", port=1, user="a", password="very secret")
    listener = Listener(coldstream.connect(dsn), Source("account"), lambda: False)
    with caplog.at_level(logging.WARNING, "coldstream.consumers"):
        listener.listen()
    assert "Consumer of account cannot listen: Cannot connect: " in caplog.text
    assert "secret" not in caplog.text
    assert not listener.wait(0.01)
