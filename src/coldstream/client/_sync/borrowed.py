# Generated from src/coldstream/client/_async/borrowed.py by `python tools/async_to_sync.py`.
# Do not edit: change the source and run the command (or `make generate`) again.

"""A statement over a connection of the caller's, with all that is set on it."""

from __future__ import annotations

from typing import Any

from psycopg import Connection
from psycopg.rows import TupleRow

from coldstream.client.adapters import OwnCursor
from coldstream.client.errors import mapped
from coldstream.sql import query


def rows_over(
    connection: Connection[Any], schema: str, name: str, arguments: Any = ()
) -> list[TupleRow]:
    """The rows of a named statement over a connection at hand, none for a command; errors come out
    as ours. Whatever the connection's user has registered or set on it, the values are ours."""
    with mapped(schema):
        statement = query(name, schema).encode()
        cursor = OwnCursor(connection).execute(statement, arguments)
        return cursor.fetchall() if cursor.description else []
