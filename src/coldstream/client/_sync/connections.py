# Generated from src/coldstream/client/_async/connections.py by `python tools/async_to_sync.py`.
# Do not edit: change the source and run the command (or `make generate`) again.

"""The connections of a store: a pool, opened when it is first needed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool

from coldstream.client._errors import cannot_connect, mapped, not_installed
from coldstream.sql import query

# The pool logs every failed attempt, and psycopg what goes wrong after an error; the caller gets
# the error itself. Who has set logging up sees them all the same.
logging.getLogger("psycopg").addHandler(logging.NullHandler())


class Connections:
    """A pool of autocommit connections that keep no state between calls.

    So it works through pgbouncer in transaction mode: no ``SET``, no session locks, and no
    prepared statements unless ``prepare_threshold`` asks for them.
    """

    def __init__(
        self,
        dsn: str,
        schema: str,
        *,
        max_size: int = 10,
        timeout: float = 10.0,
        prepare_threshold: int | None = None,
    ) -> None:
        self.dsn = dsn
        self.schema = schema
        self.max_size = max_size
        self.timeout = timeout
        self._arguments: dict[str, Any] = {
            "autocommit": True,
            "prepare_threshold": prepare_threshold,
            "client_encoding": "utf8",
            "application_name": "coldstream",
            "connect_timeout": max(2, round(timeout)),
        }
        self._pool: ConnectionPool[Connection[TupleRow]] | None = None

    def open(self) -> None:
        """Connect once, look at the store, then fill the pool in the background.

        Raises:
            Unavailable: no connection.
            NotInstalled: no store in the schema.
        """
        if self._pool is not None:
            return
        # A direct connection first, because the pool would only say that it timed out.
        try:
            connection = Connection.connect(self.dsn, **self._arguments)
        except (psycopg.OperationalError, psycopg.ProgrammingError) as error:
            raise cannot_connect(error) from error
        try:
            with mapped(self.schema):
                cursor = connection.execute(
                    query("check_store", self.schema).encode(), [f"{self.schema}.migrations"]
                )
                row = cursor.fetchone()
        finally:
            connection.close()
        assert row is not None
        installed, one_connection = row
        if not installed:
            raise not_installed(self.schema)
        if one_connection:
            self.max_size = 1
        self._pool = ConnectionPool(
            self.dsn,
            kwargs=self._arguments,
            min_size=0 if self.max_size == 1 else 1,
            max_size=self.max_size,
            timeout=self.timeout,
            open=False,
        )
        self._pool.open()

    def close(self) -> None:
        if self._pool is not None:
            pool, self._pool = self._pool, None
            pool.close()

    @contextmanager
    def connection(self) -> Iterator[Connection[TupleRow]]:
        """A connection for the caller alone, in autocommit mode; errors come out as ours."""
        self.open()
        assert self._pool is not None
        with mapped(self.schema):
            with self._pool.connection() as connection:
                yield connection

    def rows(self, name: str, arguments: Any = ()) -> list[TupleRow]:
        """The rows of a named statement."""
        return (self.unread(name, arguments)).fetchall()

    def unread(self, name: str, arguments: Any = ()) -> Cursor[TupleRow]:
        """The same, as the server sent them: read from the cursor, which needs no connection for
        that. The connection is free for the next statement meanwhile."""
        with self.connection() as connection:
            return connection.execute(query(name, self.schema).encode(), arguments)
