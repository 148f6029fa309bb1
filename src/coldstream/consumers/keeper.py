"""Keeps a consumer's leases, in a thread and over a connection of its own.

So nothing that a handler does keeps them from being renewed: not one that blocks the event loop,
and not one that holds every connection of the pool.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, TypeAlias

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from coldstream.client.connect import connect
from coldstream.client.errors import mapped
from coldstream.errors import ColdstreamError
from coldstream.sql import query

Rows: TypeAlias = Callable[[str, Sequence[Any]], list[TupleRow]]
"""The rows of a named statement."""
Call: TypeAlias = Callable[[Rows], None]

# Seconds that the end of a consumer waits for a server that does not answer.
_PATIENCE = 5.0


class Keeper:
    """Makes calls that ask the database, one after another; one of them again and again.

    ``repeated`` is made ``interval`` seconds after the last call, and must raise nothing.
    """

    def __init__(
        self, dsn: str, schema: str, timeout: float, repeated: Call, interval: float
    ) -> None:
        self._dsn = dsn
        self._schema = schema
        self._timeout = timeout
        self._repeated = repeated
        self._interval = interval
        self._connection: Connection[TupleRow] | None = None
        self._calls: SimpleQueue[tuple[Call, Future[None]] | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="coldstream-leases", daemon=True)
        self._thread.start()

    def ask(self, call: Call) -> Future[None]:
        """Have a call made, after those that were asked for before. The future has what it raised:
        Unavailable where the server cannot be reached, and what the call raises."""
        future: Future[None] = Future()
        self._calls.put((call, future))
        return future

    def close(self) -> None:
        """Make no more calls. Waits for the one that is under way, within reason."""
        self._calls.put(None)
        self._thread.join(_PATIENCE)

    def _run(self) -> None:
        while True:
            try:
                asked = self._calls.get(timeout=self._interval)
            except Empty:
                self._repeated(self._rows)
                continue
            if asked is None:
                self._disconnect()
                return
            call, future = asked
            try:
                call(self._rows)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(None)

    def _rows(self, name: str, arguments: Sequence[Any]) -> list[TupleRow]:
        try:
            with mapped(self._schema):
                if self._connection is None:
                    self._connection = connect(
                        self._dsn, self._schema, name="coldstream consumer", timeout=self._timeout
                    )
                statement = query(name, self._schema).encode()
                return self._connection.execute(statement, arguments).fetchall()
        except ColdstreamError:
            # Whatever it was, the next try begins anew, and perhaps with another server: one that
            # takes writes.
            self._disconnect()
            raise

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                connection.close()
