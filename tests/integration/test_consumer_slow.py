"""Handlers that take longer than a lease: each message is handled once all the same."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg import sql
from tests.fix_store import InstalledStore

import coldstream
from coldstream import AsyncConsumer, Consumer, Handlers, Message, NewMessage

LEASE = 0.3
SLOW = 1.0


class Slow(Handlers):
    """Sleeps at every message, as a handler of asyncio should not."""

    def __init__(self, stop: Callable[[], object]) -> None:
        super().__init__()
        self.messages: list[Message] = []
        self.stop = stop

        @self.default_handler
        def handle(message: Message, context: Any) -> None:
            self.messages.append(message)
            time.sleep(SLOW)
            if len(self.messages) == 3:
                self.stop()


def write(installed: InstalledStore) -> None:
    with coldstream.connect(installed.dsn, schema=installed.schema) as store:
        store.write_messages([NewMessage("account-1", "Opened", {}) for _ in range(3)])


def run(kind: str, installed: InstalledStore, consumers: list[Any], slow: Handlers) -> None:
    """Works as a process of the consumer would, until it is stopped."""

    def consumer(of: Any, store: Any) -> Any:
        consumers.append(of(store, "account", "slow", handlers=slow, lease=LEASE))
        return consumers[-1]

    async def work() -> None:
        async with coldstream.connect_async(installed.dsn, schema=installed.schema) as store:
            await consumer(AsyncConsumer, store).run(handle_signals=False)

    if kind == "async":
        asyncio.run(work())
        return
    with coldstream.connect(installed.dsn, schema=installed.schema) as store:
        consumer(Consumer, store).run(handle_signals=False)


@pytest.mark.native
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_handler_slower_than_the_lease_handles_each_message_once(
    fresh_store: InstalledStore, kind: str
) -> None:
    write(fresh_store)
    consumers: list[Any] = []
    slow = Slow(lambda: [each.stop() for each in consumers] and None)
    threads = [
        threading.Thread(target=run, args=(kind, fresh_store, consumers, slow), daemon=True)
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert [message.position for message in slow.messages] == [0, 1, 2]
    assert fresh_store.run("SELECT position - 1 FROM consumers") == [
        (slow.messages[-1].global_position,)
    ]


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_lease_that_ended_and_was_not_taken_goes_on(
    fresh_store: InstalledStore,
    kind: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # As where the whole process stands still, or where the server takes one connection alone.
    monkeypatch.setattr("coldstream.consumers.keeper.Keeper._run", keep_only_what_is_asked)
    monkeypatch.setattr("coldstream.client.concurrency.Repeated._run", lambda self: None)
    write(fresh_store)
    consumers: list[Any] = []
    slow = Slow(lambda: [each.stop() for each in consumers] and None)
    with caplog.at_level(logging.WARNING, "coldstream.consumers"):
        run(kind, fresh_store, consumers, slow)
    assert [message.position for message in slow.messages] == [0, 1, 2]
    assert "longer than its lease of 0.3 s: nobody has taken it over" in caplog.text


def keep_only_what_is_asked(keeper: Any) -> None:
    while (asked := keeper._calls.get()) is not None:
        call, future = asked
        future.set_result(call(keeper._rows))
    keeper._disconnect()


@pytest.mark.native
def test_a_handler_that_holds_the_only_connection_keeps_its_lease(
    fresh_store: InstalledStore,
) -> None:
    write(fresh_store)
    seen = []
    with coldstream.connect(fresh_store.dsn, schema=fresh_store.schema, max_size=1) as store:
        consumer = Consumer(store, "account", "slow", lease=LEASE)

        @consumer.default_handler
        def handle(message: Message, context: Any) -> None:
            context.connection().execute("SELECT 1")
            time.sleep(SLOW)
            leases = fresh_store.run("SELECT lease_until > clock_timestamp() FROM consumers")
            seen.append((message.position, leases))

        consumer.run(live=False, handle_signals=False)
    assert seen == [(position, [(True,)]) for position in range(3)]


@pytest.mark.native
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_server_that_takes_no_writes_for_a_while_is_waited_for(
    fresh_store: InstalledStore, kind: str
) -> None:
    """As after a failover to a standby that is promoted later: each connection is read-only."""
    write(fresh_store)
    consumers: list[Any] = []
    seen: list[int] = []
    handlers = Handlers()

    @handlers.default_handler
    def handle(message: Message, context: Any) -> None:
        seen.append(message.position)

    thread = threading.Thread(
        target=run, args=(kind, fresh_store, consumers, handlers), daemon=True
    )
    with psycopg.connect(fresh_store.dsn, autocommit=True) as admin:
        [(database,)] = admin.execute("SELECT current_database()").fetchall()
        name = sql.Identifier(database)
        thread.start()
        try:
            wait_until(lambda: len(seen) == 3)
            admin.execute(
                sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name)
            )
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND application_name LIKE 'coldstream%'"
            )
            admin.execute("SET default_transaction_read_only = off")
            for _ in range(3):
                admin.execute(
                    f"SELECT {fresh_store.schema}.write_message("
                    "gen_random_uuid()::varchar, 'account-1', 'Opened', '{}')".encode()
                )
            # Longer than a lease: nothing of it can be renewed, and nothing recorded.
            time.sleep(4 * LEASE)
            assert thread.is_alive()
        finally:
            admin.execute(
                sql.SQL("ALTER DATABASE {} RESET default_transaction_read_only").format(name)
            )
    recorded = "SELECT c.position > m.global_position FROM consumers AS c, messages AS m"
    wait_until(lambda: set(fresh_store.run(recorded)) == {(True,)})
    consumers[0].stop()
    thread.join(timeout=30)
    assert not thread.is_alive()
    # What could not be recorded is handled again, and nothing is left out.
    assert sorted(set(seen)) == list(range(6))
    assert fresh_store.run("SELECT count(*) FROM consumer_failures") == [(0,)]


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
