"""The databases of a sequence, their archives, and the log of what was done to them."""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import TupleRow

import coldstream
from coldstream.errors import ColdstreamError
from coldstream.migrations import Settings, install
from coldstream.sql import Names
from proof.model.truth import Fault
from proof.operator import servers
from proof.operator.bucket import Bucket
from proof.operator.history import History

SCHEMA = "message_store"
INTERVAL = timedelta(days=1)
PAST = 6  # chunks before the present one
STREAMS = [
    *(f"account-{n}" for n in range(1, 4)),
    "order:command-1",
    "order:command-2+a",
    "quiet-1",
]
CATEGORIES = ["account", "order:command", "quiet"]
MOST_DATABASES = 3


@dataclass
class Dump:
    """A file of ``pg_dump``, and the database that it is of, as it was."""

    path: Path
    is_plain: bool
    history: History
    bucket: Bucket
    is_changed: bool
    is_unrecorded: bool
    is_behind: bool
    is_locked: bool


@dataclass
class Database:
    """A store in a database, and what its operator believes of it.

    ``is_copy``: where it lies it never wrote to the archive. ``claim``: the last that it knows of.
    ``is_behind``: it was adopted and lacks what the archive has. ``is_locked``: a rebuild could not
    bring both histories together; nobody writes. ``is_changed``: chunks were changed by hand, so a
    verb may refuse them; ``is_unrecorded``: and the ledger was not told yet, so reads may fail.
    ``trouble``: why calls fail for a while.
    """

    cluster: servers.Cluster
    name: str
    history: History
    bucket: Bucket
    is_copy: bool = False
    claim: int = 0
    is_behind: bool = False
    is_locked: bool = False
    is_changed: bool = False
    is_unrecorded: bool = False
    trouble: str | None = None
    settings: list[str] = field(default_factory=list)
    _store: coldstream.Store | None = None

    @property
    def dsn(self) -> str:
        return self.cluster.dsn(self.name)

    @property
    def may_archive(self) -> bool:
        """Whether it is the one that may write to its archive."""
        return (
            not self.is_copy
            and not self.is_behind
            and not self.is_locked
            and self.claim == self.bucket.claim()
        )

    @property
    def is_in_order(self) -> bool:
        """Whether nothing that an operator did may be in a verb's way."""
        return not (
            self.is_changed or self.trouble or self.history.destroyed or self.history.deleted
        )

    @property
    def store(self) -> coldstream.Store:
        if self._store is None:
            store = coldstream.connect(self.dsn, archive=self.bucket.url, timeout=30.0, max_size=2)
            store.open()
            self._store = store
        return self._store

    def reopen(self) -> None:
        """New connections, with what is set by now."""
        if self._store is not None:
            self._store.close()
            self._store = None

    def sql(self, statement: str, arguments: Any = None) -> list[TupleRow]:
        """Rows, as a superuser: by hand."""
        with psycopg.connect(
            self.dsn, autocommit=True, options="-c default_transaction_read_only=off"
        ) as connection:
            connection.execute("SET client_min_messages = error; SET TimeZone = 'UTC'")
            cursor = connection.execute(statement.encode(), arguments)
            return cursor.fetchall() if cursor.description else []

    def without_sessions(self) -> None:
        """Until those that were killed have left: they hold what they had."""
        self.reopen()
        deadline = time.monotonic() + 30
        while left := self.cluster_sql(
            "SELECT application_name, state, query FROM pg_stat_activity "
            "WHERE datname = %s AND backend_type = 'client backend'",
            [self.name],
        ):
            if time.monotonic() > deadline:
                raise Fault(f"sessions stay in {self.name} after their client has left: {left}")
            time.sleep(0.02)

    def cluster_sql(self, statement: str, arguments: Any = None) -> list[TupleRow]:
        with psycopg.connect(self.cluster.dsn(), autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), arguments)
            return cursor.fetchall() if cursor.description else []


class World:
    """A sequence's. ``chance`` decides all that is left to chance."""

    def __init__(self, cluster: servers.Cluster, wal: Path, chance: random.Random) -> None:
        self.cluster = cluster
        self.wal = wal
        self.chance = chance
        self.log: list[str] = []
        self.count: Counter[str] = Counter()
        self.folder = Path(tempfile.mkdtemp(prefix="coldstream-operator-"))
        self.buckets = [Bucket(self._folder("bucket"))]
        self.databases: list[Database] = []
        self.dumps: list[Dump] = []
        self.backup: Path | None = None
        # Restore points after the base backup, with the histories at them, by database.
        self.points: dict[str, dict[str, Database]] = {}
        self.others: list[servers.Cluster] = []
        self._named = 0
        now = datetime.now(UTC)
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        self.today = epoch + (now - epoch) // INTERVAL * INTERVAL
        self.layout = chance.choice(["bucket", "stream"])
        first = self.new_database(History(), self.buckets[0])
        self.install(first)
        self.databases.append(first)

    def _folder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir()
        return folder

    def new_bucket(self) -> Bucket:
        bucket = Bucket(self._folder(f"bucket-{len(self.buckets) + 1}"))
        self.buckets.append(bucket)
        return bucket

    def new_name(self) -> str:
        self._named += 1
        return f"db{self._named}"

    def new_database(self, history: History, bucket: Bucket) -> Database:
        """An empty one, with the extension."""
        made = Database(self.cluster, self.new_name(), history, bucket)
        made.cluster_sql(f'CREATE DATABASE "{made.name}" TEMPLATE template0')
        made.sql("CREATE EXTENSION timescaledb")
        return made

    def install(self, database: Database) -> None:
        with psycopg.connect(database.dsn, autocommit=True) as connection:
            connection.execute("SET client_min_messages = error")
            install(
                connection, Names(SCHEMA), Settings(chunk_interval=INTERVAL, layout=self.layout)
            )

    def discard(self, database: Database) -> None:
        database.reopen()
        database.cluster_sql(f'DROP DATABASE IF EXISTS "{database.name}" WITH (FORCE)')
        if database in self.databases:
            self.databases.remove(database)

    def make_room(self) -> None:
        """The operator gives up a database: never the one whose archive it is."""
        while len(self.databases) >= MOST_DATABASES:
            spare = [each for each in self.databases if not each.may_archive]
            gone = self.chance.choice(spare or self.databases[1:])
            self.say(f"{gone.name} is dropped")
            self.discard(gone)

    def say(self, text: str) -> None:
        self.log.append(text)

    def past(self) -> datetime:
        """A time in one of the chunks that have ended."""
        start = self.today - self.chance.randint(1, PAST) * INTERVAL
        return start + self.chance.randrange(86_400_000_000) * timedelta(microseconds=1)

    def any(self) -> Database:
        return self.chance.choice(self.databases)

    def settle(self) -> None:
        """After an operation: what lies in the archives now, and whether that is all right."""
        deleted = {id for each in self.databases for id in each.history.deleted}
        deleted |= {id for dump in self.dumps for id in dump.history.deleted}
        for bucket in self.buckets:
            bucket.look(deleted)

    @contextmanager
    def writing_to_the_archive(self, database: Database) -> Iterator[bool]:
        """Around what may write there; gives whether this database may. Where it may not, nothing
        is written, and :class:`ArchiveConflict` or another of our errors is what it says."""
        may, before = database.may_archive, database.bucket.listing()
        try:
            yield may
        except ColdstreamError as error:
            if may and database.is_in_order:
                raise Fault(f"{database.name}: {type(error).__name__}: {error}") from error
            self.say(f"  refused: {type(error).__name__}: {error}")
        finally:
            if may:
                database.claim = database.bucket.claim()
        if not may and database.bucket.listing() != before:
            changed = sorted(set(database.bucket.listing().items()) ^ set(before.items()))
            raise Fault(f"{database.name} wrote to an archive that is not its own: {changed[:4]}")

    def close(self) -> None:
        for database in list(self.databases):
            self.discard(database)
        for cluster in self.others:
            cluster.stop()
        if self.backup:
            shutil.rmtree(self.backup, ignore_errors=True)
        for name in [row[0] for row in self._left()]:
            with psycopg.connect(self.cluster.dsn(), autocommit=True) as connection:
                connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())
        for path in self.wal.iterdir():
            path.unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _left(self) -> list[TupleRow]:
        with psycopg.connect(self.cluster.dsn(), autocommit=True) as connection:
            return connection.execute(
                "SELECT datname FROM pg_database WHERE datname LIKE 'db%'"
            ).fetchall()
