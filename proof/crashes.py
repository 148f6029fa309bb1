"""Kill the lifecycle, or the server under it, and prove that nothing is lost.

``python -m proof.crashes --dsn DSN`` kills the process once at every point, before and after
each thing it does (proof/crash_points.py). ``--rounds N --seed S`` kills at random points
and moments instead, while a writer writes. ``--server`` starts a server of its own and stops that,
immediately, instead of the process. After every death the store is checked, and run again; at the
end every object is proved. Prints what it did; exits 1 where something was lost.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path

import psycopg
from psycopg import sql
from uuid_utils.compat import uuid7

import coldstream
from coldstream import Message
from coldstream.archive.manifest.manifest import Manifest
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.errors import ColdstreamError
from coldstream.migrations import install
from coldstream.sql import Names
from proof.crash_points import PART, Operation, Place, die_at
from proof.own_server import OwnServer, own_server

START = datetime(2025, 1, 2, tzinfo=UTC)  # where TimescaleDB aligns chunks of a week
WEEK = timedelta(days=7)
LIVE = "live-1"
MESSAGES = 12  # a week
# The whole range after some streams of it, and streams that are dropped as such.
WALK = ["compress", "run", "part", "rehydrate", "drop", "part", "drop"]


class Lost(AssertionError):
    """A message is not where it has to be."""


class Subject:
    """A store with some weeks of history that is killed on its way between the tiers."""

    def __init__(self, place: Place, server: OwnServer | None = None) -> None:
        self.place = place
        self._server = server
        self.weeks = 0
        self.truth: list[Message] = []
        self._positions: Counter[str] = Counter()
        self.deaths: Counter[str] = Counter()
        self.checks = 0
        with psycopg.connect(place.dsn, autocommit=True) as connection:
            install(connection, Names(place.schema))
            self._silence(connection)

    @property
    def end(self) -> datetime:
        return START + self.weeks * WEEK

    def operation(self, name: str) -> Operation:
        return Operation(name, START, self.end)

    def add_weeks(self, weeks: int) -> None:
        """More history: two streams that go on through all of it, and one of each week's own."""
        messages = []
        for number in range(weeks * MESSAGES):
            week, in_week = self.weeks + number // MESSAGES, number % MESSAGES
            name = ["account-1", "order-1", f"account-{week + 10}"][number % 3]
            self._positions[name] += 1
            messages.append(
                Message(
                    uuid7(),
                    name,
                    "Happened",
                    self._positions[name] - 1,
                    0,
                    f'{{"number": {number}.10}}',
                    None,
                    START + week * WEEK + in_week * timedelta(hours=13),
                )
            )
        with self.opened() as store:
            store.import_messages(messages)
            self.weeks += weeks
            read = [m for m in store.get_all_messages() if m.stream_name != LIVE]
        # Global positions are given by the store: read once, here, and held against every read.
        known = len(self.truth)
        if read[:known] != self.truth or [m.id for m in read[known:]] != [m.id for m in messages]:
            raise Lost(f"{len(read)} messages are read after an import")
        self.truth = read

    @contextmanager
    def opened(self) -> Iterator[coldstream.Store]:
        with coldstream.connect(
            self.place.dsn, schema=self.place.schema, archive=self.place.archive, max_size=1
        ) as store:
            yield store

    def walk(self, names: list[str]) -> None:
        """Die once at every point of these operations, in this order."""
        for name in names:
            passed: set[str] = set()
            while True:
                death = die_at(self.place, self.operation(name), passed=passed)
                if death.point is None:
                    break
                passed.add(death.point)
                self.recover(death.point)
            self.check()

    def recover(self, point: str) -> None:
        """Count a death, bring the server back where it was that, and check."""
        self.deaths[point] += 1
        if self._server is not None:
            self._server.start()
            self.place = Place(**{**vars(self.place), "postmaster": self._server.postmaster})
        self.wait_for_the_lock()
        self.check()

    def wait_for_the_lock(self) -> None:
        """The server notices that a process died when it next reads from it."""
        with psycopg.connect(self.place.dsn, autocommit=True) as connection:
            while connection.execute(
                "SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = 1129271876 "
                "AND granted"
            ).fetchall():
                time.sleep(0.02)

    def check(self, acknowledged: int = 0) -> None:
        """Every message is read once, as it was, and is in exactly the tiers that the ledger says.

        Raises:
            Lost
        """
        self.checks += 1
        with self.opened() as store:
            read = list(store.get_all_messages())
            if [m for m in read if m.stream_name != LIVE] != self.truth:
                raise Lost(f"{len(read)} messages are read, not {len(self.truth)}")
            live = [m.position for m in read if m.stream_name == LIVE]
            if len(live) < acknowledged:
                raise Lost(f"{acknowledged} live messages were acknowledged, {len(live)} are there")
            for position, found in enumerate(live):
                if position != found:
                    raise Lost(f"The live stream has position {found} where {position} has to be")
            chunks = store.lifecycle.get_chunks()
        location = ArchiveLocation.open(self.place.archive)
        with psycopg.connect(self.place.dsn, autocommit=True) as connection:
            for chunk in chunks:
                if chunk.range_start >= self.end:
                    continue
                [(rows,)] = connection.execute(
                    sql.SQL(
                        "SELECT count(*) FROM {}.messages WHERE time >= %s AND time < %s"
                    ).format(sql.Identifier(self.place.schema)),
                    [chunk.range_start, chunk.range_end],
                ).fetchall()
                whole, part = chunk.in_database, chunk.part_streams is not None
                names = [
                    m.stream_name
                    for m in self.truth
                    if chunk.range_start <= m.time < chunk.range_end
                    and (whole or (part and fnmatchcase(m.stream_name, PART)))
                ]
                if rows != len(names):
                    raise Lost(f"{chunk.range_start}, {chunk.state}: {rows} rows of {len(names)}")
            self._check_objects(connection, location)

    def _check_objects(self, connection: psycopg.Connection, location: ArchiveLocation) -> None:
        """What the ledger calls archived has a manifest that says the same, and is in storage."""
        for state, keys, manifest, digest in connection.execute(
            sql.SQL(
                "SELECT state, ARRAY(SELECT object FROM {0}.archive_files AS f "
                "WHERE f.range_start = c.range_start ORDER BY number), archive_manifest, digest "
                "FROM {0}.chunks AS c WHERE archive_object IS NOT NULL OR state = 'dropped'"
            ).format(sql.Identifier(self.place.schema))
        ):
            if not keys or not all(map(location.exists, keys)):
                raise Lost(f"A chunk is {state}, and an object of it is not there: {keys}")
            said = Manifest.from_json(location.get(manifest), name=manifest)
            if (said.keys, said.digest) != (keys, digest):
                raise Lost(f"{manifest} is about {said.keys}, the ledger about {keys}")

    def prove(self) -> int:
        """Bring everything into the archive, prove each object, and bring it back; gives how many.

        Raises:
            Lost
        """
        with self.opened() as store:
            for name in ("run", "rehydrate"):
                self.operation(name).run(store.lifecycle)
            proved = store.lifecycle.verify(again=True)
        problems = [each.problem for each in proved if each.problem is not None]
        if problems or len(proved) != self.weeks:
            raise Lost(f"{len(proved)} objects of {self.weeks} chunks, damaged: {problems}")
        self.check()
        return len(proved)

    def _silence(self, connection: psycopg.Connection) -> None:
        """Without background jobs it is the lifecycle alone that closes and compresses."""
        connection.execute(
            "SELECT alter_job(job_id, scheduled => false) FROM timescaledb_information.jobs "
            "WHERE hypertable_schema = %(schema)s OR proc_schema = %(schema)s",
            {"schema": self.place.schema},
        )


def _write(dsn: str, schema: str, acknowledged: Path) -> None:
    """Write, and note each message that was acknowledged, until killed."""
    with acknowledged.open("ab", buffering=0) as notes:
        while True:
            try:
                with coldstream.connect(dsn, schema=schema, max_size=1) as store:
                    while True:
                        store.write_message(LIVE, "Written", {})
                        notes.write(b".")
            except ColdstreamError:
                time.sleep(0.05)


def at_random(subject: Subject, rounds: int, seed: int, folder: Path) -> int:
    """Die at random points, or at any moment, while a writer writes; gives how many it wrote."""
    chance = random.Random(seed)
    acknowledged = folder / "acknowledged"
    acknowledged.touch()
    writer = multiprocessing.get_context("forkserver").Process(
        target=_write, args=(subject.place.dsn, subject.place.schema, acknowledged)
    )
    writer.start()
    try:
        for _ in range(rounds):
            name = chance.choice(["run", "run", "rehydrate", "part", "drop"])
            if name == "run" and subject.weeks < 90:
                subject.add_weeks(1)
            if subject.place.postmaster is None and chance.random() < 0.3:
                death = die_at(
                    subject.place, subject.operation(name), after_seconds=chance.uniform(0, 1)
                )
            else:
                death = die_at(
                    subject.place, subject.operation(name), countdown=chance.randint(1, 60)
                )
            if death.point is not None:
                subject.recover(death.point)
            subject.check(acknowledged.stat().st_size)
    finally:
        writer.kill()
        writer.join()
    subject.check(acknowledged.stat().st_size)
    return acknowledged.stat().st_size


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--dsn", help="a TimescaleDB server; it makes a store in the schema crashes"
    )
    parser.add_argument("--server", action="store_true", help="stop a server of its own instead")
    parser.add_argument("--rounds", type=int, default=0, help="how many random deaths")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args(words)
    if (arguments.dsn is None) != arguments.server:
        parser.error("give --dsn or --server")
    started = time.monotonic()
    schema = "crashes"
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(own_server()) if arguments.server else None
        dsn = server.dsn if server else arguments.dsn
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
            connection.execute(
                sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema))
            )
        place = Place(
            dsn,
            schema,
            (folder / "archive").as_uri(),
            server.postmaster if server else None,
            server.port if server else 0,
        )
        subject = Subject(place, server)
        written = 0
        try:
            subject.add_weeks(2)
            if arguments.rounds:
                written = at_random(subject, arguments.rounds, arguments.seed, folder)
            else:
                subject.walk(WALK)
            proved = subject.prove()
        except Lost as error:
            print(f"LOST: {error}", file=sys.stderr)
            print("after: " + ", ".join(list(subject.deaths)[-1:]), file=sys.stderr)
            return 1
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("SET client_min_messages = warning")
            connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))
    what = "the server was stopped" if arguments.server else "the process was killed"
    print(f"{what} {subject.deaths.total()} times, at {len(subject.deaths)} different points")
    print(f"{subject.checks} checks of {len(subject.truth)} messages in {subject.weeks} chunks")
    print(f"{written} messages written meanwhile, all of those that were acknowledged are there")
    print(f"{proved} archived objects proved at the end; lost: 0")
    print(f"{time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
