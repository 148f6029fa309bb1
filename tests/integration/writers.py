"""The store and the approach it guards against, written to in the same way."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from tests.fix_store import InstalledStore, drop_store


@dataclass(frozen=True)
class Writer:
    """A schema that has messages and write_message."""

    dsn: str
    schema: str
    write_statement: str

    def connect(self) -> psycopg.Connection:
        return InstalledStore(self.dsn, self.schema).connect()

    def run(self, statement: str, arguments: Any = None) -> list[tuple[Any, ...]]:
        return InstalledStore(self.dsn, self.schema).run(statement, arguments)

    def write(self, connection: psycopg.Connection, stream_name: str, id: object = None) -> int:
        """The position of a new message."""
        statement = self.write_statement.encode()
        written = connection.execute(statement, [str(id or uuid4()), stream_name]).fetchall()
        return int(written[0][0])

    def positions(self, stream_name: str) -> list[int]:
        """In the order of writing."""
        return [
            position
            for (position,) in self.run(
                "SELECT position FROM messages WHERE stream_name = %s ORDER BY global_position",
                [stream_name],
            )
        ]


def store_writer(store: InstalledStore) -> Writer:
    return Writer(store.dsn, store.schema, "SELECT write_message(%s, %s, 'T', NULL)")


def seed_writer(dsn: str, schema: str) -> Writer:
    """A scratch schema with the approach that the store guards against."""
    drop_store(dsn, schema)
    text = Path(__file__).with_name("seed_store.sql").read_text()
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(text.replace("{schema}", schema).encode())
    return Writer(dsn, schema, "SELECT write_message(%s, %s, 'T')")
