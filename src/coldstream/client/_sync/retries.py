# Generated from src/coldstream/client/_async/retries.py by `python tools/async_to_sync.py`.
# Do not edit: change the source and run the command (or `make generate`) again.

"""Reads are repeated where repeating is safe and likely to help."""

from __future__ import annotations

from typing import Any

from psycopg import Cursor, errors
from psycopg.rows import TupleRow
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from coldstream.client._sync.connections import Connections
from coldstream.errors import Unavailable

_TRIES = 3


def retried_rows(connections: Connections, name: str, arguments: Any = ()) -> list[TupleRow]:
    """The rows of a named statement that only reads; see :func:`retried`."""
    return connections.fetch(retried(connections, name, arguments))


def retried(connections: Connections, name: str, arguments: Any = ()) -> Cursor[TupleRow]:
    """The unread rows of a named statement that only reads. Repeated when a chunk left the database
    underneath it, when it and a drop waited for each other, and when a pooled connection turns
    out to be dead."""
    for _ in range(_TRIES - 1):
        try:
            return connections.unread(name, arguments)
        except Unavailable as error:
            if not rolled_back(error) and not connection_lost(error):
                raise
    return connections.unread(name, arguments)


def rolled_back(error: Unavailable) -> bool:
    """Whether it and another transaction were in each other's way, and this one gave in."""
    return isinstance(error.__cause__, errors.SerializationFailure | errors.DeadlockDetected)


def connection_lost(error: Unavailable) -> bool:
    """Whether the server may have done what it was asked and could not say so."""
    cause = error.__cause__
    # No connection was to be had: nothing was sent, and waiting again would take as long again.
    if isinstance(cause, PoolTimeout | PoolClosed | TooManyRequests):
        return False
    if not isinstance(cause, errors.OperationalError | errors.InterfaceError):
        return False
    # Mostly there is no SQLSTATE: the server could not send one any more.
    return cause.sqlstate is None or cause.sqlstate[:3] in ("57P", "080")
