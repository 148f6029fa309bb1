# Generated from src/coldstream/client/_async/statements.py by `python tools/async_to_sync.py`.
# Do not edit: change the source and run the command (or `make generate`) again.

"""Named statements: the one way in which the rooms above the client ask the database."""

from __future__ import annotations

from coldstream.client._sync.borrowed import rows_over
from coldstream.client._sync.client import Client
from coldstream.client._sync.connections import Connections

__all__ = ["connections_of", "rows_over"]


def connections_of(store: Client) -> Connections:
    """The connections of a store, for its own rooms: what is done over them by anybody else may
    leave them as the next statement does not expect them."""
    return store._connections
