"""A chunk's rows in the archive's order, read as fast as this machine can.

ADBC gives them as Arrow, on a connection of its own. Where that cannot be had (the library is not
installed, the server takes no second connection) they come through the session's, row by row: the
same rows, in the same order, at a third of the speed.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing
from itertools import islice
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa
from psycopg import sql

from coldstream.archive.format.rows import COLUMNS, Batch
from coldstream.client.connect import private_dsn
from coldstream.client.errors import mapped
from coldstream.errors import Unavailable
from coldstream.lifecycle.chunk import Chunk
from coldstream.lifecycle.session import Session
from coldstream.sql import query

if TYPE_CHECKING:
    from adbc_driver_postgresql.dbapi import Connection

_TYPES = ["int8", "int8", "timestamptz", "text", "text", "text", "text", "uuid", "text"]
_BATCH_ROWS = 2000
_BATCH_BYTES = 1024 * 1024


class ChunkRows:
    """The rows of one chunk after the other. ``dsn`` is the one the session was opened with. A
    context manager: its own connection is closed when it ends.

    That connection is opened for the first chunk and kept: on connecting, ADBC asks the server for
    every type it has, a type a table among them, which takes the longer the more chunks there are.
    """

    def __init__(self, session: Session, dsn: str) -> None:
        self._session = session
        self._dsn = dsn
        self._connection: Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def of(self, chunk: Chunk) -> Iterator[Batch]:
        """The chunk's rows, a batch at a time.

        Nothing is opened before the first batch is asked for: it would stay open where none is.

        Through the hypertable and a range of time: a compressed chunk, asked for by its own name,
        gives no rows and no error.

        Raises:
            Unavailable: a connection was lost.
        """
        statement = sql.SQL(query("export_rows", self._session.schema)).format(
            range_start=sql.Literal(chunk.range_start), range_end=sql.Literal(chunk.range_end)
        )
        rows = self._begun(statement.as_string(self._session.connection))
        if rows is None:
            yield from _row_by_row(self._session, statement)
            return
        first, others = rows
        try:
            with closing(others):
                yield from first
                yield from others
        except BaseException:
            # In the middle of an answer it is of no more use.
            self.close()
            raise

    def _begun(self, statement: str) -> tuple[list[Batch], Generator[Batch]] | None:
        """The first batch of an answer, and the others."""
        kept = self._connection is not None
        if self._connection is None:
            self._connection = _second_connection(self._session, self._dsn)
            if self._connection is None:
                return None
        rows = _as_arrow(self._connection, statement)
        try:
            return list(islice(rows, 1)), rows
        except Unavailable:
            self.close()
            if not kept:
                raise
            # It was idle since the last chunk, and may have been closed meanwhile.
            return self._begun(statement)


def _second_connection(session: Session, dsn: str) -> Connection | None:
    """A connection of ADBC to the session's server, or ``None``."""
    try:
        from adbc_driver_postgresql import dbapi
    except ImportError:
        return None
    address = private_dsn(dsn)
    try:
        connection = dbapi.connect(address, autocommit=True)
    except dbapi.Error:
        return None
    with ExitStack() as stack:
        stack.callback(connection.close)
        # A DSN may name several servers: another one may not have these rows, or have them as they
        # were.
        with connection.cursor() as cursor:
            cursor.execute(query("server_identity", session.schema))
            if cursor.fetchone() != session.one("server_identity"):
                return None
            # A session of its own: what the database or the role sets must hide no rows from it.
            cursor.execute(query("lifecycle_settings", session.schema).replace("%s", "false"))
            cursor.fetchall()
        stack.pop_all()
    return connection


def _as_arrow(connection: Connection, statement: str) -> Generator[Batch]:
    from adbc_driver_postgresql import StatementOptions, dbapi

    options = {StatementOptions.BATCH_SIZE_HINT_BYTES.value: str(_BATCH_BYTES)}
    with connection.cursor(adbc_stmt_kwargs=options) as cursor:
        try:
            cursor.execute(statement)
            reader = cursor.fetch_record_batch()
            batch = next(reader, None)
        except (dbapi.Error, OSError, pa.ArrowException) as error:
            raise _unavailable(error) from error
        while batch is not None:
            yield pa.record_batch(batch.columns, names=list(COLUMNS))
            try:
                batch = next(reader, None)
            except (dbapi.Error, OSError, pa.ArrowException) as error:
                raise _unavailable(error) from error


def _unavailable(error: Exception) -> Unavailable:
    text = " ".join(str(error).split())
    return Unavailable(
        f"The rows of a chunk could not be read: {text}",
        hint="Run it again: nothing was archived of this chunk.",
    )


def _row_by_row(session: Session, statement: sql.Composed) -> Iterator[Batch]:
    batch: list[Any] = []
    copy_out = sql.SQL("COPY ({}) TO STDOUT (FORMAT binary)").format(statement)
    with (
        mapped(session.schema),
        session.connection.cursor() as cursor,
        cursor.copy(copy_out) as copy,
    ):
        copy.set_types(_TYPES)
        for row in copy.rows():
            batch.append(row)
            if len(batch) == _BATCH_ROWS:
                yield batch
                batch = []
    if batch:
        yield batch
