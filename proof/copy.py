"""A Message DB is moved into a store, and back: ``--dsn DSN [--messages N] [--only NAME]``.

The source is the genuine Message DB, and its own functions write the messages. ``--message-db``:
the folder of its package, unpacked; otherwise npm fetches it.

``bulk``: all of it is copied; prints messages a second and the peak memory of the process.

``kills``: the same into another store, killed at random moments; then the digests of both sides
have to be equal.

``live``: eight writers write, roll back and commit late, while the copy follows; a consumer polls
every category with Message DB's functions. Then writers are switched to the store, where they go on
while the way back follows, and then back to the Message DB. Every message that was acknowledged has
to be on both sides once, and the consumer has to have seen each once and in order.

Prints what it saw; exits 1 where something was not as it has to be. Needs a server that takes
several connections.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from psycopg.conninfo import make_conninfo

from coldstream.migrations import install
from coldstream.sql import Names
from proof import message_db
from proof.processor_time import ProcessorTime

SOURCE = "coldstream_proof_source"
TARGET = "coldstream_proof_target"
WRITERS = 8
WEEKS = 10
MOST_MEMORY = 300_000_000
MOST_REFUSED = 2.0


say = partial(print, flush=True)


class Lost(Exception):
    """Something is missing, there twice, or slower than it has to be."""


def fill(source: str, messages: int) -> float:
    """Write messages by Message DB's function, and spread their times over some weeks."""
    began = time.monotonic()
    with psycopg.connect(source, autocommit=True) as connection:
        connection.execute("SET search_path = message_store, public")
        for first in range(1, messages + 1, 10_000):
            connection.execute(
                "SELECT write_message(gen_random_uuid()::varchar, 'account-' || n % 20011, "
                "'Deposited', jsonb_build_object('amount', n % 1000, 'account', n % 20011, "
                "'time', '2026-01-01T00:00:00Z', 'note', 'deposit number ' || n), "
                "CASE WHEN n % 3 = 0 THEN jsonb_build_object('correlationStreamName', "
                "'transfer-' || n % 977, 'causationMessagePosition', n) END) "
                f"FROM generate_series({first}, {min(first + 9_999, messages)}) AS n (n)".encode()
            )
        took = time.monotonic() - began
        connection.execute(
            f"UPDATE messages SET time = now() AT TIME ZONE 'utc' - interval '{WEEKS} weeks' "
            "* (1 - global_position::float8 / (SELECT max(global_position) FROM messages))".encode()
        )
        connection.execute("VACUUM (FULL, ANALYZE) messages")
    return messages / took


def target(dsn: str, schema: str) -> None:
    """An empty store."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET client_min_messages = warning")
        connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE".encode())
        connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
        install(connection, Names(schema))


def command(source: str, store: str, schema: str, *words: str) -> list[str]:
    return [
        sys.executable,
        "-c",
        "import sys; from coldstream.cli import main; sys.exit(main())",
        "copy-from",
        source,
        "--dsn",
        store,
        "--schema",
        schema,
        *words,
    ]


def run(source: str, store: str, schema: str, *words: str) -> Any:
    """A command to its end; what it printed."""
    line = command(source, store, schema, "--json", *words)
    ran = subprocess.run(line, capture_output=True, text=True)
    if ran.returncode:
        raise Lost(f"{' '.join(words) or 'copy'}: {ran.stderr.strip()}")
    return json.loads(ran.stdout)


def bulk(source: str, store: str, messages: int) -> float:
    before = os.getloadavg()[0]
    used = _used()
    began = time.monotonic()
    with ProcessorTime(store, [SOURCE, TARGET]) as servers:
        done = run(source, store, "bulk")
    took = time.monotonic() - began
    used = _used() - used
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    say(
        f"bulk: {done['messages']:,} messages in {took:.1f} s, {messages / took:,.0f} a second; "
        f"peak memory {peak / 1e6:.0f} MB (load before it: {before:.1f}, "
        f"{os.cpu_count()} processors)"
    )
    whole = used + servers.seconds
    say(
        f"bulk: {whole:.1f} s of processor time, {used:.1f} of the copy and {servers.seconds:.1f} "
        f"of both servers: {messages / whole:,.0f} messages for each second of a processor"
    )
    if done["messages"] != messages:
        raise Lost(f"{done['messages']} of {messages} messages were copied")
    if peak > MOST_MEMORY:
        raise Lost(f"The copy took {peak:,} bytes of memory")
    return took


def _used() -> float:
    """The processor time of the processes that were started here and have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def copied(store: str) -> int:
    """How many messages the killed copy has brought."""
    with psycopg.connect(store, autocommit=True) as connection:
        [(count,)] = connection.execute(
            "SELECT coalesce(max(messages), 0) FROM kills.copied"
        ).fetchall()
    return int(count)


def kills(source: str, store: str, messages: int, times: int, took: float, seed: int) -> None:
    chance = random.Random(seed)
    done = 0
    at = []
    # Half of them once it has brought something, and half at any moment.
    late = [number % 2 == 0 for number in range(times)]
    chance.shuffle(late)
    while done < times:
        copy = subprocess.Popen(
            command(source, store, "kills"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        before = copied(store)
        while late[done] and copy.poll() is None and copied(store) == before:
            time.sleep(0.05)
        try:
            copy.wait(chance.uniform(0, took / times))
        except subprocess.TimeoutExpired:
            copy.send_signal(signal.SIGKILL)
            copy.wait()
            done += 1
            at.append(copied(store))
            with psycopg.connect(store, autocommit=True) as connection:
                while connection.execute(
                    "SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = 1129271876"
                ).fetchall():
                    time.sleep(0.02)
        else:
            if copy.returncode:
                raise Lost(f"A copy that goes on failed: {copy.communicate()[1]!r}")
            # It is done: what would be killed from here on is a copy of nothing new.
            break
    run(source, store, "kills")
    began = time.monotonic()
    verified = run(source, store, "kills", "--verify")
    took = time.monotonic() - began
    say(
        f"kills: killed {done} times, at {', '.join(f'{each:,}' for each in at)} messages; then "
        f"{verified['messages']:,} messages, equal: {verified['is_equal']}, "
        f"{verified['digest']}; compared at {messages / took:,.0f} a second"
    )
    if not verified["is_equal"] or verified["messages"] != messages:
        raise Lost("The digests differ")


class Writer(threading.Thread):
    """Writes to a stream by Message DB's function until it is refused, commits late, and rolls
    back now and then. ``written``: what was acknowledged."""

    def __init__(self, dsn: str, schema: str, name: str, first: int, seed: str) -> None:
        super().__init__(daemon=True)
        self._dsn = dsn
        self._schema = schema
        self._stream = f"{name}-1"
        self._first = first
        self._chance = random.Random(seed)
        self.written: list[int] = []
        self.refused = False
        self.stop = threading.Event()
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            with psycopg.connect(self._dsn) as connection:
                connection.execute(f"SET search_path = {self._schema}, public".encode())
                connection.commit()
                self._write(connection)
        except BaseException as error:
            self.error = error

    def _write(self, connection: psycopg.Connection) -> None:
        number = self._first
        while not self.stop.is_set():
            count = self._chance.randint(1, 3)
            try:
                for n in range(number, number + count):
                    connection.execute(
                        "SELECT write_message(%s, %s, 'Live', jsonb_build_object('n', %s::int))",
                        [str(uuid4()), self._stream, n],
                    )
                if self._chance.random() < 0.1:
                    time.sleep(self._chance.uniform(0, 0.05))
                if self._chance.random() < 0.1:
                    connection.rollback()
                    continue
                connection.commit()
            except psycopg.Error as error:
                if error.sqlstate in ("25006", "CS006"):
                    self.refused = True
                    return
                raise
            self.written += range(number, number + count)
            number += count


class Poller(threading.Thread):
    """A consumer of each writer's category, as other clients of Message DB are: a position, and
    get_category_messages. ``seen``: by category, what it was given in order."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(daemon=True)
        self.place: tuple[str, str] = ("", "")
        self.seen: dict[str, list[int]] = {name: [] for name in names}
        self._positions = dict.fromkeys(names, 1)
        self.stop = threading.Event()
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.stop.is_set():
                self.poll()
                time.sleep(0.05)
        except BaseException as error:
            self.error = error

    def poll(self) -> None:
        dsn, schema = self.place
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(f"SET search_path = {schema}, public".encode())
            for name, position in self._positions.items():
                rows = connection.execute(
                    "SELECT global_position, (data::jsonb ->> 'n')::int "
                    "FROM get_category_messages(%s, %s, 100000)",
                    [name, position],
                ).fetchall()
                self.seen[name] += [n for _, n in rows]
                if rows:
                    self._positions[name] = rows[-1][0] + 1


def live(source: str, store: str, seconds: float, seed: int) -> None:
    names = [f"live{number}" for number in range(WRITERS)]
    written: dict[str, list[int]] = {name: [] for name in names}
    poller = Poller(names)
    poller.place = (source, "message_store")
    poller.start()
    places = [(source, "message_store"), (store, "bulk")]
    for here, (dsn, schema) in enumerate(places):
        way = [] if here == 0 else ["--back"]
        writers = [
            Writer(dsn, schema, name, len(written[name]), f"{seed} {here} {name}") for name in names
        ]
        for writer in writers:
            writer.start()
        follower = subprocess.Popen(
            command(source, store, "bulk", *(way or ["--follow"])), stderr=subprocess.DEVNULL
        )
        time.sleep(seconds / 2)
        # The follower is killed and begun again on the way.
        follower.send_signal(signal.SIGKILL)
        follower.wait()
        follower = subprocess.Popen(
            command(source, store, "bulk", *(way or ["--follow"])),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(seconds / 2)
        follower.send_signal(signal.SIGINT)
        follower.wait()
        switched = run(source, store, "bulk", *way, "--switch")
        for writer in writers:
            writer.join(30)
            if writer.error:
                raise writer.error
            if not writer.refused:
                raise Lost("A writer was not refused")
        for name, writer in zip(names, writers, strict=True):
            written[name] += writer.written
        poller.place = places[1 - here]
        count = sum(len(writer.written) for writer in writers)
        say(
            f"live: {count:,} messages by {WRITERS} writers in {seconds:.0f} s; switched "
            f"{'back ' if here else ''}in {switched['refused_seconds']:.2f} s without writes"
        )
        if switched["refused_seconds"] > MOST_REFUSED:
            raise Lost("Writers were refused for longer than two seconds")
        for place, where in places:
            check(place, where, written)
    poller.stop.set()
    poller.join()
    if poller.error:
        raise poller.error
    poller.poll()
    for name in names:
        if poller.seen[name] != written[name]:
            raise Lost(f"A consumer of {name} saw {len(poller.seen[name])} messages otherwise")
    run(source, store, "bulk", "--verify")
    say("live: 0 lost, 0 repeated on both sides, and by a consumer that went along")


def check(dsn: str, schema: str, written: dict[str, list[int]]) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for name, expected in written.items():
            rows = connection.execute(
                "SELECT (data ->> 'n')::int, position FROM "
                f"{schema}.messages WHERE stream_name = %s ORDER BY global_position".encode(),
                [f"{name}-1"],
            ).fetchall()
            found = [n for n, _ in rows]
            if found != expected:
                missing = Counter(expected) - Counter(found)
                more = Counter(found) - Counter(expected)
                raise Lost(f"{schema}, {name}: {len(missing)} lost, {len(more)} more")
            if [position for _, position in rows] != list(range(len(rows))):
                raise Lost(f"{schema}, {name}: positions are not in order")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m proof.copy", description=__doc__)
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=20, help="of live writers, each way")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--message-db", type=Path, help="its package, unpacked")
    parser.add_argument("--only", choices=["bulk", "kills", "live"])
    given = parser.parse_args(arguments)
    store = make_conninfo(given.dsn, dbname=TARGET)
    try:
        source = message_db.install(given.dsn, SOURCE, given.message_db)
        message_db.drop(given.dsn, TARGET)
        with psycopg.connect(given.dsn, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {TARGET}".encode())
        rate = fill(source, given.messages)
        say(f"source: {given.messages:,} messages by write_message, {rate:,.0f} a second")
        took = given.messages / 20_000
        if given.only in (None, "bulk", "live"):
            target(store, "bulk")
            took = bulk(source, store, given.messages)
        if given.only in (None, "kills"):
            target(store, "kills")
            kills(source, store, given.messages, given.kills, took, given.seed)
        if given.only in (None, "live"):
            live(source, store, given.seconds, given.seed)
    except (Lost, message_db.NoMessageDb) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    finally:
        for name in (SOURCE, TARGET):
            message_db.drop(given.dsn, name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
