"""One store with an archive in a folder, the model of it, and the log of what was done."""

from __future__ import annotations

import random
import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import TupleRow

import coldstream
from coldstream import Message
from coldstream.errors import ColdstreamError
from coldstream.migrations import Settings, install
from coldstream.sql import Names
from proof.model.truth import Made, Truth

INTERVAL = timedelta(days=1)
PAST = 10  # chunks before the present one
SEALED = ("sealed", "exporting", "exported", "verified", "dropped", "rehydrated")

NAMES = [
    *(f"account-{n}" for n in range(1, 5)),
    *(f"account-5+{part}" for part in "ab"),
    *(f"order:command-{n}" for n in range(1, 4)),
    "order:command-long-name+x",
    "quiet-1",
    "quiet",  # a stream may bear the name of its category alone
]
CATEGORIES = ["account", "order:command", "quiet", "nothing"]
TYPES = ["Opened", "Changed", "Closed"]


@dataclass(frozen=True)
class Place:
    """Where a store and its archive are: what another process is told."""

    dsn: str
    schema: str
    archive: str

    def open(self, **options: Any) -> coldstream.Store:
        return coldstream.connect(
            self.dsn, schema=self.schema, archive=self.archive, timeout=60.0, **options
        )


class World:
    """A new store. ``chance`` decides everything that is left to chance in its sequence."""

    def __init__(self, dsn: str, schema: str, chance: random.Random, *, alone: bool) -> None:
        self.chance = chance
        self.alone = alone
        self.truth = Truth()
        self.log: list[str] = []
        # What was imported with global positions of its own: it may be brought along again.
        self.imported: list[Made] = []
        self.folder = tempfile.mkdtemp(prefix="coldstream-model-")
        self.place = Place(dsn, schema, f"file://{self.folder}")
        self.layout = chance.choice(["bucket", "stream"])
        now = datetime.now(UTC)
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        self.today = epoch + (now - epoch) // INTERVAL * INTERVAL
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("SET client_min_messages = warning")
            connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE".encode())
            install(
                connection, Names(schema), Settings(chunk_interval=INTERVAL, layout=self.layout)
            )
            row = connection.execute(
                "SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'"
            ).fetchone()
            self.version: str = row[0] if row else ""
            # They would work when they like; here the sequence says when.
            connection.execute(
                "SELECT public.alter_job(job_id, scheduled => false) "
                "FROM timescaledb_information.jobs "
                "WHERE hypertable_schema = %(schema)s OR proc_schema = %(schema)s",
                {"schema": schema},
            )
        self.store = self.place.open(max_size=1 if alone else 4)
        self.store.open()

    def close(self) -> None:
        self.store.close()
        with psycopg.connect(self.place.dsn, autocommit=True) as connection:
            connection.execute("SET client_min_messages = warning")
            connection.execute(f"DROP SCHEMA {self.place.schema} CASCADE".encode())
        shutil.rmtree(self.folder, ignore_errors=True)

    def say(self, text: str) -> None:
        self.log.append(text)

    def sql(self, statement: str, arguments: Any = None) -> list[TupleRow]:
        """The rows of a statement in which ``{s}`` is the store's schema; errors are ours."""
        return sql(self.store, statement, arguments)

    def past(self) -> datetime:
        """A time in one of the chunks that have ended. Some times come again and again."""
        start = self.today - self.chance.randint(1, PAST) * INTERVAL
        if self.chance.random() < 0.3:
            return start + self.chance.choice([0, 1, 6, 23]) * timedelta(hours=1)
        if self.chance.random() < 0.1:
            return start + INTERVAL - timedelta(microseconds=1)
        return start + self.chance.randrange(86_400_000_000) * timedelta(microseconds=1)

    def is_sealed(self, times: list[datetime]) -> bool:
        """Whether one of the times lies in a range whose rows no longer change."""
        return bool(
            self.sql(
                "SELECT 1 FROM {s}.chunks AS c JOIN unnest(%s::timestamptz[]) AS t "
                "ON t >= c.range_start AND t < c.range_end WHERE c.state = ANY (%s) LIMIT 1",
                [times, list(SEALED)],
            )
        )

    def has_left(self, category: str | None) -> bool:
        """Whether messages of a category (``None``: any) are in the archive alone."""
        return has_left(self.store, category)


def sql(store: coldstream.Store, statement: str, arguments: Any = None) -> list[TupleRow]:
    with store.connection() as connection:
        cursor = connection.execute(statement.replace("{s}", store.schema).encode(), arguments)
        return cursor.fetchall() if cursor.description else []


def last_drawn(store: coldstream.Store) -> int:
    """The global position that was handed out last, whatever became of it."""
    rows = sql(
        store,
        "SELECT coalesce(pg_sequence_last_value(%s), 0)",
        [f"{store.schema}.messages_global_position_seq"],
    )
    last: int = rows[0][0]
    return last


def has_left(store: coldstream.Store, category: str | None) -> bool:
    return bool(
        sql(
            store,
            "SELECT 1 FROM {s}.chunks AS c JOIN {s}.chunk_categories AS r USING (range_start) "
            "WHERE c.state = 'dropped' "
            "AND (%(category)s::text IS NULL OR r.category = %(category)s) LIMIT 1",
            {"category": category},
        )
    )


def message_of(row: TupleRow) -> Message:
    """A message from a row of one of Message DB's functions."""
    from uuid import UUID

    id, stream_name, type, position, global_position, data, metadata, time = row
    return Message(
        UUID(str(id)),
        stream_name,
        type,
        position,
        global_position,
        data,
        metadata,
        time.replace(tzinfo=UTC),
    )


def is_rolled_back(error: ColdstreamError) -> bool:
    """Whether another transaction was in its way: then nothing was done."""
    return isinstance(
        error.__cause__, psycopg.errors.SerializationFailure | psycopg.errors.DeadlockDetected
    )
