"""Consumers that are woken by the one watcher of their process."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from tests.fix_store import InstalledStore

import coldstream
from coldstream import AsyncConsumer, Consumer, Message
from coldstream.consumers import watcher

pytestmark = pytest.mark.native

WATCHING = "SELECT pid FROM pg_stat_activity WHERE application_name = 'coldstream watch'"
WATCHING += " AND datname = current_database()"
WRITE = "SELECT write_message(gen_random_uuid()::varchar, %s, 'Happened', '{}')"
# So that nothing but a wake-up can be why a message is handled within seconds.
CLOCK = {"min_interval": 600.0, "max_interval": 600.0}


def wait_for(what: Callable[[], Any], seconds: float = 20.0) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.01)
    raise AssertionError("waited in vain")


class Running:
    """Consumers at work, of either kind; ``seen``: global positions by consumer."""

    def __init__(self, kind: str, installed: InstalledStore, sources: list[Any], **options: Any):
        self.kind, self.installed, self.sources = kind, installed, sources
        self.options = {**CLOCK, **options}
        self.seen: list[list[int]] = [[] for _ in sources]
        self.consumers: list[Any] = []
        self.errors: list[BaseException] = []
        self.stores: list[Any] = []
        self.threads: list[threading.Thread] = []
        self.ready = threading.Event()
        if kind == "async":
            self.threads.append(threading.Thread(target=lambda: asyncio.run(self._async())))
        else:
            store = coldstream.connect(installed.dsn, schema=installed.schema)
            store.open()
            self.stores.append(store)
            self.consumers = [self._make(Consumer, store, n) for n in range(len(sources))]
            self.threads += [threading.Thread(target=self._run, args=(c,)) for c in self.consumers]
        for thread in self.threads:
            thread.start()
        if kind == "async":
            assert self.ready.wait(20)
        if options.get("watch") is not False:
            wait_for(self.is_watched)
            # Each has looked since.
            time.sleep(0.3)

    def is_watched(self) -> bool:
        return all(
            each._wakeups is not None
            and each._wakeups._subscription is not None
            and each._wakeups._subscription.is_watched
            for each in self.consumers
        )

    def _make(self, of: Any, store: Any, number: int) -> Any:
        consumer = of(store, self.sources[number], **self.options)

        @consumer.default_handler
        def handle(message: Message) -> None:
            self.seen[number].append(message.global_position)

        return consumer

    def _run(self, consumer: Consumer) -> None:
        try:
            consumer.run(handle_signals=False)
        except BaseException as error:
            self.errors.append(error)

    async def _async(self) -> None:
        async with coldstream.connect_async(
            self.installed.dsn, schema=self.installed.schema
        ) as store:
            self.consumers = [
                self._make(AsyncConsumer, store, number) for number in range(len(self.sources))
            ]
            self.ready.set()
            await asyncio.gather(*(each.run(handle_signals=False) for each in self.consumers))

    def stop(self) -> float:
        started = time.monotonic()
        for consumer in self.consumers:
            consumer.stop()
        for thread in self.threads:
            thread.join(20)
            assert not thread.is_alive()
        for store in self.stores:
            store.close()
        return time.monotonic() - started


@pytest.fixture(params=["sync", "async"])
def start(request: pytest.FixtureRequest) -> Iterator[Callable[..., Running]]:
    running: list[Running] = []

    def start(installed: InstalledStore, *sources: Any, **options: Any) -> Running:
        running.append(Running(request.param, installed, list(sources), **options))
        return running[-1]

    yield start
    for each in running:
        each.stop()


def test_each_is_woken_by_its_own_and_one_connection_serves_all(
    fresh_store: InstalledStore, start: Callable[..., Running]
) -> None:
    sources = [*(f"c{number}" for number in range(18)), "c3-1", None]
    running = start(fresh_store, *sources)
    assert len(fresh_store.run(WATCHING)) == 1
    for number in (0, 3, 17, 0):
        fresh_store.run(WRITE, [f"c{number}-1"])
    wait_for(lambda: running.seen[19] == [1, 2, 3, 4])
    wait_for(lambda: running.seen[0] == [1, 4] and running.seen[3] == running.seen[18] == [2])
    wait_for(lambda: running.seen[17] == [3])
    assert running.seen[1] == []
    # It ends with the last of them, at once.
    assert running.stop() < 5
    assert fresh_store.run(WATCHING) == []
    assert watcher._watchers._all == {}


def test_what_is_committed_late_wakes_too(
    fresh_store: InstalledStore, start: Callable[..., Running]
) -> None:
    running = start(fresh_store, "late", "soon", None)
    with psycopg.connect(fresh_store.dsn) as slow, psycopg.connect(fresh_store.dsn) as failing:
        for connection in (slow, failing):
            connection.execute(f"SET search_path = {fresh_store.schema}, public".encode())
            connection.commit()
        slow.execute(WRITE, ["late-1"])
        failing.execute(WRITE, ["gone-1"])
        fresh_store.run(WRITE, ["soon-1"])
        wait_for(lambda: running.seen[1] == [3])
        failing.rollback()
        # Longer than any pause between two looks for what is missing.
        time.sleep(0.5)
        # Nothing that the frontier does not cover.
        assert running.seen[0] == running.seen[2] == []
        slow.commit()
    wait_for(lambda: running.seen[0] == [1])
    wait_for(lambda: running.seen[2] == [1, 3])


def test_a_lost_connection_is_made_anew(
    fresh_store: InstalledStore,
    start: Callable[..., Running],
    caplog: pytest.LogCaptureFixture,
) -> None:
    running = start(fresh_store, "account")
    [(first,)] = fresh_store.run(WATCHING)
    fresh_store.run(f"SELECT pg_terminate_backend({first})")
    # Written while nobody watches.
    fresh_store.run(WRITE, ["account-1"])
    wait_for(lambda: running.seen == [[1]])
    wait_for(running.is_watched)
    assert [first] not in fresh_store.run(WATCHING)
    fresh_store.run(WRITE, ["account-1"])
    wait_for(lambda: running.seen == [[1, 2]])
    said = [record for record in caplog.records if "by the clock alone" in record.getMessage()]
    assert [record.levelno for record in said] == [logging.WARNING]


def test_a_sequence_that_went_back_or_leapt(
    fresh_store: InstalledStore, start: Callable[..., Running]
) -> None:
    running = start(fresh_store, "account", start="end")
    # More positions than a look goes through: nothing is known of them but that they are gone.
    sequence = f"'{fresh_store.schema}.messages_global_position_seq'"
    fresh_store.run(f"SELECT setval({sequence}, 100000)")
    fresh_store.run(WRITE, ["account-1"])
    wait_for(lambda: running.seen == [[100001]])
    wait_for(running.is_watched)
    fresh_store.run(f"SELECT setval({sequence}, 100050)")
    fresh_store.run(f"SELECT setval({sequence}, 100010)")
    fresh_store.run(WRITE, ["account-1"])
    wait_for(lambda: running.seen == [[100001, 100011]])


def test_many_at_once(fresh_store: InstalledStore, start: Callable[..., Running]) -> None:
    running = start(fresh_store, "many", None)
    fresh_store.run(
        "SELECT count(write_message(gen_random_uuid()::varchar, 'many-' || n % 7, 'T', '{}')) "
        "FROM generate_series(1, 6000) AS n"
    )
    wait_for(lambda: len(running.seen[0]) == len(running.seen[1]) == 6000, 60)


def test_a_member_that_is_handed_over_is_taken_at_once(
    fresh_store: InstalledStore, start: Callable[..., Running]
) -> None:
    first = start(fresh_store, "account", name="a", lease=1.0)
    second = start(fresh_store, "account", name="a", lease=1.0)
    first.stop()
    fresh_store.run(WRITE, ["account-1"])
    wait_for(lambda: second.seen == [[1]], 5)


def test_not_watched(fresh_store: InstalledStore, start: Callable[..., Running]) -> None:
    running = start(fresh_store, "account", watch=False, min_interval=0.01, max_interval=0.02)
    assert fresh_store.run(WATCHING) == []
    fresh_store.run(WRITE, ["account-1"])
    wait_for(lambda: running.seen == [[1]])
    assert fresh_store.run(WATCHING) == []


def test_a_store_that_is_closed_under_it_ends_the_consumer(fresh_store: InstalledStore) -> None:
    running = Running("sync", fresh_store, ["account"])
    running.stores[0].close()
    fresh_store.run(WRITE, ["account-1"])
    running.threads[0].join(20)
    assert [type(error) for error in running.errors] == [coldstream.StoreClosed]
    assert fresh_store.run(WATCHING) == []


def test_a_server_that_is_silent_is_not_relied_on(
    fresh_store: InstalledStore, start: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    running = start(fresh_store, "account", min_interval=0.01, max_interval=0.02)
    assert running.is_watched()
    # Every answer is too old.
    monkeypatch.setattr(watcher, "_SILENCE", 0.0)
    assert not running.is_watched()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_has_a_watcher_of_its_own(fresh_store: InstalledStore) -> None:
    running = Running("sync", fresh_store, ["account"])
    [(mine,)] = fresh_store.run(WATCHING)
    context = multiprocessing.get_context("fork")
    receive, send = context.Pipe(duplex=False)

    def work() -> None:
        child = Running("sync", fresh_store, ["account"])
        send.send("ready")
        wait_for(lambda: child.seen == [[1]])
        child.stop()
        send.send("done")
        os._exit(0)

    process = context.Process(target=work)
    process.start()
    try:
        assert receive.poll(30)
        assert receive.recv() == "ready"
        pids = [pid for (pid,) in fresh_store.run(WATCHING)]
        assert len(pids) == 2
        assert mine in pids
        fresh_store.run(WRITE, ["account-1"])
        wait_for(lambda: running.seen == [[1]])
        assert receive.poll(30)
        assert receive.recv() == "done"
        wait_for(lambda: fresh_store.run(WATCHING) == [(mine,)])
        fresh_store.run(WRITE, ["account-1"])
        wait_for(lambda: running.seen == [[1, 2]])
    finally:
        process.kill()
        process.join()
        running.stop()


def test_a_signal_ends_the_wait(fresh_store: InstalledStore) -> None:
    """In the main thread: the handler interrupts the very wait that it ends."""
    with coldstream.connect(fresh_store.dsn, schema=fresh_store.schema) as store:
        consumer = Consumer(store, "account", **CLOCK)  # type: ignore[arg-type]
        consumer.default_handler(lambda message: None)
        timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGTERM))
        timer.start()
        started = time.monotonic()
        consumer.run()
        assert time.monotonic() - started < 10
