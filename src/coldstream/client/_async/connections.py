"""The connections of a store: a pool, from when the store is opened until it is closed."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakSet

import psycopg
from psycopg import AsyncConnection, AsyncCursor
from psycopg.adapt import AdaptersMap
from psycopg.rows import TupleRow, tuple_row
from psycopg_pool import AsyncConnectionPool

from coldstream import tracing
from coldstream._forks import after_fork, leave
from coldstream.client._sockets import readable
from coldstream.client.adapters import OWN
from coldstream.client.concurrency import AsyncLock, current_loop
from coldstream.client.connect import parameters, refuses_options, settle_async
from coldstream.client.errors import (
    cannot_connect,
    in_another_loop,
    is_read_only,
    mapped,
    not_installed,
    not_open,
    renamed,
)
from coldstream.client.whose import AsyncOwnConnection, AsyncUnitInHand, mark, server_of
from coldstream.errors import Unavailable
from coldstream.sql import query

# The pool logs every failed attempt, and psycopg what goes wrong after an error; the caller gets
# the error itself. A program with logging set up sees them all the same.
logging.getLogger("psycopg").addHandler(logging.NullHandler())

# Seconds until a pool that was renewed because its server takes no writes may be renewed again.
_RENEWED_FOR = 1.0


# What gives messages: a time, an id and positions cost either side less than as text.
_IN_BINARY = frozenset(
    {
        "category_page",
        "get_last_stream_message",
        "get_messages_in_database",
        "get_range_in_database",
        "get_stream_messages",
        "get_stream_messages_in_database",
        "last_message",
        "stream_page",
    }
)

# What gives megabytes while the program works on what came before. libpq takes in no more at once
# than its buffer holds, 16 kB until a row needs more, and each time the thread or the event loop
# has to come back to it: most would still be with the server, which waits, when the program asks
# for it. One large row makes the buffer of a connection a megabyte, for good.
_LARGE = frozenset({"get_range_in_database"})


class AsyncConnections:
    """A pool of autocommit connections that keep no state between calls.

    So it works through pgbouncer in transaction mode: there nothing is set that would stay with
    others, there are no session locks, and no prepared statements unless ``prepare_threshold``
    asks for them.

    A connection is in one of two states. Ours look for names in ``pg_catalog`` alone; one that is
    lent to the caller is as its DSN, role and database have it. Whatever it has set is undone
    before anybody else works with it.
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
        self.server = server_of(dsn)
        self._prepare_threshold = prepare_threshold
        # Whether the server takes one connection and no more, once that is known.
        self.takes_one = False
        self._pool: AsyncConnectionPool[AsyncOwnConnection[TupleRow]] | None = None
        # The event loop of the pool, in which alone it can be used; none for a sync one.
        self._loop: Any = None
        self.is_open = False
        # Whether a session is the caller's alone: not so through a pooler.
        self.is_direct = False
        self._renewed_at = 0.0
        # How often it has left a server that takes no writes.
        self.renewals = 0
        self._lent: WeakSet[AsyncOwnConnection[TupleRow]] = WeakSet()
        # Those whose buffer is large.
        self._roomy: WeakSet[AsyncConnection[TupleRow]] = WeakSet()
        self._lock = AsyncLock()
        after_fork(self)

    async def open(self) -> None:
        """Connect once, look at the store, then fill the pool in the background.

        Raises:
            Unavailable: no connection.
            InvalidInput: the DSN is none.
            NotInstalled: no store in the schema.
            StoreClosed: it is open in another event loop.
        """
        self._leave_closed_loop()
        await self._connect()
        self.is_open = True

    async def close(self) -> None:
        """
        Raises:
            StoreClosed: it is open in another event loop.
        """
        self._leave_closed_loop()
        self._check_loop()
        self.is_open = False
        await self.release()

    def check_open(self) -> None:
        """
        Raises:
            StoreClosed
        """
        if not self.is_open:
            raise not_open()

    async def release(self) -> None:
        """Give every connection up until the next one is asked for."""
        if self._pool is not None:
            pool, self._pool = self._pool, None
            await pool.close()

    def forked(self) -> None:
        """Called in a child process: its parent goes on with the connections, and has the threads
        that look after them. The child makes its own when it needs one."""
        leave(self._pool, *self._lent)
        self._forget()

    def _forget(self) -> None:
        self._lent = WeakSet()
        self._lock = AsyncLock()
        self._pool = None

    def _leave_closed_loop(self) -> None:
        """Of a pool whose event loop has ended nothing is at work any more."""
        if self._pool is not None and self._loop is not None and self._loop.is_closed():
            self._forget()

    def _check_loop(self) -> None:
        if self._pool is not None and self._loop is not current_loop():
            raise in_another_loop()

    async def _connect(self) -> AsyncConnectionPool[AsyncOwnConnection[TupleRow]]:
        self._check_loop()
        async with self._lock:
            if self._pool is None:
                self._loop = current_loop()
                self._pool = await self._new_pool()
            return self._pool

    async def _new_pool(self) -> AsyncConnectionPool[AsyncOwnConnection[TupleRow]]:
        # A direct connection first, because the pool would only say that it timed out.
        try:
            try:
                connection = await self._new_connection(options=True)
            except psycopg.OperationalError as error:
                if not refuses_options(error):
                    raise
                connection = await self._new_connection(options=False)
        except psycopg.Error as error:
            unreachable = cannot_connect(error)
            mark(unreachable, self.server)
            raise unreachable from None
        try:
            with mapped(self.schema):
                cursor = await connection.execute(
                    query("check_store", self.schema).encode(), {"schema": self.schema}
                )
                row = await cursor.fetchone()
                assert row is not None
                installed, one_connection, self.is_direct, made_in, is_in = row
                if not installed:
                    raise not_installed(self.schema, renamed_to=is_in)
                if made_in not in (None, self.schema):
                    raise renamed(self.schema, made_in)
                await connection.execute(query("check_opened", self.schema).encode())
        finally:
            await connection.close()
        if one_connection:
            self.takes_one = True
            self.max_size = 1
        pool = AsyncConnectionPool(
            self.dsn,
            connection_class=AsyncOwnConnection[TupleRow],
            kwargs=self._arguments(options=self.is_direct),
            min_size=0 if self.max_size == 1 else 1,
            max_size=self.max_size,
            timeout=self.timeout,
            configure=self._settle,
            open=False,
        )
        await pool.open()
        return pool

    async def _new_connection(self, *, options: bool) -> AsyncConnection[TupleRow]:
        return await AsyncConnection.connect(self.dsn, **self._arguments(options=options))

    def _arguments(self, *, options: bool) -> dict[str, Any]:
        return {
            "autocommit": True,
            "context": OWN,
            "prepare_threshold": self._prepare_threshold,
            **parameters(self.dsn, timeout=self.timeout, options=options),
        }

    async def _settle(self, connection: AsyncOwnConnection[TupleRow]) -> None:
        connection.server = self.server
        await settle_async(connection, self.schema)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[TupleRow]]:
        """A connection of ours, in autocommit mode; errors come out as ours.

        Raises:
            StoreClosed: the store is not open, or in another event loop.
        """
        async with self._taken() as connection:
            if connection in self._lent:
                await self._reclaim(connection)
                self._lent.discard(connection)
            yield connection

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[AsyncConnection[TupleRow]]:
        """A connection for the caller's own SQL, in autocommit mode; errors come out as ours.

        Raises:
            StoreClosed: the store is not open.
        """
        async with self._taken(ours=False) as connection:
            if connection in self._lent:
                await self._tidy(connection)
            self._lent.add(connection)
            connection.callers = AdaptersMap(psycopg.adapters)
            if self.is_direct:
                await self._as_the_callers(connection)
            yield connection

    @asynccontextmanager
    async def _taken(self, *, ours: bool = True) -> AsyncIterator[AsyncOwnConnection[TupleRow]]:
        self.check_open()
        self._check_loop()
        if (unit := AsyncUnitInHand.get()) is not None:
            await unit.check(self, None)
        pool = self._pool or await self._connect()
        try:
            with mapped(self.schema, ours=ours):
                connection = await self._alive(pool)
                try:
                    async with connection:
                        yield connection
                finally:
                    await pool.putconn(connection)
        except Unavailable as error:
            if is_read_only(error):
                await self._renew(pool)
            raise

    async def _alive(
        self, pool: AsyncConnectionPool[AsyncOwnConnection[TupleRow]]
    ) -> AsyncOwnConnection[TupleRow]:
        """A connection that the server has not ended while it was idle. There is nothing to be
        read from one that is in order, so mostly this asks the system and not the server."""
        try:
            connection = await pool.getconn()
        except psycopg.Error as error:
            mark(error, self.server)
            raise
        for _ in range(self.max_size):
            if not readable(connection):
                break
            try:
                await connection.execute(b"")
                break
            except psycopg.Error:
                await connection.close()
                await pool.putconn(connection)
                connection = await pool.getconn()
        return connection

    async def _as_the_callers(self, connection: AsyncConnection[TupleRow]) -> None:
        # Two commands in one round trip: no statement that could be prepared.
        await connection.execute(query("caller_session", self.schema).encode(), prepare=False)

    async def _reclaim(self, connection: AsyncOwnConnection[TupleRow]) -> None:
        await self._tidy(connection)
        connection.callers = None
        if self.is_direct:
            await self._as_the_callers(connection)
            await settle_async(connection, self.schema)

    async def _tidy(self, connection: AsyncConnection[TupleRow]) -> None:
        """Undo what a caller did to the connection object; what he did to the session undoes the
        statement that makes it the next caller's."""
        if not connection.autocommit:
            await connection.set_autocommit(True)
        await connection.set_isolation_level(None)
        await connection.set_read_only(None)
        await connection.set_deferrable(None)
        connection.row_factory = tuple_row
        connection.cursor_factory = AsyncCursor
        connection.prepare_threshold = self._prepare_threshold

    async def _renew(self, pool: AsyncConnectionPool[AsyncOwnConnection[TupleRow]]) -> None:
        """Leave a server that takes no writes: what connects now goes where the DSN says that it
        should, which may be another one since."""
        if time.monotonic() - self._renewed_at > _RENEWED_FOR:
            self._renewed_at = time.monotonic()
            self.renewals += 1
            await pool.drain()

    async def rows(self, name: str, arguments: Any = ()) -> list[TupleRow]:
        """The rows of a named statement."""
        return await self.fetch(await self.unread(name, arguments))

    async def unread(self, name: str, arguments: Any = ()) -> AsyncCursor[TupleRow]:
        """The same, as the server sent them: read from the cursor with ``fetch``, which needs no
        connection for that. The connection is free for the next statement meanwhile."""
        renewed_at = self._renewed_at
        try:
            return await self._execute(name, arguments)
        except Unavailable as error:
            # A server that takes no writes has not written.
            if not is_read_only(error) or self._renewed_at == renewed_at:
                raise
        return await self._execute(name, arguments)

    async def _execute(self, name: str, arguments: Any) -> AsyncCursor[TupleRow]:
        if (unit := AsyncUnitInHand.get()) is not None:
            await unit.check(self, name, arguments)
        with tracing.statement(name, self.schema):
            return await self._execute_over_one(name, arguments)

    async def _execute_over_one(self, name: str, arguments: Any) -> AsyncCursor[TupleRow]:
        async with self.connection() as connection:
            if name in _LARGE and connection not in self._roomy:
                await connection.execute(query("large_row", self.schema).encode())
                self._roomy.add(connection)
            return await connection.execute(
                query(name, self.schema).encode(), arguments, binary=name in _IN_BINARY
            )

    async def fetch(self, cursor: AsyncCursor[TupleRow], size: int | None = None) -> list[TupleRow]:
        """Rows of a cursor: all, or ``size`` at most. Errors come out as ours: what the server sent
        is understood only now."""
        with mapped(self.schema):
            return await (cursor.fetchall() if size is None else cursor.fetchmany(size))
