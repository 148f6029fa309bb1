"""Consumers under kill -9, silence and late commits: ``--dsn DSN [--only NAME]``.

``everything``: eight writers in eight categories commit late, roll back (to savepoints too),
prepare transactions, insert plainly, and cross into new chunks; a consumer of
everything has to see each committed message once and in order. A plain poll beside it is the
witness: what it misses, the consumer might have missed.

``kills``: consumers are killed at random while a handler writes to a table in its transaction; the
table has to have each message once.

``group``: the processes of a group are killed, stopped for longer than their lease and started;
each message has to be handled once and in the order of its stream. Prints how long members were
without a process.

Prints what it saw; exits 1 where something was not as it has to be. Needs a server that takes
several connections.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

import psycopg

import coldstream
from coldstream import Consumer, Message, NewMessage
from coldstream.errors import ColdstreamError
from coldstream.migrations import Settings, install
from coldstream.sql import Names

SCHEMA = "consumers_proof"
LEASE = 1.0

# What a machine with everything else on it may add to the time that is stated.
SLACK = 1.0


class Lost(Exception):
    """Something is missing, there twice, or in the wrong order."""


def prepare(dsn: str) -> None:
    """An empty store whose chunks are short, and a table for what handlers do."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET client_min_messages = warning")
        connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
        connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE".encode())
        install(connection, Names(SCHEMA), Settings(chunk_interval=timedelta(seconds=20)))
        connection.execute(
            f"CREATE TABLE {SCHEMA}.done (id bigserial, stream_name text, position bigint)".encode()
        )


def drop(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET client_min_messages = warning")
        connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE".encode())


class Threads:
    """Threads that end together; the first error of one is raised at the end."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self._errors: list[BaseException] = []
        self._threads: list[threading.Thread] = []

    def start(self, body: Callable[[], object]) -> threading.Thread:
        def guarded() -> None:
            try:
                body()
            except BaseException as error:
                self._errors.append(error)
                self.stop.set()

        thread = threading.Thread(target=guarded)
        self._threads.append(thread)
        thread.start()
        return thread

    def end(self) -> None:
        self.stop.set()
        for thread in self._threads:
            thread.join()
        self.check()

    def check(self) -> None:
        if self._errors:
            raise self._errors[0]


class Late:
    """Eight writers that take their time between drawing positions and committing."""

    def __init__(self, dsn: str, messages: int, seed: int) -> None:
        self._dsn = dsn
        self._each = messages // 8
        self._seed = seed
        self.committed = [0] * 8
        self.rolled_back = [0] * 8

    def write(self, number: int) -> None:
        chance = random.Random(f"{self._seed} {number}")
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            [(prepares,)] = connection.execute(
                "SELECT current_setting('max_prepared_transactions')::integer >= 8"
            ).fetchall()
            while self.committed[number] < self._each:
                count = min(chance.randint(1, 20), self._each - self.committed[number])
                names = [f"late{number}-{chance.randint(0, 50)}" for _ in range(count)]
                kept = chance.random() > 0.1
                ending = "COMMIT" if kept else "ROLLBACK"
                connection.execute("BEGIN")
                if chance.random() < 0.2:
                    # The positions that were drawn before stay unused; the writer goes on.
                    connection.execute("SAVEPOINT before")
                    self._write_plainly(connection, names)
                    self.rolled_back[number] += count
                    connection.execute("ROLLBACK TO before")
                write = self._write if chance.random() < 0.7 else self._write_plainly
                write(connection, names)
                if prepares and chance.random() < 0.2:
                    connection.execute(f"PREPARE TRANSACTION 'late {number}'".encode())
                    ending += f" PREPARED 'late {number}'"
                time.sleep(chance.choice([0, 0, 0, 0.001, 0.005, 0.02]))
                connection.execute(ending.encode())
                if kept:
                    self.committed[number] += count
                else:
                    self.rolled_back[number] += count

    def _write(self, connection: psycopg.Connection, names: list[str]) -> None:
        connection.execute(
            f"SELECT * FROM {SCHEMA}.write_messages(%s, %s, %s, %s::jsonb[])".encode(),
            [[str(uuid4()) for _ in names], names, ["T"] * len(names), ["{}"] * len(names)],
        )

    def _write_plainly(self, connection: psycopg.Connection, names: list[str]) -> None:
        for name in names:
            connection.execute(
                f"INSERT INTO {SCHEMA}.messages (stream_name, position, type) "
                f"VALUES (%s, coalesce({SCHEMA}.stream_version(%s), -1) + 1, 'T')".encode(),
                [name, name],
            )


class Poll:
    """The witness: goes on after the last position it saw."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self.seen: set[int] = set()

    def read(self, until: Callable[[], bool]) -> None:
        last = 0
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            while True:
                over = until()
                rows = connection.execute(
                    f"SELECT global_position FROM {SCHEMA}.messages "
                    "WHERE global_position > %s ORDER BY 1 LIMIT 1000".encode(),
                    [last],
                ).fetchall()
                self.seen.update(position for (position,) in rows)
                if rows:
                    last = rows[-1][0]
                elif over:
                    return


def prove_everything(dsn: str, messages: int, seed: int) -> None:
    """Raises Lost where the consumer did not see just what was committed, in order."""
    prepare(dsn)
    late, poll, threads = Late(dsn, messages, seed), Poll(dsn), Threads()
    seen: list[tuple[int, str, int]] = []
    writers = [threads.start(partial(late.write, number)) for number in range(8)]

    def over() -> bool:
        return threads.stop.is_set() or not any(writer.is_alive() for writer in writers)

    began = time.monotonic()
    with coldstream.connect(dsn, schema=SCHEMA) as store:
        consumer = Consumer(store, None, "everything", lease=LEASE * 10)

        @consumer.default_handler
        def handle(message: Message) -> None:
            seen.append((message.global_position, message.stream_name, message.position))

        threads.start(lambda: poll.read(over))
        threads.start(partial(consumer.run, handle_signals=False))
        while not over():
            time.sleep(0.1)
        seconds = time.monotonic() - began
        threads.check()
        with store.connection() as connection:
            truth = connection.execute(
                f"SELECT global_position, stream_name, position FROM {SCHEMA}.messages "
                "ORDER BY global_position".encode()
            ).fetchall()
            [(chunks,)] = connection.execute(
                f"SELECT count(*) FROM {SCHEMA}.get_chunks()".encode()
            ).fetchall()
        deadline = time.monotonic() + 60
        while len(seen) < len(truth) and time.monotonic() < deadline:
            time.sleep(0.05)
        consumer.stop()
        threads.end()
    missed = {position for position, _, _ in truth} - {position for position, _, _ in seen}
    print(
        f"{len(truth)} messages committed by 8 writers in {seconds:.0f} s, "
        f"{sum(late.rolled_back)} rolled back, {chunks} chunks"
    )
    print(f"the consumer of everything missed {len(missed)} and saw {len(seen)}")
    print(f"a plain poll missed {len(truth) - len(poll.seen)}")
    if seen != truth:
        raise Lost(f"{len(seen)} seen, {len(truth)} written, {len(missed)} missed")
    check_order(name_and_position[1:] for name_and_position in seen)


def check_order(rows: Any) -> int:
    """Each stream from its first message on, one after the other. Returns how many rows."""
    last: dict[str, int] = defaultdict(lambda: -1)
    count = 0
    for name, position in rows:
        if position != last[name] + 1:
            raise Lost(f"{name}: {position} after {last[name]}")
        last[name] = position
        count += 1
    return count


def work(dsn: str, name: str, size: int, transaction_size: int, pause: float) -> None:
    """A process of a consumer: what the others start and kill."""
    with coldstream.connect(dsn, schema=SCHEMA) as store:
        consumer = Consumer(
            store,
            "account",
            name,
            group_size=size,
            lease=LEASE,
            max_interval=0.05,
            transaction_size=transaction_size,
            first_pause=0.01,
        )

        @consumer.default_handler
        def handle(message: Message, context: Any) -> None:
            context.connection().execute(
                f"INSERT INTO {SCHEMA}.done (stream_name, position) VALUES (%s, %s)".encode(),
                [message.stream_name, message.position],
            )
            time.sleep(pause)

        consumer.run()


# Where the package proof is found.
_ROOT = Path(__file__).resolve().parent.parent


class Processes:
    """Processes of one consumer, of which some die."""

    def __init__(self, dsn: str, name: str, size: int, seed: int) -> None:
        self._dsn = dsn
        self._name = name
        self._size = size
        self._chance = random.Random(seed)
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        words = [self._dsn, self._name, str(self._size)]
        words += [str(self._chance.choice([1, 1, 7])), str(self._chance.choice([0, 0.001]))]
        command = [sys.executable, "-m", "proof.consumers", "--work", *words]
        self.running.append(subprocess.Popen(command, cwd=_ROOT))

    def take(self) -> subprocess.Popen[bytes]:
        """One of them, which is no longer among them."""
        process = self._chance.choice(self.running)
        self.running.remove(process)
        return process

    def end(self) -> None:
        for process in self.running:
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in self.running:
            process.wait()


class Writing:
    """Writes streams of one category until it is told to stop."""

    def __init__(self, dsn: str, stop: threading.Event) -> None:
        self._dsn = dsn
        self._stop = stop
        self.count = 0

    def write(self) -> None:
        with coldstream.connect(self._dsn, schema=SCHEMA) as store:
            while not self._stop.is_set():
                names = [f"account-{random.randint(0, 40)}" for _ in range(random.randint(1, 10))]
                store.write_messages([NewMessage(name, "T", {}) for name in names])
                self.count += len(names)
                time.sleep(0.01)


def wait_until_handled(dsn: str, count: int) -> None:
    deadline = time.monotonic() + 120
    statement = f"SELECT count(*) FROM {SCHEMA}.done".encode()
    with psycopg.connect(dsn, autocommit=True) as connection:
        while True:
            [(there,)] = connection.execute(statement).fetchall()
            if there >= count:
                return
            if time.monotonic() > deadline:
                raise Lost(f"{there} of {count} messages are handled")
            time.sleep(0.05)


def check_done(dsn: str) -> int:
    with psycopg.connect(dsn, autocommit=True) as connection:
        return check_order(
            connection.execute(
                f"SELECT stream_name, position FROM {SCHEMA}.done ORDER BY id".encode()
            ).fetchall()
        )


def prove_kills(dsn: str, kills: int, seed: int) -> None:
    """Raises Lost where the table has not each message once."""
    prepare(dsn)
    threads, processes = Threads(), Processes(dsn, "kills", 1, seed)
    writing = Writing(dsn, threads.stop)
    threads.start(writing.write)
    chance = random.Random(seed)
    try:
        for _ in range(3):
            processes.start()
        for _ in range(kills):
            time.sleep(chance.uniform(0.05, 0.8))
            process = processes.take()
            process.kill()
            process.wait()
            processes.start()
            threads.check()
        threads.end()
        wait_until_handled(dsn, writing.count)
    finally:
        threads.stop.set()
        processes.end()
    if check_done(dsn) != writing.count:
        raise Lost(f"{check_done(dsn)} rows for {writing.count} messages")
    print(f"{kills} kills, {writing.count} messages, each of them in the table once and in order")


class Owners:
    """Watches how long each member of a group is without a living process."""

    def __init__(self, dsn: str, stop: threading.Event) -> None:
        self._dsn = dsn
        self._stop = stop
        self._dead: dict[str, float] = {}
        self._owners: dict[int, str] = {}
        self.gaps: list[float] = []

    def mark_dead(self, pid: int) -> None:
        """A process was killed, or stopped, now."""
        self._dead[f":{pid}:"] = time.monotonic()

    def check_over(self, pid: int) -> None:
        """Long enough after that, others have taken over: a process that goes on may have members
        again, and hand them over as it likes.

        Raises:
            Lost: they have not.
        """
        if any(f":{pid}:" in owner for owner in self._owners.values()):
            raise Lost("members of a process that fell silent are still its own")
        del self._dead[f":{pid}:"]

    def watch(self) -> None:
        statement = f"SELECT member, owner FROM {SCHEMA}.consumers WHERE owner IS NOT NULL".encode()
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            while not self._stop.is_set():
                for member, owner in connection.execute(statement).fetchall():
                    former = self._owners.get(member)
                    if former not in (None, owner):
                        for pid, died in list(self._dead.items()):
                            if pid in str(former):
                                self.gaps.append(time.monotonic() - died)
                    self._owners[member] = owner
                time.sleep(0.01)


def prove_group(dsn: str, rounds: int, seed: int) -> None:
    """Raises Lost where a message was not handled once and in order, or a member was without a
    process for longer than is stated."""
    prepare(dsn)
    threads, processes = Threads(), Processes(dsn, "group", 8, seed)
    writing, owners = Writing(dsn, threads.stop), Owners(dsn, threads.stop)
    threads.start(writing.write)
    threads.start(owners.watch)
    chance = random.Random(seed)
    silent: list[subprocess.Popen[bytes]] = []
    try:
        for _ in range(4):
            processes.start()
        time.sleep(3)
        for number in range(rounds):
            time.sleep(chance.uniform(1.5, 3))
            process = processes.take()
            if number % 2:
                # As if the network were cut: it is silent, and goes on when others have taken over.
                process.send_signal(signal.SIGSTOP)
                silent.append(process)
            else:
                process.kill()
                process.wait()
            owners.mark_dead(process.pid)
            time.sleep(LEASE * 2 + SLACK)
            owners.check_over(process.pid)
            while silent:
                silent[0].send_signal(signal.SIGCONT)
                processes.running.append(silent.pop(0))
            if len(processes.running) < 4:
                processes.start()
            threads.check()
        threads.end()
        wait_until_handled(dsn, writing.count)
    finally:
        threads.stop.set()
        processes.running += silent
        processes.end()
    if check_done(dsn) != writing.count:
        raise Lost(f"{check_done(dsn)} rows for {writing.count} messages")
    stated = LEASE * 4 / 3
    print(
        f"{rounds} processes of a group of 4 killed or silent, {writing.count} messages, each of "
        "them handled once and in the order of its stream"
    )
    print(
        f"{len(owners.gaps)} hand-overs of a member: median {median(owners.gaps):.2f} s, longest "
        f"{max(owners.gaps):.2f} s; stated for a lease of {LEASE:.0f} s: {stated:.2f} s"
    )
    if max(owners.gaps) > stated + SLACK:
        raise Lost("a hand-over took longer than is stated")


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--dsn", help=f"it makes a store in the schema {SCHEMA}")
    parser.add_argument("--only", choices=["everything", "kills", "group"])
    parser.add_argument("--messages", type=int, default=200_000, help="of everything")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=20, help="of the group")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--work", nargs=5, help=argparse.SUPPRESS)
    arguments = parser.parse_args(words)
    if arguments.work:
        dsn, name, size, transaction_size, pause = arguments.work
        work(dsn, name, int(size), int(transaction_size), float(pause))
        return 0
    if not arguments.dsn:
        parser.error("--dsn names the server")
    proofs: dict[str, Callable[[], None]] = {
        "everything": lambda: prove_everything(arguments.dsn, arguments.messages, arguments.seed),
        "kills": lambda: prove_kills(arguments.dsn, arguments.kills, arguments.seed),
        "group": lambda: prove_group(arguments.dsn, arguments.rounds, arguments.seed),
    }
    try:
        for name, prove in proofs.items():
            if arguments.only in (None, name):
                prove()
    except (Lost, ColdstreamError) as error:
        print(f"FAILED: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    finally:
        drop(arguments.dsn)
    return 0


if __name__ == "__main__":
    sys.exit(main())
