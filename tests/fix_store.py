"""Installed stores. On the embedded server only one connection exists at a time, so no fixture
keeps one open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import psycopg
import pytest
from psycopg import sql
from tests.fix_native import ENGINE, per_server

from coldstream.migrations import Settings, install
from coldstream.sql import Names


@dataclass(frozen=True)
class InstalledStore:
    """Where a store is. ``role`` is its application role."""

    dsn: str
    schema: str

    @property
    def role(self) -> str:
        return self.schema

    def run(self, statement: str, arguments: Any = None) -> list[tuple[Any, ...]]:
        """The rows of one statement, with the store's schema first in the search path."""
        with self.connect() as connection:
            cursor = connection.execute(statement.encode(), arguments)
            return cursor.fetchall() if cursor.description else []

    def run_behind(self, statement: str, arguments: Any = None) -> None:
        """One statement behind the store's back: a superuser's, with no trigger at work."""
        with self.connect() as connection, connection.transaction():
            connection.execute("SET LOCAL session_replication_role = replica")
            connection.execute(statement.encode(), arguments)

    def connect(self) -> psycopg.Connection:
        connection = psycopg.connect(self.dsn, autocommit=True)
        connection.execute(
            sql.SQL("SET search_path TO {}, public").format(sql.Identifier(self.schema))
        )
        return connection


def install_store(dsn: str, schema: str, settings: Settings | None = None) -> InstalledStore:
    """``settings`` left out: with the engine that the whole run is for."""
    settings = settings or Settings(engine=ENGINE)
    with psycopg.connect(dsn, autocommit=True) as connection:
        install(connection, Names(schema), settings)
    return InstalledStore(dsn, schema)


def drop_store(dsn: str, schema: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET client_min_messages = warning")
        connection.execute(
            sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema))
        )


@pytest.fixture(scope=per_server)
def message_store(dsn: str) -> InstalledStore:
    """The store in schema message_store, installed once a server; see store_schema."""
    return install_store(dsn, "message_store")


@pytest.fixture
def store_schema(message_store: InstalledStore) -> Iterator[InstalledStore]:
    """An empty store in schema message_store, its sequence at the start."""
    message_store.run("SELECT reset_store()")
    yield message_store
    # A test whose history left the database may not be truncated away, and needs its own schema.
    assert message_store.run("SELECT count(*) FROM chunks WHERE state = 'dropped'") == [(0,)]


_numbers = count(1)


@pytest.fixture
def new_store(dsn: str) -> Iterator[Callable[..., InstalledStore]]:
    """Install stores into schemas of their own, which are dropped after the test."""
    schemas: list[str] = []

    def new_store(settings: Settings | None = None) -> InstalledStore:
        schemas.append(f"store_{next(_numbers)}")
        return install_store(dsn, schemas[-1], settings)

    yield new_store
    for schema in schemas:
        drop_store(dsn, schema)


@pytest.fixture
def fresh_store(new_store: Callable[..., InstalledStore]) -> InstalledStore:
    """A store in a schema of its own."""
    return new_store()
