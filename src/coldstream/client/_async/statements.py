"""Named statements: the one way in which the rooms above the client ask the database."""

from __future__ import annotations

from coldstream.client._async.borrowed import rows_over
from coldstream.client._async.client import AsyncClient
from coldstream.client._async.connections import AsyncConnections

__all__ = ["connections_of", "rows_over"]


def connections_of(store: AsyncClient) -> AsyncConnections:
    """The connections of a store, for its own rooms: what is done over them by anybody else may
    leave them as the next statement does not expect them."""
    return store._connections
