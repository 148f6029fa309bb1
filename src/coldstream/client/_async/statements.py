"""Named statements: the one way in which the rooms above the client ask the database."""

from __future__ import annotations

from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from coldstream.client._async.client import AsyncClient
from coldstream.client._async.connections import AsyncConnections
from coldstream.client.adapters import AsyncOwnCursor
from coldstream.client.errors import mapped
from coldstream.sql import query


def connections_of(store: AsyncClient) -> AsyncConnections:
    """The connections of a store, for its own rooms: what is done over them by anybody else may
    leave them as the next statement does not expect them."""
    return store._connections


async def rows_over(
    connection: AsyncConnection[TupleRow], schema: str, name: str, arguments: Any = ()
) -> list[TupleRow]:
    """The rows of a named statement over a connection at hand, none for a command; errors come out
    as ours. Whatever the connection's user has registered or set on it, the values are ours."""
    with mapped(schema):
        statement = query(name, schema).encode()
        cursor = await AsyncOwnCursor(connection).execute(statement, arguments)
        return await cursor.fetchall() if cursor.description else []
