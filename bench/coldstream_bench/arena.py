"""A store, a plain table and, where asked for, a hypertable without heads, with the same
messages."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from psycopg import Connection, sql

import coldstream
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.errors import ColdstreamError
from coldstream.migrations import Settings, install
from coldstream.sql import Names
from coldstream.sql import query as store_query
from coldstream.store import Store
from coldstream_bench.contenders import COLDSTREAM, PLAIN, SEED, Contender
from coldstream_bench.place import Place
from coldstream_bench.sql import files, query
from coldstream_bench.workload import Event, Source

# Rows in one INSERT where the server has no COPY, and chunks filled in one transaction: each chunk
# that is written to locks its indexes too, and the server's lock table is small.
_INSERTED_AT_ONCE = 500
_FILLED_AT_ONCE = 10
_REPORTED_AT_ONCE = 10_000
# What a store has beside its messages, and grows with them.
_BESIDE = (
    "streams",
    "recent_ids",
    "stream_marks",
    "chunks",
    "chunk_categories",
    "archive_files",
)


@dataclass
class Arena:
    """The contenders over one set of messages. History ends before now, in whole chunks.

    ``in_archive``: what leaves goes to the archive that the user named, if there is one, and
    otherwise to a folder, as that of all other arenas."""

    place: Place
    name: str
    chunk_interval: timedelta
    store: Contender
    plain: Contender
    seed: Contender | None
    start: datetime
    end: datetime
    messages: int = 0
    in_archive: bool = False

    @property
    def contenders(self) -> list[Contender]:
        return [c for c in (self.store, self.plain, self.seed) if c is not None]

    @property
    def archive_url(self) -> str:
        if self._named is not None:
            return f"{self._named.rstrip('/')}/{self.place.prefix}_{self.name}"
        return (self.place.folder / self.name).as_uri()

    @property
    def archive_options(self) -> dict[str, str]:
        """The object store's, as the user gave them."""
        return self.place.archive_options if self._named is not None else {}

    @property
    def archive_kind(self) -> str:
        """What the archive is, for people."""
        scheme, separator, _ = self.archive_url.partition("://")
        return scheme if separator and scheme != "file" else "a folder"

    @property
    def _named(self) -> str | None:
        return self.place.archive if self.in_archive else None

    @property
    def chunks(self) -> int:
        """How many chunks history has."""
        return round((self.end - self.start) / self.chunk_interval)

    def query(self, name: str) -> bytes:
        """A named statement, with the schemas put in."""
        return _rendered(self, query(name)).encode()

    def rows(self, name: str, arguments: Any = None) -> list[Any]:
        """The rows of a named statement, on a connection of its own."""
        with self.place.connection() as connection:
            cursor = connection.execute(self.query(name), arguments)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def client(self, **options: Any) -> Iterator[Store]:
        """The Coldstream client. It prepares its statements, as every caller here does."""
        with coldstream.connect(
            self.place.dsn,
            schema=self.store.schema,
            archive=self.archive_url,
            archive_options=self.archive_options,
            prepare_threshold=0,
            **options,
        ) as store:
            yield store

    def fill(self, source: Source, count: int, progress: Callable[[int], None]) -> None:
        """Give every contender the same ``count`` messages, over all of history's chunks."""
        _copy(self, source.events(count, self.start, self.end), progress)
        with self.place.connection() as connection:
            connection.execute("SET timezone = 'UTC'")
            for statement in ("load_ids", "load_heads"):
                connection.execute(self.query(statement))
            for contender in self.contenders:
                text = query("set_sequence").replace("@extschema@", contender.schema)
                connection.execute(_rendered(self, text).encode())
            for start, end in self._pieces():
                between = {"start": start, "end": end}
                connection.execute(self.query("load_store"), between)
                # The ledger: exact ranges from the data, as the hourly job of a store writes them,
                # and as it does a few chunks at a time.
                connection.execute(store_query("close_ended_chunks", self.store.schema).encode())
                if self.seed is not None:
                    connection.execute(self.query("load_seed"), between)
        self.messages += count
        self.settle()

    def _pieces(self) -> Iterator[tuple[datetime, datetime]]:
        step = _FILLED_AT_ONCE * self.chunk_interval
        start = self.start
        while start < self.end:
            yield start, min(start + step, self.end)
            start += step

    def settle(self) -> None:
        """Vacuum and analyze all of them alike, and let a checkpoint not fall into a round."""
        with self.place.connection() as connection:
            for contender in self.contenders:
                connection.execute(f"VACUUM (ANALYZE) {contender.schema}.messages".encode())
            for table in _BESIDE:
                connection.execute(f"VACUUM (ANALYZE) {self.store.schema}.{table}".encode())
            if self.place.server.superuser:
                connection.execute("CHECKPOINT")

    def compress(self, until: datetime | None = None) -> None:
        """Move history that ended by ``until`` (all of it) into the columnstore, that of the
        hypertable without heads too."""
        until = until or self.end
        with self.client() as store:
            store.lifecycle.compress(until)
        if self.seed is not None:
            with self.place.connection() as connection:
                chunks = connection.execute(query("chunks_of").encode(), [self.seed.schema])
                for schema, name, end in chunks.fetchall():
                    if end <= until:
                        connection.execute(
                            f"SELECT {self.place.server.timescaledb_schema}.compress_chunk("
                            f"'{schema}.{name}', if_not_compressed => true)".encode()
                        )
        self.settle()

    def store_bytes(self) -> int:
        """All that the store occupies in the database."""
        ((others, hypertable),) = self.rows("store_bytes")
        return int(others + hypertable)

    def store_parts(self) -> dict[str, int]:
        """What :meth:`store_bytes` adds up from: the tables beside the messages, the columns of the
        columnstore as they are stored, and what is left: indexes, and gaps in pages."""
        parts = dict(self.rows("table_bytes"))
        with self.place.connection() as connection:
            for schema, table, columns in connection.execute(self.query("columnstores")):
                sums = sql.SQL(", ").join(
                    sql.SQL("coalesce(sum(pg_column_size({})), 0)").format(sql.Identifier(column))
                    for column in columns
                )
                found = connection.execute(
                    sql.SQL("SELECT {} FROM {}").format(sums, sql.Identifier(schema, table))
                ).fetchone()
                for column, size in zip(columns, found or (), strict=True):
                    part = "filters" if column.startswith("_ts_meta") else column
                    parts[part] = parts.get(part, 0) + int(size)
        parts["indexes, gaps"] = self.store_bytes() - sum(parts.values())
        return parts

    def plain_bytes(self) -> int:
        """All that the plain table occupies."""
        ((size,),) = self.rows("plain_bytes")
        return int(size)

    def seed_bytes(self) -> int:
        """All that the hypertable without heads occupies."""
        ((size,),) = self.rows("seed_bytes")
        return int(size)

    def archive(self) -> None:
        """Archive, verify and drop history; what is wrong with it is raised."""
        with self.client() as store:
            store.lifecycle.archive(self.end)
            for verification in store.lifecycle.verify():
                if verification.problem is not None:
                    raise verification.problem
            for drop in store.lifecycle.drop(self.end):
                if drop.reason is not None:
                    raise ColdstreamError(f"The chunk stays in the database: {drop.reason}")
        self.settle()

    def archive_bytes(self) -> int:
        """All files of the archive."""
        folder = self.place.folder / self.name
        return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

    def drop(self) -> None:
        """Make room: drop everything of it, objects in the user's archive too."""
        if self._named is not None and not self.place.keep:
            location = ArchiveLocation.open(self.archive_url, self.archive_options)
            for found in list(location.list()):
                location.delete(found.key)
            if (folder := location.local_path("")) is not None:
                shutil.rmtree(folder)
        self.place.drop([contender.schema for contender in self.contenders])


def make(
    place: Place,
    name: str,
    *,
    chunks: int,
    chunk_interval: timedelta = timedelta(days=7),
    seed: bool = False,
    in_archive: bool = False,
    compression: str | None = None,
) -> Arena:
    """An empty arena whose history has ``chunks`` chunks, the last of which ends before now."""
    now = datetime.now(UTC)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    end = epoch + (now - epoch) // chunk_interval * chunk_interval
    # The chunk of now is left alone: it is where the benchmark writes.
    arena = Arena(
        place,
        name,
        chunk_interval,
        Contender(COLDSTREAM, place.schema(name)),
        Contender(PLAIN, place.schema(f"{name}_plain")),
        Contender(SEED, place.schema(f"{name}_seed")) if seed else None,
        end - chunks * chunk_interval,
        end,
        in_archive=in_archive,
    )
    with place.connection() as connection:
        names = Names(arena.store.schema, place.role, place.server.timescaledb_schema)
        install(connection, names, Settings(chunk_interval=chunk_interval, compression=compression))
        # Jobs would compress and close in the middle of a round.
        connection.execute(store_query("delete_jobs", arena.store.schema).encode())
        for contender, folder in ((arena.plain, "plain"), (arena.seed, "seed")):
            if contender is None:
                continue
            connection.execute(f"CREATE SCHEMA {contender.schema}".encode())
            for text in (*files("names"), *files(folder), *files("functions")):
                text = text.replace("@extschema@", contender.schema)
                connection.execute(_rendered(arena, text).encode())
    return arena


def _rendered(arena: Arena, text: str) -> str:
    for token, value in (
        ("@store@", arena.store.schema),
        ("@plain@", arena.plain.schema),
        ("@seed@", arena.seed.schema if arena.seed else ""),
        ("@timescaledb@", arena.place.server.timescaledb_schema),
        ("@chunk_interval@", f"{arena.chunk_interval.total_seconds():.0f} seconds"),
    ):
        text = text.replace(token, value)
    return text


def _copy(arena: Arena, events: Iterator[Event], progress: Callable[[int], None]) -> None:
    with arena.place.connection() as connection:
        connection.execute("SET timezone = 'UTC'")
        if arena.place.server.embedded:
            while batch := list(islice(events, _INSERTED_AT_ONCE)):
                insert_plain(arena, connection, batch)
                progress(len(batch))
            return
        with connection.cursor() as cursor, cursor.copy(arena.query("copy_plain")) as copy:
            for number, row in enumerate(columns(events), 1):
                copy.write_row(row)
                if number % _REPORTED_AT_ONCE == 0:
                    progress(_REPORTED_AT_ONCE)
            progress(number % _REPORTED_AT_ONCE)


def insert_plain(arena: Arena, connection: Connection[Any], events: Sequence[Event]) -> None:
    """Events into the plain table, where the server takes no COPY from a client."""
    given = [list(column) for column in zip(*columns(events), strict=True)]
    connection.execute(arena.query("insert_plain"), given)


def columns(events: Iterable[Event]) -> Iterator[tuple[Any, ...]]:
    """What is given to the plain table, in the order of its statements."""
    for e in events:
        yield (e.id, e.stream_name, e.type, e.position, e.data, e.metadata, e.time)
