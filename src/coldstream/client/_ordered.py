"""A page's messages in order, made a few at a time."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator
from typing import Any

from psycopg import AsyncCursor, Cursor
from psycopg.adapt import Transformer

from coldstream.client.arguments import to_messages
from coldstream.client.errors import mapped
from coldstream.messages.message import Message

SLICE = 200
"""Messages that are made at once. Python looks for garbage when it has made 700 objects more than
it has freed, and again and again at all that live by then. A message is three. So a consumer
that lets go of what it was given leaves nothing to look at; with a page of thousands alive it was
a third of the client's work."""


def ordered(cursor: Cursor[Any] | AsyncCursor[Any], schema: str) -> Iterator[list[Message]]:
    """The messages of a result with the ``message`` type's columns, in binary format and any order,
    by their global positions. Needs no connection.

    Raises:
        Unavailable: a value that is no such column's.
    """
    result = cursor.pgresult
    assert result is not None
    value = result.get_value
    count = result.ntuples
    # As the server sends them: the most significant byte first.
    positions = array("q", b"".join([value(row, 4) or b"" for row in range(count)]))
    if sys.byteorder == "little":
        positions.byteswap()
    rows = sorted(range(count), key=positions.__getitem__)
    in_order = rows == [*range(count)]
    transformer = Transformer(cursor)
    transformer.set_pgresult(result)
    for start in range(0, count, SLICE):
        with mapped(schema):
            if in_order:
                some = transformer.load_rows(start, min(start + SLICE, count), tuple)
            else:
                load = transformer.load_row
                some = [load(row, tuple) or () for row in rows[start : start + SLICE]]
        yield to_messages(some)
