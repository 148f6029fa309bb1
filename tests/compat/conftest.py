"""The store under test: empty, and the same to every test whatever it runs on.

By default that is Coldstream. To check the tests themselves, set COLDSTREAM_COMPAT_ORACLE_DSN:
point it at a genuine Message DB, one whose messages may be deleted.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
import pytest
from psycopg import sql

ORACLE_DSN = os.environ.get("COLDSTREAM_COMPAT_ORACLE_DSN")


@dataclass(frozen=True)
class Store:
    """An empty, installed store: where it is, its schema, and its application role."""

    dsn: str
    schema: str
    role: str


def genuine_message_db(dsn: str) -> Store:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("DISCARD ALL")
        connection.execute("TRUNCATE message_store.messages RESTART IDENTITY")
    return Store(dsn=dsn, schema="message_store", role="message_store")


def coldstream(request: pytest.FixtureRequest) -> Store:
    installed = request.getfixturevalue("store_schema")
    return Store(dsn=installed.dsn, schema=installed.schema, role=installed.schema)


@pytest.fixture
def store(request: pytest.FixtureRequest) -> Store:
    return genuine_message_db(ORACLE_DSN) if ORACLE_DSN else coldstream(request)


def open_connection(store: Store) -> psycopg.Connection:
    connection = psycopg.connect(store.dsn, autocommit=True)
    connection.execute("DISCARD ALL")
    # Not as `options` in the DSN: the embedded server ignores them.
    connection.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(store.schema)))
    return connection


@pytest.fixture
def db(store: Store) -> Iterator[psycopg.Connection]:
    """An autocommit connection whose search_path is the store's schema."""
    with open_connection(store) as connection:
        yield connection
        # The embedded server has one session for all connections: without this the next one, be
        # it a fixture's, would begin with this test's role, settings and prepared statements.
        connection.rollback()
        connection.execute("DISCARD ALL")


@pytest.fixture
def connect(store: Store) -> Iterator[Callable[[], psycopg.Connection]]:
    """Open further connections beside `db`; for tests marked `native` only."""
    opened: list[psycopg.Connection] = []

    def connect() -> psycopg.Connection:
        opened.append(open_connection(store))
        return opened[-1]

    yield connect
    for connection in opened:
        connection.close()


@pytest.fixture
def notices(db: psycopg.Connection) -> list[str]:
    """The text of every notice that `db` receives from here on."""
    received: list[str] = []

    def receive(notice: psycopg.errors.Diagnostic) -> None:
        # The embedded server sends its own DEBUG lines after an error, whatever was asked for.
        if not f"{notice.severity_nonlocalized}".startswith("DEBUG"):
            received.append(f"{notice.message_primary}")

    db.add_notice_handler(receive)
    return received
