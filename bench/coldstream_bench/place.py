"""Where the benchmark happens: schemas and a folder of its own, of which nothing is left."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import simplejson
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from coldstream.errors import ColdstreamError, MissingExtension, UnsupportedEdition
from coldstream.migrations.connection import direct_connection
from coldstream.sql import Names
from coldstream_bench.sql import query

# A server's lock table is small, and dropping a chunk locks it with all its indexes.
_DROPPED_AT_ONCE = 20


@dataclass(frozen=True)
class Server:
    """What is measured on. ``settings``: those that decide what is measured, by name."""

    postgresql: str
    timescaledb: str
    timescaledb_schema: str
    embedded: bool
    settings: dict[str, str]
    superuser: bool


@dataclass
class Place:
    """A database to make schemas in. ``folder`` is for archives and files. ``keep``: nothing is
    dropped. ``archive``: a URL that the user named, below which an archive may be made."""

    dsn: str
    server: Server
    folder: Path
    prefix: str
    keep: bool = False
    archive: str | None = None
    archive_options: dict[str, str] = field(default_factory=dict)
    schemas: list[str] = field(default_factory=list)

    @property
    def role(self) -> str:
        """The application role of every store that is made here."""
        return self.prefix

    @contextmanager
    def connection(self) -> Iterator[Connection[TupleRow]]:
        """A connection in autocommit mode. On an embedded server there is only one at a time."""
        with direct_connection(self.dsn, self.prefix) as connection:
            connection.execute("SET client_min_messages = warning")
            yield connection

    def schema(self, name: str) -> str:
        """The name of a schema that goes at the end; the caller makes it."""
        schema = f"{self.prefix}_{name}"
        self.schemas.append(schema)
        return schema

    def drop(self, schemas: list[str]) -> None:
        """Drop schemas with all that is in them, a few chunks in a transaction."""
        if self.keep:
            return
        with self.connection() as connection:
            for schema in schemas:
                _drop(connection, schema, self.server)
                self.schemas.remove(schema)


@contextmanager
def prepared(
    dsn: str,
    *,
    keep: bool,
    progress: Callable[[str], None],
    archive: str | None = None,
    archive_options: dict[str, str] | None = None,
) -> Iterator[Place]:
    """A place for one run. Everything in it goes when the body ends, however it ends; with ``keep``
    the schemas stay.

    Raises:
        MissingExtension, UnsupportedEdition: the server has no columnstore.
        Unavailable: no connection.
    """
    server = look_at(dsn)
    prefix = f"bench_{secrets.token_hex(3)}"
    with tempfile.TemporaryDirectory(prefix="coldstream-bench-") as folder:
        place = Place(dsn, server, Path(folder), prefix, keep, archive, archive_options or {})
        try:
            yield place
        finally:
            if keep:
                progress(f"kept: schemas {prefix}_*")
            else:
                progress(f"dropping schemas {prefix}_*")
                try:
                    _clean_up(place)
                except BaseException:
                    # An interrupt of the impatient, or a server that has gone.
                    progress(f"left behind: {', '.join(place.schemas)}")
                    raise


def _clean_up(place: Place) -> None:
    place.drop(list(place.schemas))
    roles = [place.role, *(Names(schema).inserter_name for schema in place.schemas)]
    with place.connection() as connection:
        for role in roles:
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))


def _drop(connection: Connection[Any], schema: str, server: Server) -> None:
    name = sql.Identifier(schema)
    chunks = connection.execute(query("chunks_of").encode(), [schema]).fetchall()
    timescaledb = sql.Identifier(server.timescaledb_schema)
    for start in range(0, len(chunks) - _DROPPED_AT_ONCE, _DROPPED_AT_ONCE):
        end = chunks[start + _DROPPED_AT_ONCE - 1][2]
        connection.execute(
            # By age, because a hypertable may have its time with or without a zone.
            sql.SQL("SELECT {}.drop_chunks({}, older_than => now() - {}::timestamptz)").format(
                timescaledb, sql.Literal(f"{schema}.messages"), sql.Literal(end)
            )
        )
    # First the hypertable: DROP SCHEMA would leave the tables of its compressed chunks.
    connection.execute(sql.SQL("DROP TABLE IF EXISTS {}.messages CASCADE").format(name))
    connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(name))


def look_at(dsn: str) -> Server:
    """What the server is.

    Raises:
        MissingExtension: no TimescaleDB in the database.
        UnsupportedEdition: it has no columnstore.
    """
    with direct_connection(dsn, "bench") as connection:
        row = connection.execute(query("server").encode()).fetchone()
        assert row is not None
        postgresql, timescaledb, schema, embedded, settings, superuser = row
        if timescaledb is None:
            raise MissingExtension(
                "The database has no TimescaleDB, and the benchmark compares with it",
                hint="Run CREATE EXTENSION timescaledb in a database of its own for the benchmark.",
            )
        if not _has_columnstore(connection, schema):
            raise UnsupportedEdition(
                "The server has TimescaleDB's Apache edition: no columnstore to measure",
                hint="Measure on a server with the community edition.",
            )
    return Server(
        postgresql.split()[0], timescaledb, schema, embedded, simplejson.loads(settings), superuser
    )


def _has_columnstore(connection: Connection[Any], schema: str) -> bool:
    # Tried, because a client can fake the setting timescaledb.license: see has_columnstore.sql.
    try:
        connection.execute(
            sql.SQL("SELECT {}.compress_chunk(0::oid::regclass)").format(sql.Identifier(schema))
        )
    except psycopg.errors.FeatureNotSupported:
        return False
    except (psycopg.Error, ColdstreamError):
        return True
    return True


def machine() -> dict[str, Any]:
    """The client's machine, which is the server's only where both are one: CPU, cores, memory."""
    import platform

    return {
        "cpu": _cpu_model() or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory_bytes": _memory(),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def _cpu_model() -> str | None:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return None


def _memory() -> int | None:
    with suppress(ValueError, OSError, AttributeError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return None
