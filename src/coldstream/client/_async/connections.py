"""The connections of a store: a pool, opened when it is first needed."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from coldstream.client._errors import cannot_connect, mapped, not_installed
from coldstream.sql import query

# The pool logs every failed attempt, and psycopg what goes wrong after an error; the caller gets
# the error itself. Who has set logging up sees them all the same.
logging.getLogger("psycopg").addHandler(logging.NullHandler())


class AsyncConnections:
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
        self._pool: AsyncConnectionPool[AsyncConnection[TupleRow]] | None = None

    async def open(self) -> None:
        """Connect once, look at the store, then fill the pool in the background.

        Raises:
            Unavailable: no connection.
            NotInstalled: no store in the schema.
        """
        if self._pool is not None:
            return
        # A direct connection first, because the pool would only say that it timed out.
        try:
            connection = await AsyncConnection.connect(self.dsn, **self._arguments)
        except (psycopg.OperationalError, psycopg.ProgrammingError) as error:
            raise cannot_connect(error) from error
        try:
            with mapped(self.schema):
                cursor = await connection.execute(
                    query("check_store", self.schema).encode(), [f"{self.schema}.migrations"]
                )
                row = await cursor.fetchone()
        finally:
            await connection.close()
        assert row is not None
        installed, one_connection = row
        if not installed:
            raise not_installed(self.schema)
        if one_connection:
            self.max_size = 1
        self._pool = AsyncConnectionPool(
            self.dsn,
            kwargs=self._arguments,
            min_size=0 if self.max_size == 1 else 1,
            max_size=self.max_size,
            timeout=self.timeout,
            open=False,
        )
        await self._pool.open()

    async def close(self) -> None:
        if self._pool is not None:
            pool, self._pool = self._pool, None
            await pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[TupleRow]]:
        """A connection for the caller alone, in autocommit mode; errors come out as ours."""
        await self.open()
        assert self._pool is not None
        with mapped(self.schema):
            async with self._pool.connection() as connection:
                yield connection

    async def rows(self, name: str, arguments: Any = ()) -> list[TupleRow]:
        """The rows of a named statement."""
        return await (await self.unread(name, arguments)).fetchall()

    async def unread(self, name: str, arguments: Any = ()) -> AsyncCursor[TupleRow]:
        """The same, as the server sent them: read from the cursor, which needs no connection for
        that. The connection is free for the next statement meanwhile."""
        async with self.connection() as connection:
            return await connection.execute(query(name, self.schema).encode(), arguments)
