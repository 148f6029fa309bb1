# Generated from src/coldstream/client/_async/statements.py by `python tools/async_to_sync.py`.
# Do not edit: change the source and run the command (or `make generate`) again.

"""Named statements: the one way in which the rooms above the client ask the database."""

from __future__ import annotations

from typing import Any

from psycopg import Connection
from psycopg.rows import TupleRow

from coldstream.client._sync.client import Client
from coldstream.client._sync.connections import Connections
from coldstream.client.adapters import OwnCursor
from coldstream.client.errors import mapped
from coldstream.sql import query


def connections_of(store: Client) -> Connections:
    """The connections of a store, for its own rooms: what is done over them by anybody else may
    leave them as the next statement does not expect them."""
    return store._connections


def rows_over(
    connection: Connection[TupleRow], schema: str, name: str, arguments: Any = ()
) -> list[TupleRow]:
    """The rows of a named statement over a connection at hand, none for a command; errors come out
    as ours. Whatever the connection's user has registered or set on it, the values are ours."""
    with mapped(schema):
        statement = query(name, schema).encode()
        cursor = OwnCursor(connection).execute(statement, arguments)
        return cursor.fetchall() if cursor.description else []
