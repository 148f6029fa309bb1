"""The Message DB that a store is copied from. Everything here needs SELECT on its table alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID

from psycopg import Connection, sql
from psycopg.rows import TupleRow

from coldstream.client.connect import connect, in_words
from coldstream.client.errors import mapped
from coldstream.copying.results import Clamp, Outside
from coldstream.errors import ColdstreamError, InvalidInput, SetupError, Unavailable
from coldstream.sql import query

_COLUMNS = {
    "global_position": ("bigint", "integer"),
    "position": ("bigint", "integer"),
    "time": ("timestamp with time zone", "timestamp without time zone"),
    "stream_name": ("text", "character varying"),
    "type": ("text", "character varying"),
    "data": ("jsonb", "json", "text", "character varying"),
    "metadata": ("jsonb", "json", "text", "character varying"),
    "id": ("uuid", "text", "character varying"),
}
_PAUSE = 0.005
_SAY = 3.0


class Source:
    """One table of messages, over a connection of its own. A context manager."""

    def __init__(self, dsn: str, schema: str) -> None:
        self.dsn = dsn
        self.schema = schema
        self.name = f"{in_words(dsn)}, schema {schema}"
        self.connection = self._connect()
        try:
            self._look_at_form()
        except BaseException:
            self.connection.close()
            raise

    def _connect(self) -> Connection[TupleRow]:
        try:
            return connect(self.dsn, self.schema, name="coldstream copy", timeout=10)
        except InvalidInput:
            raise
        except ColdstreamError as error:
            raise Unavailable(f"The source cannot be reached: {error}", hint=error.hint) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.connection.close()

    def again(self) -> Source:
        """The same over another connection, for a thread of its own."""
        return Source(self.dsn, self.schema)

    @contextmanager
    def lost(self) -> Iterator[None]:
        """Errors of the source say that they are the source's."""
        try:
            with mapped(self.schema):
                yield
        except Unavailable as error:
            raise Unavailable(
                f"The source was lost: {error}",
                hint="Run this again once it is back: a copy goes on where it was.",
            ) from error
        except SetupError as error:
            raise SetupError(f"The source ({self.name}): {error}", hint=error.hint) from error

    def _look_at_form(self) -> None:
        found = self.rows("source_form", [self.schema])
        if not found:
            raise InvalidInput(
                f"Not a Message DB: {self.name} has no table messages",
                hint="Name its schema with --source-schema.",
            )
        oid, kind, is_replica, may_select, columns, zone, is_store, indexes, cache = found[0]
        self.oid: int = oid
        self._cache: int = cache or 1
        self.is_replica: bool = is_replica
        if is_store:
            raise InvalidInput(
                f"Not a Message DB: {self.name} is a Coldstream store",
                hint="A store is moved with a backup, or with coldstream export.",
            )
        if kind not in "rp":
            raise InvalidInput(f"Not a Message DB: messages of {self.name} is not a table")
        if not may_select:
            raise SetupError(
                f"No right to read messages of {self.name}",
                hint="GRANT USAGE ON SCHEMA and SELECT ON its table messages to this role.",
            )
        found_types = {name: column[0] for name, column in columns.items()}
        wrong = [name for name, types in _COLUMNS.items() if found_types.get(name) not in types]
        if wrong:
            raise InvalidInput(
                f"Not a Message DB: messages of {self.name} has no {wrong[0]}, or of another type",
                hint=f"A Message DB has the columns {', '.join(_COLUMNS)}.",
            )
        self.indexes: list[str] = indexes
        type, default = columns["time"]
        self._time, self._returned = _time_of(type, default, zone)
        self.table = sql.Identifier(self.schema, "messages")
        self._types = {name: found_types[name] for name in _COLUMNS}

    def is_unique(self, *columns: str) -> bool:
        """Whether an index says that no two messages share these."""
        names = {" ".join(columns), " ".join(f'"{column}"' for column in columns)}
        names |= {f'{columns[0]} "{columns[-1]}"'} if len(columns) > 1 else set()
        return any(f"{name} unique" in self.indexes for name in names)

    @property
    def is_indexed(self) -> bool:
        """Whether it is read in the order of global positions without sorting it."""
        return any(each.split(" ")[0] == "global_position" for each in self.indexes)

    def rows(self, name: str, arguments: Any = (), **parts: sql.Composable | int) -> list[TupleRow]:
        """The rows of a named statement."""
        with self._patient():
            statement = self.statement(name, **parts)
            return self.connection.execute(statement, arguments or None).fetchall()

    @contextmanager
    def _patient(self) -> Iterator[None]:
        """A transaction without the time-out that a role or a database may have for its queries.
        For this transaction alone: a pooler may give the session to others."""
        with self.lost(), self.connection.transaction():
            self.connection.execute("SELECT pg_catalog.set_config('statement_timeout', '0', true)")
            yield

    def statement(self, name: str, **parts: sql.Composable | int) -> sql.Composed:
        given = {
            key: part if isinstance(part, sql.Composable) else sql.Literal(part)
            for key, part in parts.items()
        }
        if hasattr(self, "table"):
            given |= {"table": self.table, "time": self._time}
        return sql.SQL(query(name, self.schema)).format(**given)

    def bounded(self, clamp: Clamp | None) -> sql.Composable:
        """A message's time as the store has it."""
        if clamp is None:
            return self._time
        return sql.SQL(
            "CASE WHEN m.global_position <= {last} THEN least(greatest({time}, {first_time}), "
            "{last_time}) ELSE {time} END"
        ).format(
            time=self._time,
            **{name: sql.Literal(value) for name, value in vars(clamp).items()},
        )

    def first(self) -> tuple[int, UUID] | None:
        """The first message's global position and id."""
        found = self.rows("source_first")
        return (found[0][0], UUID(str(found[0][1]))) if found else None

    def last(self) -> int:
        """The greatest global position that is visible; 0 where there is none."""
        last: int = self.rows("source_last")[0][0]
        return last

    def id_at(self, global_position: int) -> UUID | None:
        found = self.rows("source_at", [global_position])
        return UUID(str(found[0][0])) if found else None

    def size(self) -> int:
        table, indexes = self.rows("source_bytes", [self.oid])[0]
        return int(table + indexes)

    def chunks(self, interval: timedelta, bounded: sql.Composable) -> list[TupleRow]:
        seconds = sql.Literal(interval.total_seconds())
        return self.rows("source_chunks", seconds=seconds, bounded=bounded)

    def outside(self, lowest: datetime, highest: datetime) -> Outside | None:
        """The messages whose times are not between these."""
        row = self.rows("source_outside", lowest=sql.Literal(lowest), highest=sql.Literal(highest))[
            0
        ]
        return Outside(row[0], row[1], str(row[2]), str(row[3])) if row[0] else None

    def check_unique(self) -> None:
        """Refuse a source that repeats what identifies a message. One with Message DB's indexes
        costs no look.

        Raises:
            InvalidInput
        """
        for columns, name, what in (
            (("global_position",), "source_repeated_global_positions", "global position"),
            (("id",), "source_repeated_ids", "id"),
            (("stream_name", "position"), "source_repeated_positions", "stream and position"),
        ):
            if self.is_unique(*columns):
                continue
            found = self.rows(name)
            if found:
                raise InvalidInput(
                    f"{found[0][1]} messages of the source have one {what}: {found[0][0]}",
                    hint="A store has each once. Take out what was written twice, and run again.",
                )

    def bound(self, after: int, last: int, rows: int) -> tuple[int, int | None]:
        """Of the next messages, at most that many: how many they are, and where the last one is."""
        count, bound = self.rows("source_bound", after=after, last=last, rows=rows)[0]
        return count, bound

    def copy(
        self, after: int, last: int, bounded: sql.Composable, write: Callable[[bytes], None]
    ) -> None:
        """Give the messages between two positions in PostgreSQL's binary form, in their order."""
        correlation = sql.SQL(
            "m.metadata ->> 'correlationStreamName'"
            if self._types["metadata"] == "jsonb"
            else "m.metadata::jsonb ->> 'correlationStreamName'"
        )
        statement = self.statement(
            "source_rows",
            after=after,
            last=last,
            bounded=bounded,
            correlation=correlation,
            **self._texts(),
        )
        with self._patient(), self.connection.cursor().copy(statement) as rows:
            while block := rows.read():
                write(bytes(block))

    def digests(self, after: int, last: int, bounded: sql.Composable) -> list[TupleRow]:
        """By stream, how many messages are between two positions, and the sums of their hashes."""
        return self.rows("source_digests", after=after, last=last, bounded=bounded, **self._texts())

    def _texts(self) -> dict[str, sql.Composable]:
        return {
            "data": self._json("data"),
            "metadata": self._json("metadata"),
            "id": sql.SQL("m.id" if self._types["id"] == "uuid" else "m.id::uuid"),
        }

    def _json(self, name: str) -> sql.Composable:
        """The text of jsonb, which is what a store keeps."""
        cast = "" if self._types[name] == "jsonb" else "::jsonb"
        return sql.SQL("{}" + cast + "::text").format(sql.Identifier("m", name))

    def take_back(self, blocks: Iterable[bytes], last: int) -> int:
        """Write messages of the store, in PostgreSQL's binary form, all up to a position; gives
        how many. They and the sequence are there together or not at all."""
        types = self._types
        with self.lost(), self.connection.transaction():
            self.connection.execute("SELECT set_config('coldstream.copying_back', 'on', true)")
            self.connection.execute(query("make_returning", self.schema).encode())
            fill = query("fill_returning", self.schema).encode()
            with self.connection.cursor() as cursor, cursor.copy(fill) as rows:
                for block in blocks:
                    rows.write(block)
            statement = self.statement(
                "return_messages",
                returned_time=self._returned,
                json=sql.SQL(types["data"]),
                metadata=sql.SQL(types["metadata"]),
                uuid=sql.SQL(types["id"]),
            )
            [(count,)] = self.connection.execute(statement).fetchall()
            self.connection.execute(
                self.statement("lift_source_sequence", relation=self._relation, last=last)
            )
        return int(count)

    def frontier(self, wait: Callable[[int], None] | None = None) -> int:
        """The global position up to which nothing can appear any more.

        A writer draws its position before it commits, and others that drew later ones may commit
        first. It takes the lock of an INSERT on the table before it draws, and keeps it to its end.
        So: the greatest position that is visible; then every transaction that holds such a lock;
        once none of these is left, whatever was drawn up to that position is visible, or gone. The
        locks are for everybody to see: pg_locks needs no right. ``wait`` is called every few
        seconds, with how many writers are waited for.

        Raises:
            Unavailable: the source is a standby, or gets its messages from another database by
                logical replication: the locks of writers are not there.
            InvalidInput: its positions are not drawn in order.
        """
        if self.is_replica:
            raise Unavailable(
                "The source is a replica, and cannot tell which writers are at work",
                hint="Copy from the database that messages are written to.",
            )
        if self._cache > 1:
            raise InvalidInput(
                f"The sequence of the source's global positions has CACHE {self._cache}: a session "
                "that drew an early one may use it late",
                hint="ALTER SEQUENCE ... CACHE 1, and let the sessions of its writers end.",
            )
        last = self.last()
        writers = self._writers()
        said = time.monotonic()
        while writers:
            if wait is not None and time.monotonic() - said >= _SAY:
                said = time.monotonic()
                wait(len(writers))
            time.sleep(_PAUSE)
            now = set(self._writers())
            writers = [each for each in writers if each in now]
        return last

    def last_given(self) -> int | None:
        """The last global position that the source handed out; ``None`` where that is not shown."""
        last: int | None = self.rows("source_sequence", relation=self._relation)[0][0]
        return last

    def is_moved(self) -> bool:
        """Whether it refuses writes."""
        return bool(self.rows("source_rights", [self.oid])[0][2])

    def check_may_refuse(self) -> None:
        """
        Raises:
            SetupError: this role cannot make the source refuse writes.
        """
        may_trigger, may_create, is_moved, _ = self.rows("source_rights", [self.oid])[0]
        if not is_moved and not (may_trigger and may_create):
            raise SetupError(
                f"No right to make {self.name} refuse writes",
                hint="Connect to the source as the owner of its table messages: it takes a trigger "
                "on it, and a function in its schema.",
            )

    def refuse_writes(self, wait: str) -> None:
        """Make it refuse writes; those at work are waited for, as long as was said at most.

        Raises:
            LifecycleBusy: a writer has not ended; nothing was changed.
        """
        if self.is_moved():
            return
        with self.lost(), self.connection.transaction():
            self.connection.execute(query("set_lock_timeout", self.schema).encode(), [wait])
            self.connection.execute(self.statement("refuse_source_writes", function=self._function))

    def allow_writes(self) -> None:
        """Take that back."""
        with self.lost(), self.connection.transaction():
            self.connection.execute(self.statement("allow_source_writes", function=self._function))

    @property
    def _function(self) -> sql.Composable:
        return sql.Identifier(self.schema, "coldstream_moved")

    @property
    def _relation(self) -> sql.Composable:
        return sql.Literal(self.table.as_string(self.connection))

    def _writers(self) -> list[str]:
        return [row[0] for row in self.rows("source_writers", [self.oid])]


def _time_of(type: str, default: str | None, zone: str) -> tuple[sql.Composable, sql.Composable]:
    """A message's time as an instant, and an instant as the source's column has it. Message DB
    keeps the wall time of UTC: in a column without a time zone as it is, and in one with a zone as
    if it were the zone's of the session."""
    if type == "timestamp without time zone":
        return sql.SQL("(m.time AT TIME ZONE 'UTC')"), sql.SQL("(r.time AT TIME ZONE 'UTC')")
    if default is not None and "AT TIME ZONE 'utc'" in default and zone.upper() not in _UTC:
        given = sql.Literal(zone)
        return (
            sql.SQL("((m.time AT TIME ZONE {}) AT TIME ZONE 'UTC')").format(given),
            sql.SQL("((r.time AT TIME ZONE 'UTC') AT TIME ZONE {})").format(given),
        )
    return sql.SQL("m.time"), sql.SQL("r.time")


_UTC = ("UTC", "ETC/UTC", "GMT", "UCT", "ZULU", "ETC/UCT", "GMT0", "ETC/GMT", "UNIVERSAL")
