"""What our statements make of values: as psycopg does by itself, whatever a program registers.

A program registers a loader or a dumper, for all connections or for a borrowed one, for its own
statements. What ours give depends neither on that nor on its row factory.
"""

from __future__ import annotations

import json

from psycopg import AsyncConnection, AsyncCursor, Connection, Cursor, dbapi20, postgres
from psycopg.adapt import AdaptersMap
from psycopg.rows import TupleRow, tuple_row
from psycopg.types import TypesRegistry
from psycopg.types.array import register_all_arrays
from psycopg.types.json import set_json_dumps, set_json_loads

OWN = AdaptersMap(types=TypesRegistry(postgres.types))
postgres.register_default_adapters(OWN)
# Without it an array is read as its text.
register_all_arrays(OWN)
dbapi20.register_dbapi20_adapters(OWN)
# These have a default beside the adapters.
set_json_loads(json.loads, OWN)
set_json_dumps(json.dumps, OWN)


class AsyncOwnCursor(AsyncCursor[TupleRow]):
    """For a statement of ours over a connection that the caller works with meanwhile."""

    def __init__(self, connection: AsyncConnection[TupleRow]) -> None:
        super().__init__(connection, row_factory=tuple_row)

    @property
    def adapters(self) -> AdaptersMap:
        return OWN


class OwnCursor(Cursor[TupleRow]):
    """The same."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        super().__init__(connection, row_factory=tuple_row)

    @property
    def adapters(self) -> AdaptersMap:
        return OWN
