# Generated from src/coldstream/client/_async/connections.py by `python tools/async_to_sync.py`.
# Do not edit: change the source and run the command (or `make generate`) again.

"""The connections of a store: a pool, from when the store is opened until it is closed."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

import psycopg
from psycopg import Connection, Cursor
from psycopg.adapt import AdaptersMap
from psycopg.rows import TupleRow, tuple_row
from psycopg_pool import ConnectionPool

from coldstream import tracing
from coldstream._forks import after_fork, leave
from coldstream.client._sockets import readable
from coldstream.client.adapters import OWN
from coldstream.client.concurrency import Lock, current_loop_sync
from coldstream.client.connect import parameters, refuses_options, settle
from coldstream.client.errors import (
    cannot_connect,
    in_another_loop,
    is_read_only,
    mapped,
    not_installed,
    not_open,
    renamed,
)
from coldstream.client.whose import OwnConnection, UnitInHand, mark, server_of
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


class Connections:
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
        self._pool: ConnectionPool[OwnConnection[TupleRow]] | None = None
        # The event loop of the pool, in which alone it can be used; none for a sync one.
        self._loop: Any = None
        self.is_open = False
        # Whether a session is the caller's alone: not so through a pooler.
        self.is_direct = False
        self._renewed_at = 0.0
        # How often it has left a server that takes no writes.
        self.renewals = 0
        self._lent: WeakSet[OwnConnection[TupleRow]] = WeakSet()
        # Those whose buffer is large.
        self._roomy: WeakSet[Connection[TupleRow]] = WeakSet()
        self._lock = Lock()
        after_fork(self)

    def open(self) -> None:
        """Connect once, look at the store, then fill the pool in the background.

        Raises:
            Unavailable: no connection.
            InvalidInput: the DSN is none.
            NotInstalled: no store in the schema.
            StoreClosed: it is open in another event loop.
        """
        self._leave_closed_loop()
        self._connect()
        self.is_open = True

    def close(self) -> None:
        """
        Raises:
            StoreClosed: it is open in another event loop.
        """
        self._leave_closed_loop()
        self._check_loop()
        self.is_open = False
        self.release()

    def check_open(self) -> None:
        """
        Raises:
            StoreClosed
        """
        if not self.is_open:
            raise not_open()

    def release(self) -> None:
        """Give every connection up until the next one is asked for."""
        if self._pool is not None:
            pool, self._pool = self._pool, None
            pool.close()

    def forked(self) -> None:
        """Called in a child process: its parent goes on with the connections, and has the threads
        that look after them. The child makes its own when it needs one."""
        leave(self._pool, *self._lent)
        self._forget()

    def _forget(self) -> None:
        self._lent = WeakSet()
        self._lock = Lock()
        self._pool = None

    def _leave_closed_loop(self) -> None:
        """Of a pool whose event loop has ended nothing is at work any more."""
        if self._pool is not None and self._loop is not None and self._loop.is_closed():
            self._forget()

    def _check_loop(self) -> None:
        if self._pool is not None and self._loop is not current_loop_sync():
            raise in_another_loop()

    def _connect(self) -> ConnectionPool[OwnConnection[TupleRow]]:
        self._check_loop()
        with self._lock:
            if self._pool is None:
                self._loop = current_loop_sync()
                self._pool = self._new_pool()
            return self._pool

    def _new_pool(self) -> ConnectionPool[OwnConnection[TupleRow]]:
        # A direct connection first, because the pool would only say that it timed out.
        try:
            try:
                connection = self._new_connection(options=True)
            except psycopg.OperationalError as error:
                if not refuses_options(error):
                    raise
                connection = self._new_connection(options=False)
        except psycopg.Error as error:
            unreachable = cannot_connect(error)
            mark(unreachable, self.server)
            raise unreachable from None
        try:
            with mapped(self.schema):
                cursor = connection.execute(
                    query("check_store", self.schema).encode(), {"schema": self.schema}
                )
                row = cursor.fetchone()
                assert row is not None
                installed, one_connection, self.is_direct, made_in, is_in = row
                if not installed:
                    raise not_installed(self.schema, renamed_to=is_in)
                if made_in not in (None, self.schema):
                    raise renamed(self.schema, made_in)
                connection.execute(query("check_opened", self.schema).encode())
        finally:
            connection.close()
        if one_connection:
            self.takes_one = True
            self.max_size = 1
        pool = ConnectionPool(
            self.dsn,
            connection_class=OwnConnection[TupleRow],
            kwargs=self._arguments(options=self.is_direct),
            min_size=0 if self.max_size == 1 else 1,
            max_size=self.max_size,
            timeout=self.timeout,
            configure=self._settle,
            open=False,
        )
        pool.open()
        return pool

    def _new_connection(self, *, options: bool) -> Connection[TupleRow]:
        return Connection.connect(self.dsn, **self._arguments(options=options))

    def _arguments(self, *, options: bool) -> dict[str, Any]:
        return {
            "autocommit": True,
            "context": OWN,
            "prepare_threshold": self._prepare_threshold,
            **parameters(self.dsn, timeout=self.timeout, options=options),
        }

    def _settle(self, connection: OwnConnection[TupleRow]) -> None:
        connection.server = self.server
        settle(connection, self.schema)

    @contextmanager
    def connection(self) -> Iterator[Connection[TupleRow]]:
        """A connection of ours, in autocommit mode; errors come out as ours.

        Raises:
            StoreClosed: the store is not open, or in another event loop.
        """
        with self._taken() as connection:
            if connection in self._lent:
                self._reclaim(connection)
                self._lent.discard(connection)
            yield connection

    @contextmanager
    def lent(self) -> Iterator[Connection[TupleRow]]:
        """A connection for the caller's own SQL, in autocommit mode; errors come out as ours.

        Raises:
            StoreClosed: the store is not open.
        """
        with self._taken(ours=False) as connection:
            if connection in self._lent:
                self._tidy(connection)
            self._lent.add(connection)
            connection.callers = AdaptersMap(psycopg.adapters)
            if self.is_direct:
                self._as_the_callers(connection)
            yield connection

    @contextmanager
    def _taken(self, *, ours: bool = True) -> Iterator[OwnConnection[TupleRow]]:
        self.check_open()
        self._check_loop()
        if (unit := UnitInHand.get()) is not None:
            unit.check(self, None)
        pool = self._pool or self._connect()
        try:
            with mapped(self.schema, ours=ours):
                connection = self._alive(pool)
                try:
                    with connection:
                        yield connection
                finally:
                    pool.putconn(connection)
        except Unavailable as error:
            if is_read_only(error):
                self._renew(pool)
            raise

    def _alive(self, pool: ConnectionPool[OwnConnection[TupleRow]]) -> OwnConnection[TupleRow]:
        """A connection that the server has not ended while it was idle. There is nothing to be
        read from one that is in order, so mostly this asks the system and not the server."""
        try:
            connection = pool.getconn()
        except psycopg.Error as error:
            mark(error, self.server)
            raise
        for _ in range(self.max_size):
            if not readable(connection):
                break
            try:
                connection.execute(b"")
                break
            except psycopg.Error:
                connection.close()
                pool.putconn(connection)
                connection = pool.getconn()
        return connection

    def _as_the_callers(self, connection: Connection[TupleRow]) -> None:
        # Two commands in one round trip: no statement that could be prepared.
        connection.execute(query("caller_session", self.schema).encode(), prepare=False)

    def _reclaim(self, connection: OwnConnection[TupleRow]) -> None:
        self._tidy(connection)
        connection.callers = None
        if self.is_direct:
            self._as_the_callers(connection)
            settle(connection, self.schema)

    def _tidy(self, connection: Connection[TupleRow]) -> None:
        """Undo what a caller did to the connection object; what he did to the session undoes the
        statement that makes it the next caller's."""
        if not connection.autocommit:
            connection.set_autocommit(True)
        connection.set_isolation_level(None)
        connection.set_read_only(None)
        connection.set_deferrable(None)
        connection.row_factory = tuple_row
        connection.cursor_factory = Cursor
        connection.prepare_threshold = self._prepare_threshold

    def _renew(self, pool: ConnectionPool[OwnConnection[TupleRow]]) -> None:
        """Leave a server that takes no writes: what connects now goes where the DSN says that it
        should, which may be another one since."""
        if time.monotonic() - self._renewed_at > _RENEWED_FOR:
            self._renewed_at = time.monotonic()
            self.renewals += 1
            pool.drain()

    def rows(self, name: str, arguments: Any = ()) -> list[TupleRow]:
        """The rows of a named statement."""
        return self.fetch(self.unread(name, arguments))

    def unread(self, name: str, arguments: Any = ()) -> Cursor[TupleRow]:
        """The same, as the server sent them: read from the cursor with ``fetch``, which needs no
        connection for that. The connection is free for the next statement meanwhile."""
        renewed_at = self._renewed_at
        try:
            return self._execute(name, arguments)
        except Unavailable as error:
            # A server that takes no writes has not written.
            if not is_read_only(error) or self._renewed_at == renewed_at:
                raise
        return self._execute(name, arguments)

    def _execute(self, name: str, arguments: Any) -> Cursor[TupleRow]:
        if (unit := UnitInHand.get()) is not None:
            unit.check(self, name, arguments)
        with tracing.statement(name, self.schema):
            return self._execute_over_one(name, arguments)

    def _execute_over_one(self, name: str, arguments: Any) -> Cursor[TupleRow]:
        with self.connection() as connection:
            if name in _LARGE and connection not in self._roomy:
                connection.execute(query("large_row", self.schema).encode())
                self._roomy.add(connection)
            return connection.execute(
                query(name, self.schema).encode(), arguments, binary=name in _IN_BINARY
            )

    def fetch(self, cursor: Cursor[TupleRow], size: int | None = None) -> list[TupleRow]:
        """Rows of a cursor: all, or ``size`` at most. Errors come out as ours: what the server sent
        is understood only now."""
        with mapped(self.schema):
            return cursor.fetchall() if size is None else cursor.fetchmany(size)
