"""What the system knows of a connection, without asking the server."""

from __future__ import annotations

import select

from psycopg import AsyncConnection, Connection
from psycopg.rows import TupleRow


def readable(connection: Connection[TupleRow] | AsyncConnection[TupleRow]) -> bool:
    """Whether something came over an idle connection: its end, mostly."""
    if connection.closed:
        return True
    number = connection.fileno()
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(number, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([number], [], [], 0)[0])
