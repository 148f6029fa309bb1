"""The server under test: embedded, or the one COLDSTREAM_TEST_DSN names (a superuser's DSN).

On a native server every run works in a database of its own, which it makes and drops, so a store
that is on the server already is never touched.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Literal

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from coldstream.embedded import EmbeddedServer

# What stores are made of; "postgres" is an ordinary table, on a server with or without TimescaleDB.
ENGINE = os.environ.get("COLDSTREAM_TEST_ENGINE", "timescale")
NATIVE_DSN = os.environ.get("COLDSTREAM_TEST_DSN")
ORACLE_DSN = os.environ.get("COLDSTREAM_COMPAT_ORACLE_DSN")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if NATIVE_DSN or ORACLE_DSN:
        return
    for item in items:
        if item.get_closest_marker("native"):
            item.add_marker(
                pytest.mark.skip(
                    reason="not covered here: needs several connections to a native TimescaleDB "
                    "(COLDSTREAM_TEST_DSN)"
                )
            )


def per_server(fixture_name: str, config: pytest.Config) -> Literal["session", "module"]:
    """The scope of what a server holds: a module has an embedded server of its own.

    That is one backend for all connections, and keeps what it knew of stores that are gone: the
    more of them there were, the longer everything takes.
    """
    return "session" if NATIVE_DSN else "module"


@pytest.fixture(scope=per_server)
def dsn() -> Iterator[str]:
    """A database that this run, or this module, may fill and break."""
    if not NATIVE_DSN:
        with EmbeddedServer() as server:
            yield server.dsn
        return
    given = NATIVE_DSN
    name = f"coldstream_test_{os.getpid()}"
    with psycopg.connect(given, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(
                sql.Identifier(name)
            )
        )
        try:
            yield make_conninfo(given, dbname=name)
        finally:
            connection.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            )
