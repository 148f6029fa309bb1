"""A database for your tests.

Installed with Coldstream, so there is nothing to declare::

    def test_a_deposit(coldstream_store):
        coldstream_store.write_message("account-123", "Deposited", {"amount": 11})

``coldstream_store`` is an open store of the test's own, in a schema that is dropped afterwards.
``coldstream_empty_store`` is one store for all tests, emptied before each: a tenth of the time.
``coldstream_dsn`` starts one embedded TimescaleDB for the whole session, when the first test asks
for it. It takes one connection at a time and keeps what a test wrote: use a schema a test, or
clean up. With ``COLDSTREAM_TEST_DSN`` in the environment the fixture is that DSN and starts
nothing, so the same tests run against a real server. ``COLDSTREAM_TEST_ENGINE=postgres`` makes the
stores ordinary tables, for a server without TimescaleDB.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from coldstream.sql.objects import Engine
    from coldstream.store import Store

_numbers = count(1)


@pytest.fixture(scope="session")
def coldstream_dsn() -> Iterator[str]:
    """DSN of a TimescaleDB for this test session (``$COLDSTREAM_TEST_DSN``, else embedded)."""
    if given := os.environ.get("COLDSTREAM_TEST_DSN"):
        yield given
        return
    # Imported when asked for: every pytest run on this machine loads this plugin.
    from .server import EmbeddedServer

    with EmbeddedServer() as server:
        yield server.dsn


@pytest.fixture
def coldstream_store(coldstream_dsn: str) -> Iterator[Store]:
    """An open store without messages, in a schema of its own that is dropped after the test."""
    import coldstream

    with (
        _installed(coldstream_dsn) as schema,
        coldstream.connect(coldstream_dsn, schema=schema) as store,
    ):
        yield store


@pytest.fixture(scope="session")
def _coldstream_shared_schema(coldstream_dsn: str) -> Iterator[str]:
    with _installed(coldstream_dsn) as schema:
        yield schema


@pytest.fixture
def coldstream_empty_store(coldstream_dsn: str, _coldstream_shared_schema: str) -> Iterator[Store]:
    """An open store without messages and consumers, whose positions begin at 1. It is the same one
    for all tests of the session, emptied by ``reset_store`` before each."""
    import coldstream
    from coldstream.migrations.connection import direct_connection
    from coldstream.sql import query

    schema = _coldstream_shared_schema
    with direct_connection(coldstream_dsn, schema) as connection:
        connection.execute(query("reset_store", schema).encode())
    with coldstream.connect(coldstream_dsn, schema=schema) as store:
        yield store


@contextmanager
def _installed(dsn: str) -> Iterator[str]:
    """The schema of a new store, which is dropped at the end."""
    import coldstream
    from coldstream.migrations.connection import direct_connection
    from coldstream.sql import query

    # A server that is named in the environment may have those of another run at the same time.
    schema = f"coldstream_test_{os.getpid()}_{next(_numbers)}"
    engine: Engine | None = (
        "postgres" if os.environ.get("COLDSTREAM_TEST_ENGINE") == "postgres" else None
    )
    # One role for all of them: it stays when they go.
    coldstream.install(dsn, schema=schema, role="coldstream_test", engine=engine)
    try:
        yield schema
    finally:
        with direct_connection(dsn, schema) as connection:
            connection.execute("SET client_min_messages = warning")
            connection.execute(query("delete_jobs", schema).encode())
            connection.execute(f"DROP SCHEMA {schema} CASCADE".encode())
