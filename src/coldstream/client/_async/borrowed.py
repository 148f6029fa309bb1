"""A statement over a connection of the caller's, with all that is set on it."""

from __future__ import annotations

from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from coldstream.client.adapters import AsyncOwnCursor
from coldstream.client.errors import mapped
from coldstream.sql import query


async def rows_over(
    connection: AsyncConnection[Any], schema: str, name: str, arguments: Any = ()
) -> list[TupleRow]:
    """The rows of a named statement over a connection at hand, none for a command; errors come out
    as ours. Whatever the connection's user has registered or set on it, the values are ours."""
    with mapped(schema):
        statement = query(name, schema).encode()
        cursor = await AsyncOwnCursor(connection).execute(statement, arguments)
        return await cursor.fetchall() if cursor.description else []
