"""Consumers of several processes: who handles what, and that nobody does it twice."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import psycopg
import pytest
from tests.fix_store import InstalledStore

import coldstream
from coldstream import Consumer, ConsumerError, Handlers, Message, NewMessage

pytestmark = pytest.mark.native

# A lease of a second: what is stated in leases is then seen in seconds.
LEASE = 1.0


@pytest.fixture
def installed(fresh_store: InstalledStore) -> InstalledStore:
    fresh_store.run(
        "CREATE TABLE done (id bigserial, what text NOT NULL, who text, at timestamptz DEFAULT "
        "clock_timestamp())"
    )
    return fresh_store


@pytest.fixture
def store(installed: InstalledStore) -> Iterator[coldstream.Store]:
    with coldstream.connect(installed.dsn, schema=installed.schema, max_size=20) as store:
        yield store


def write(store: coldstream.Store, count: int, streams: int = 10) -> None:
    store.write_messages(
        [NewMessage(f"account-{n % streams}", "Opened", {"n": n}) for n in range(count)]
    )


class Running(threading.Thread):
    """A consumer in a thread. ``error``: what it ended with."""

    def __init__(self, consumer: Consumer) -> None:
        super().__init__(daemon=True)
        self.consumer = consumer
        self.error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            self.consumer.run()
        except Exception as error:
            self.error = error

    def stop(self) -> None:
        self.consumer.stop()
        self.join(20)
        assert not self.is_alive()
        if self.error is not None:
            raise self.error


@pytest.fixture
def running() -> Iterator[Callable[[Consumer], Running]]:
    threads: list[Running] = []

    def running(consumer: Consumer) -> Running:
        threads.append(Running(consumer))
        return threads[-1]

    yield running
    for thread in threads:
        thread.consumer.stop()
        thread.join(20)


def recording(installed: InstalledStore, who: str, seconds: float = 0) -> Handlers:
    """Handlers that write to ``done`` in the transaction, and take their time."""
    handlers = Handlers()

    @handlers.default_handler
    def handle(message: Message, context: Any) -> None:
        time.sleep(seconds)
        context.connection().execute(
            f"INSERT INTO {installed.schema}.done (what, who) VALUES (%s, %s)",
            [f"{message.stream_name}/{message.position}", who],
        )

    return handlers


def done(installed: InstalledStore) -> list[tuple[str, str]]:
    return installed.run("SELECT what, who FROM done ORDER BY id")


def wait_for(condition: Callable[[], Any], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


def check_each_once_and_in_order(installed: InstalledStore, count: int, streams: int = 10) -> None:
    found = defaultdict(list)
    for what, _ in done(installed):
        name, _, position = what.partition("/")
        found[name].append(int(position))
    assert sum(map(len, found.values())) == count
    for positions in found.values():
        assert positions == list(range(len(positions)))


def has_done(store: InstalledStore, count: int) -> bool:
    return len(done(store)) >= count


def has_got(got: list[float], count: int) -> bool:
    return len(got) == count


def owners(store: coldstream.Store) -> list[str | None]:
    return [member.owner for member in store.consumers.get_consumers()]


def test_members_are_shared_and_handed_over(
    installed: InstalledStore, store: coldstream.Store, running: Callable[..., Running]
) -> None:
    write(store, 40)
    options: dict[str, Any] = {
        "group_size": 4,
        "lease": LEASE,
        "max_interval": 0.05,
        "batch_size": 5,
    }
    first = running(
        Consumer(store, "account", "a", handlers=recording(installed, "first"), **options)
    )
    wait_for(lambda: len(done(installed)) == 40)
    assert len(set(owners(store))) == 1
    second = running(
        Consumer(store, "account", "a", handlers=recording(installed, "second"), **options)
    )
    wait_for(lambda: sorted(owners(store).count(o) for o in {*owners(store)}) == [2, 2])
    write(store, 60)
    wait_for(lambda: len(done(installed)) == 100)
    assert {who for _, who in done(installed)[40:]} == {"first", "second"}
    first.stop()
    write(store, 30)
    wait_for(lambda: len(done(installed)) == 130)
    assert {who for _, who in done(installed)[100:]} == {"second"}
    second.stop()
    check_each_once_and_in_order(installed, 130)
    assert owners(store) == [None] * 4


def test_the_second_process_waits(
    installed: InstalledStore, store: coldstream.Store, running: Callable[..., Running]
) -> None:
    write(store, 5)
    first = running(
        Consumer(store, "account", "a", handlers=recording(installed, "first"), lease=LEASE)
    )
    wait_for(lambda: len(done(installed)) == 5)
    second = running(
        Consumer(store, "account", "a", handlers=recording(installed, "second"), lease=LEASE)
    )
    wait_for(lambda: store.consumers.get_consumers()[0].waiting == 1)
    write(store, 5)
    wait_for(lambda: len(done(installed)) == 10)
    first.stop()
    write(store, 5)
    wait_for(lambda: len(done(installed)) == 15)
    assert [who for _, who in done(installed)] == ["first"] * 10 + ["second"] * 5
    second.stop()


def test_paused_and_resumed_while_it_runs(
    installed: InstalledStore, store: coldstream.Store, running: Callable[..., Running]
) -> None:
    write(store, 5)
    running(Consumer(store, "account", "a", handlers=recording(installed, "x"), lease=LEASE))
    wait_for(lambda: len(done(installed)) == 5)
    with pytest.raises(ConsumerError, match="Consumer a is running"):
        store.consumers.delete("a")
    store.consumers.pause("a")
    wait_for(lambda: owners(store) == [None])
    write(store, 5)
    time.sleep(LEASE)
    assert len(done(installed)) == 5
    store.consumers.resume("a")
    wait_for(lambda: len(done(installed)) == 10)
    check_each_once_and_in_order(installed, 10)


def test_reset_while_it_works(
    installed: InstalledStore, store: coldstream.Store, running: Callable[..., Running]
) -> None:
    # What it has in hand is rolled back, and everything comes again from there.
    write(store, 10, streams=1)
    handlers = recording(installed, "x", seconds=0.1)
    running(Consumer(store, "account", "a", handlers=handlers, lease=LEASE))
    wait_for(lambda: len(done(installed)) >= 3)
    positions = [m.global_position for m in store.get_category_messages("account")]
    store.consumers.reset("a", positions[1])

    def handled() -> list[int]:
        return [int(what.partition("/")[2]) for what, _ in done(installed)]

    wait_for(lambda: len(handled()) > 9 and handled()[-9:] == list(range(1, 10)))
    before = handled()[:-9]
    assert before == list(range(len(before)))


def test_a_deleted_consumer_is_an_error(
    installed: InstalledStore, store: coldstream.Store, running: Callable[..., Running]
) -> None:
    thread = running(
        Consumer(store, "account", "a", handlers=recording(installed, "x"), lease=LEASE)
    )
    wait_for(lambda: store.consumers.get_consumers())
    installed.run("DELETE FROM consumers")
    thread.join(20)
    assert isinstance(thread.error, ConsumerError)
    assert f"{thread.error}" == "No consumer of this name: a"


def test_a_former_owner_commits_nothing(
    installed: InstalledStore, store: coldstream.Store, running: Callable[..., Running]
) -> None:
    """It is silent for longer than its lease, in the middle of a message, and then goes on."""
    write(store, 1)
    began, go_on = threading.Event(), threading.Event()
    handlers = Handlers()

    @handlers.default_handler
    def handle(message: Message, context: Any) -> None:
        context.connection().execute(
            f"INSERT INTO {installed.schema}.done (what, who) VALUES ('account-0/0', 'former')"
        )
        if not began.is_set():
            began.set()
            assert go_on.wait(20)

    former = Consumer(store, "account", "a", handlers=handlers, lease=LEASE)
    # As if the network were cut: it cannot renew.
    former._members._renew_in_background = lambda _: None  # type: ignore[attr-defined]
    thread = running(former)
    assert began.wait(10)
    running(Consumer(store, "account", "a", handlers=recording(installed, "next"), lease=LEASE))
    wait_for(lambda: len(done(installed)) == 1)
    go_on.set()
    time.sleep(0.5)
    assert done(installed) == [("account-0/0", "next")]
    thread.stop()


def test_the_servers_connections_are_lost(
    installed: InstalledStore, store: coldstream.Store, running: Callable[..., Running]
) -> None:
    write(store, 100)
    handlers = recording(installed, "x", seconds=0.002)
    thread = running(
        Consumer(
            store, "account", "a", handlers=handlers, lease=LEASE, first_pause=0.02, batch_size=10
        )
    )
    for count in (10, 40, 70):
        wait_for(partial(has_done, installed, count))
        with psycopg.connect(installed.dsn, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name LIKE 'coldstream%' AND datname = current_database()"
            )
    wait_for(lambda: len(done(installed)) == 100)
    thread.stop()
    check_each_once_and_in_order(installed, 100)


def test_a_write_wakes_a_consumer(
    installed: InstalledStore, store: coldstream.Store, running: Callable[..., Running]
) -> None:
    store.consumers.set_notify(True)
    assert store.consumers.notifies()
    got: list[float] = []
    consumer = Consumer(store, "account", "a", min_interval=30, max_interval=30)

    @consumer.default_handler
    def handle(message: Message) -> None:
        got.append(time.monotonic())

    running(consumer)
    listening = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'coldstream consumer'"
    wait_for(lambda: installed.run(listening))
    time.sleep(0.2)
    for count in (1, 2):
        store.write_message("other-1", "Opened")
        write(store, 1)
        wait_for(partial(has_got, got, count), seconds=5)
    # Its connection is lost: the clock goes on, and it listens again.
    installed.run(listening.replace("1 FROM", "pg_terminate_backend(pid) FROM"))
    with suppress(AssertionError):
        wait_for(lambda: installed.run(listening), seconds=10)
    assert installed.run(listening)
    write(store, 1)
    wait_for(lambda: len(got) == 3, seconds=5)
    store.consumers.set_notify(False)
    assert installed.run("SELECT tgname FROM pg_trigger WHERE tgname = 'streams_after_write'") == []


PROGRAM = """
import sys, time
import coldstream
dsn, schema, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
with coldstream.connect(dsn, schema=schema) as store:
    consumer = coldstream.Consumer(store, "account", "a", lease=1.0, batch_size=50)
    @consumer.default_handler
    def handle(message: coldstream.Message, context):
        print(message.position, flush=True)
        time.sleep(seconds)
        context.connection().execute(
            f"INSERT INTO {schema}.done (what, who) VALUES (%s, 'process')",
            [f"{message.stream_name}/{message.position}"],
        )
    print("handled", consumer.run(), flush=True)
"""


def start(installed: InstalledStore, seconds: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, installed.dsn, installed.schema, str(seconds)],
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_finishes_the_message_in_hand(
    installed: InstalledStore, store: coldstream.Store, number: signal.Signals
) -> None:
    write(store, 20, streams=1)
    process = start(installed, 0.3)
    assert process.stdout is not None
    assert process.stdout.readline() == "0\n"
    assert process.stdout.readline() == "1\n"
    process.send_signal(number)
    rest, _ = process.communicate(timeout=20)
    assert rest == "handled 2\n"
    assert process.returncode == 0
    assert [what for what, _ in done(installed)] == ["account-0/0", "account-0/1"]
    [member] = store.consumers.get_consumers()
    assert (member.owner, member.lag_messages) == (None, 18)


def test_a_killed_process_is_followed_within_its_lease(
    installed: InstalledStore, store: coldstream.Store, running: Callable[..., Running]
) -> None:
    write(store, 20, streams=1)
    process = start(installed, 0.1)
    wait_for(lambda: len(done(installed)) >= 3)
    running(Consumer(store, "account", "a", handlers=recording(installed, "next"), lease=LEASE))
    wait_for(lambda: store.consumers.get_consumers()[0].waiting == 1)
    process.kill()
    process.communicate()
    killed = time.monotonic()
    wait_for(lambda: "next" in {who for _, who in done(installed)})
    # Stated: the lease, and a third of it until the next look.
    assert time.monotonic() - killed < LEASE * 4 / 3 + 1
    wait_for(lambda: len(done(installed)) == 20)
    check_each_once_and_in_order(installed, 20)
