"""The statement that a read comes down to: with the range of time and of positions of its own page
written into it. No function, no head, no ledger: what is left is PostgreSQL's and TimescaleDB's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg import Connection

from coldstream.messages.names import category
from coldstream_bench.arena import Arena
from coldstream_bench.sql import query


def bare_statement(
    connection: Connection[Any], arena: Arena, function: str, arguments: Sequence[Any]
) -> str:
    """That of one call of the store's ``function``, which is made once, to know its page.

    ``function``: ``get_stream_messages`` or another that reads a stream, or
    ``get_category_messages`` without a filter.
    """
    call = arena.store.call(function, len(arguments))
    asked = query("page_bounds").replace("@call@", call).encode()
    row = connection.execute(asked, arguments).fetchone()
    assert row is not None
    name, first, last, first_global, last_global, *times = row
    if function == "get_category_messages":
        positions = (first_global, last_global)
        return bare_range(arena, category(name), positions, times) + "ORDER BY m.global_position"
    return _filled("bare_stream", arena, category(name), (first, last), times, name=name)


def bare_range(
    arena: Arena, category: str, positions: Sequence[int], times: Sequence[datetime]
) -> str:
    """That of a range of a category, in no order: first and last global position, first and last
    time, as a client that catches up reads it."""
    return _filled("bare_range", arena, category, positions, times)


def _filled(
    name_of_query: str,
    arena: Arena,
    category: str,
    positions: Sequence[int],
    times: Sequence[datetime],
    **more: str,
) -> str:
    text = query(name_of_query).replace("@store@", arena.store.schema)
    given = {
        "category": category,
        "first": positions[0],
        "last": positions[1],
        "first_time": times[0],
        "last_time": times[1],
        **more,
    }
    for name, value in given.items():
        text = text.replace(f"@{name}@", str(value))
    return text
