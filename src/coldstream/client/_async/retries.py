"""Reads are repeated where repeating is safe and likely to help."""

from __future__ import annotations

from typing import Any

from psycopg import errors
from psycopg.rows import TupleRow

from coldstream.client._async.connections import AsyncConnections
from coldstream.errors import Unavailable

_TRIES = 3


async def retried_rows(
    connections: AsyncConnections, name: str, arguments: Any = ()
) -> list[TupleRow]:
    """The rows of a named statement that only reads. Repeated when a chunk left the database
    underneath it, when it and a drop waited for each other, and when a pooled connection turns
    out to be dead."""
    for _ in range(_TRIES - 1):
        try:
            return await connections.rows(name, arguments)
        except Unavailable as error:
            if not isinstance(
                error.__cause__,
                errors.SerializationFailure | errors.DeadlockDetected | errors.AdminShutdown,
            ) and not _connection_lost(error.__cause__):
                raise
    return await connections.rows(name, arguments)


def _connection_lost(error: BaseException | None) -> bool:
    # A lost connection has no SQLSTATE: the server could not send one any more.
    return isinstance(error, errors.OperationalError) and error.sqlstate is None
