# Generated from src/coldstream/client/_async/retries.py by `python tools/async_to_sync.py`.
# Do not edit: change the source and run the command (or `make generate`) again.

"""Reads are repeated where repeating is safe and likely to help."""

from __future__ import annotations

from typing import Any

from psycopg import Cursor, errors
from psycopg.rows import TupleRow
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from coldstream.again import Pauses
from coldstream.client._sync.connections import Connections
from coldstream.client.concurrency import sleep_sync
from coldstream.client.errors import no_store_row
from coldstream.errors import Unavailable

# How often in a row a statement is sent in vain: where the connection was lost, and where others
# were in its way, who are done after a while. The seconds in between are twice as many each time.
_TRIES, _TRIES_IN_THE_WAY = 3, 10
_PAUSES = Pauses(0.004, 0.2)


def retried_rows(connections: Connections, name: str, arguments: Any = ()) -> list[TupleRow]:
    """The rows of a named statement that only reads; see :func:`retried`."""
    return connections.fetch(retried(connections, name, arguments))


def retried(connections: Connections, name: str, arguments: Any = ()) -> Cursor[TupleRow]:
    """The unread rows of a named statement that only reads. Repeated when a chunk changed its form
    or left the database underneath it, when it and a drop waited for each other, and when a pooled
    connection turns out to be dead. As long as ranges leave or come back in between, it goes on:
    their number is limited."""
    epoch: int | None = None
    tries = 0
    while True:
        try:
            return connections.unread(name, arguments)
        except Unavailable as error:
            tries += 1
            if rolled_back(error):
                before, epoch = epoch, archive_epoch(connections)
                if before not in (None, epoch):
                    tries = 1
                if tries >= _TRIES_IN_THE_WAY:
                    raise
                sleep_sync(_PAUSES.after(tries))
            elif not connection_lost(error) or tries >= _TRIES:
                raise


def archive_epoch(connections: Connections) -> int:
    """The epoch of the ledger: another one where a range has left or come back."""
    rows = connections.rows("archive_epoch")
    if not rows:
        raise no_store_row()
    epoch: int = rows[0][0]
    return epoch


def rolled_back(error: Unavailable) -> bool:
    """Whether it and another transaction were in each other's way, and this one gave in."""
    return isinstance(error.__cause__, errors.SerializationFailure | errors.DeadlockDetected)


def connection_lost(error: Unavailable) -> bool:
    """Whether the server may have done what it was asked and could not say so."""
    cause = error.__cause__
    # The pool had no connection: nothing was sent, and waiting again would take as long again.
    if isinstance(cause, PoolTimeout | PoolClosed | TooManyRequests):
        return False
    if not isinstance(cause, errors.OperationalError | errors.InterfaceError):
        return False
    # Mostly there is no SQLSTATE: the server could not send one any more.
    return cause.sqlstate is None or cause.sqlstate[:3] in ("57P", "080")
