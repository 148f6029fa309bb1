# Generated from src/coldstream/consumers/_async/listener.py by `python tools/async_to_sync.py`.
# Do not edit: change the source and run the command (or `make generate`) again.

"""Waits for the next look, and is woken early where writes notify."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress

import psycopg
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from coldstream.client._sync.client import Client
from coldstream.client._sync.statements import connections_of
from coldstream.client.concurrency import sleep_sync
from coldstream.client.connect import connect
from coldstream.client.errors import mapped
from coldstream.consumers.options import Source
from coldstream.errors import ColdstreamError

_log = logging.getLogger("coldstream.consumers")

# How long a wait goes without looking whether it is to end.
_SLICE = 0.05

# Seconds until another try, after the connection was lost.
_RETRY = 5.0


class Listener:
    """Waits by the clock; and where ``listen`` was called, for a notification of the source too.

    The connection is its own: no pool's, because LISTEN belongs to the session. Without it, or once
    it is lost, nothing is missed: the clock goes on.
    """

    def __init__(self, store: Client, source: Source, stopped: Callable[[], bool]) -> None:
        self._store = store
        self._source = source
        self._stopped = stopped
        self._connection: Connection[TupleRow] | None = None
        self._listens = False
        self._try_at = 0.0
        self._renewals = 0

    def listen(self) -> None:
        self._listens = True
        self._connect()

    def wait(self, seconds: float) -> bool:
        """Wait so long at most. Whether a notification came; also one that came since the last
        wait. Ends soon after the consumer is to stop."""
        end = time.monotonic() + seconds
        while not self._stopped():
            left = end - time.monotonic()
            if self._renewals != connections_of(self._store).renewals:
                # The store has left this server, which takes no writes and so tells of none.
                self.close()
                self._try_at = 0.0
            if self._connection is None and self._listens and time.monotonic() >= self._try_at:
                self._connect()
            if self._connection is None:
                if left <= 0:
                    return False
                sleep_sync(min(left, _SLICE))
            elif self._notified(self._connection, min(max(left, 0), _SLICE)):
                return True
            elif left <= 0:
                return False
        return False

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            _closed(connection)

    def _notified(self, connection: Connection[TupleRow], seconds: float) -> bool:
        category = self._source.category
        woken = False
        try:
            with mapped(self._store.schema):
                for notification in connection.notifies(timeout=seconds, stop_after=1):
                    woken = woken or category is None or notification.payload == category
        except ColdstreamError as error:
            _log.warning("Consumer of %s is not notified any more: %s", self._source, error)
            self._try_at = time.monotonic() + _RETRY
            self.close()
        return woken

    def _connect(self) -> None:
        self._try_at = time.monotonic() + _RETRY
        connections, schema = connections_of(self._store), self._store.schema
        self._renewals = connections.renewals
        connection: Connection[TupleRow] | None = None
        try:
            connection = connect(
                connections.dsn, schema, name="coldstream consumer", timeout=connections.timeout
            )
            with mapped(schema):
                connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(schema)))
        except ColdstreamError as error:
            _log.warning("Consumer of %s cannot listen: %s", self._source, error)
            if connection is not None:
                _closed(connection)
            return
        self._connection = connection


def _closed(connection: Connection[TupleRow]) -> None:
    with suppress(psycopg.Error):
        connection.close()
