"""The connection of whoever installs: direct, and not through a store that may not be there yet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from coldstream.client._errors import cannot_connect, mapped


@contextmanager
def direct_connection(dsn: str, schema: str) -> Iterator[Connection[TupleRow]]:
    """A connection in autocommit mode; errors come out as ours.

    Raises:
        Unavailable: no connection.
    """
    try:
        connection = Connection.connect(
            dsn, autocommit=True, client_encoding="utf8", application_name="coldstream"
        )
    except (psycopg.OperationalError, psycopg.ProgrammingError) as error:
        raise cannot_connect(error) from error
    with connection, mapped(schema):
        yield connection
