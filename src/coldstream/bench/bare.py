"""The statement that a read comes down to: with the range of time and of positions of its own page
written into it. No function, no head, no ledger: what is left is PostgreSQL's and TimescaleDB's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import Connection

from coldstream.bench.arena import Arena
from coldstream.bench.sql import query


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
    name, first, last, first_global, last_global, first_time, last_time = row
    category = str(name).partition("-")[0]
    time = f"m.time BETWEEN '{first_time}' AND '{last_time}'"
    if function == "get_category_messages":
        filter = (
            f"m.category = '{category}' "
            f"AND m.global_position BETWEEN {first_global} AND {last_global} "
            f"AND m.position_bucket BETWEEN {first_global >> 14} AND {last_global >> 14} "
            f"AND {time} ORDER BY m.global_position"
        )
    else:
        filter = (
            f"m.stream_name = '{name}' AND m.category = '{category}' "
            f"AND m.position BETWEEN {first} AND {last} AND {time} ORDER BY m.position"
        )
    text = query("bare_read").replace("@store@", arena.store.schema)
    return text.replace("@filter@", filter)
