"""Messages with all that they have into the incoming table of a session, by COPY in binary form."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from psycopg import Connection

from coldstream.client.adapters import OwnCursor
from coldstream.client.errors import mapped
from coldstream.sql import query

Incoming: TypeAlias = tuple[
    int,  # global_position
    int,  # position
    datetime,  # time: aware
    str,  # stream_name
    str,  # type
    str | None,  # data: JSON text
    str | None,  # metadata: likewise
    UUID,  # id
    str | None,  # correlation_category; None: the server looks into metadata
]

_TYPES = ["int8", "int8", "timestamptz", "text", "text", "text", "text", "uuid", "text"]
_KEY = "correlationStreamName"


def fill_incoming(connection: Connection[Any], schema: str, rows: Iterable[Incoming]) -> None:
    """Add these rows to the table, which ``make_incoming`` made; in the caller's transaction, whose
    end empties it."""
    statement = query("fill_incoming", schema).encode()
    with mapped(schema), OwnCursor(connection) as cursor, cursor.copy(statement) as copy:
        copy.set_types(_TYPES)
        for row in rows:
            copy.write_row(row)


def correlation_category(metadata: str | None) -> str | None:
    """``-`` where metadata surely has no stream that it is correlated with; else ``None``."""
    # What is not there cannot be in other letters either: those begin with a backslash.
    may_have = metadata is not None and (_KEY in metadata or "\\" in metadata)
    return None if may_have else "-"
