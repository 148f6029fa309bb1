"""The connection of an installer: direct, and not through a store that may not be there yet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import Connection
from psycopg.rows import TupleRow

from coldstream.client.connect import connect
from coldstream.client.errors import mapped


@contextmanager
def direct_connection(dsn: str, schema: str) -> Iterator[Connection[TupleRow]]:
    """A connection in autocommit mode; errors come out as ours.

    Raises:
        Unavailable: no connection.
        InvalidInput: not a DSN.
    """
    connection = connect(dsn, schema)
    with connection, mapped(schema):
        yield connection
