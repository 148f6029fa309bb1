"""Waits for the next look, and is woken early where writes notify."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress

import psycopg
from psycopg import AsyncConnection, sql
from psycopg.rows import TupleRow

from coldstream.client._async.client import AsyncClient
from coldstream.client._async.statements import connections_of
from coldstream.client.concurrency import sleep
from coldstream.client.connect import connect_async
from coldstream.client.errors import mapped
from coldstream.consumers.options import Source
from coldstream.errors import ColdstreamError

_log = logging.getLogger("coldstream.consumers")

# How long a wait goes without looking whether it is to end.
_SLICE = 0.05

# Seconds until another try, after the connection was lost.
_RETRY = 5.0


class AsyncListener:
    """Waits by the clock; and where ``listen`` was called, for a notification of the source too.

    The connection is its own: no pool's, because LISTEN belongs to the session. Without it, or once
    it is lost, nothing is missed: the clock goes on.
    """

    def __init__(self, store: AsyncClient, source: Source, stopped: Callable[[], bool]) -> None:
        self._store = store
        self._source = source
        self._stopped = stopped
        self._connection: AsyncConnection[TupleRow] | None = None
        self._listens = False
        self._try_at = 0.0
        self._renewals = 0

    async def listen(self) -> None:
        self._listens = True
        await self._connect()

    async def wait(self, seconds: float) -> bool:
        """Wait so long at most. Whether a notification came; also one that came since the last
        wait. Ends soon after the consumer is to stop."""
        end = time.monotonic() + seconds
        while not self._stopped():
            left = end - time.monotonic()
            if self._renewals != connections_of(self._store).renewals:
                # The store has left this server, which takes no writes and so tells of none.
                await self.close()
                self._try_at = 0.0
            if self._connection is None and self._listens and time.monotonic() >= self._try_at:
                await self._connect()
            if self._connection is None:
                if left <= 0:
                    return False
                await sleep(min(left, _SLICE))
            elif await self._notified(self._connection, min(max(left, 0), _SLICE)):
                return True
            elif left <= 0:
                return False
        return False

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await _closed(connection)

    async def _notified(self, connection: AsyncConnection[TupleRow], seconds: float) -> bool:
        category = self._source.category
        woken = False
        try:
            with mapped(self._store.schema):
                async for notification in connection.notifies(timeout=seconds, stop_after=1):
                    woken = woken or category is None or notification.payload == category
        except ColdstreamError as error:
            _log.warning("Consumer of %s is not notified any more: %s", self._source, error)
            self._try_at = time.monotonic() + _RETRY
            await self.close()
        return woken

    async def _connect(self) -> None:
        self._try_at = time.monotonic() + _RETRY
        connections, schema = connections_of(self._store), self._store.schema
        self._renewals = connections.renewals
        connection: AsyncConnection[TupleRow] | None = None
        try:
            connection = await connect_async(
                connections.dsn, schema, name="coldstream consumer", timeout=connections.timeout
            )
            with mapped(schema):
                await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(schema)))
        except ColdstreamError as error:
            _log.warning("Consumer of %s cannot listen: %s", self._source, error)
            if connection is not None:
                await _closed(connection)
            return
        self._connection = connection


async def _closed(connection: AsyncConnection[TupleRow]) -> None:
    with suppress(psycopg.Error):
        await connection.close()
