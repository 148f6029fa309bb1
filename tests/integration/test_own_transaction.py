"""A message is written in the caller's transaction: with it, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row
from tests.fix_store import InstalledStore

import coldstream
from coldstream import ExpectedVersionError, NewMessage
from coldstream.errors import InvalidInput, NotInstalled


def names(store: coldstream.Store, category: str) -> list[str]:
    return [message.stream_name for message in store.get_category_messages(category)]


def test_it_is_there_with_the_callers_commit_alone(store_schema: InstalledStore) -> None:
    dsn, schema = store_schema.dsn, store_schema.schema
    with psycopg.connect(dsn, row_factory=dict_row) as connection:
        store = coldstream.connect(dsn, schema=schema)
        first = store.write_message("kept-1", "A", {"n": 1}, connection=connection)
        assert (first.position, first.global_position > 0) == (0, True)
        connection.commit()
        store.write_message("lost-1", "A", {"n": 1}, connection=connection)
        many = [NewMessage("lost-1", "B"), NewMessage("lost-2", "B")]
        assert [r.position for r in store.write_messages(many, connection=connection)] == [1, 0]
        connection.rollback()
        # An error is within a savepoint of the caller's.
        store.write_message("kept-2", "A", connection=connection)
        with pytest.raises(ExpectedVersionError), connection.transaction():
            store.write_message("kept-2", "A", expected_version=5, connection=connection)
        store.write_messages([NewMessage("kept-2", "B")], {"kept-2": 0}, connection=connection)
        connection.commit()
        with pytest.raises(InvalidInput, match="idempotent"):
            store.write_message("kept-3", "A", idempotent=True, connection=connection)
    with store:
        assert names(store, "kept") == ["kept-1", "kept-2", "kept-2"]
        assert names(store, "lost") == []


def test_a_database_without_the_store_is_named(store_schema: InstalledStore) -> None:
    store = coldstream.connect(store_schema.dsn, schema="there_is_none")
    with psycopg.connect(store_schema.dsn) as connection:
        with pytest.raises(NotInstalled):
            store.write_message("a-1", "A", connection=connection)
        connection.rollback()


def test_the_asynchronous_form(store_schema: InstalledStore) -> None:
    async def write() -> list[str]:
        dsn, schema = store_schema.dsn, store_schema.schema
        store = coldstream.connect_async(dsn, schema=schema)
        async with await psycopg.AsyncConnection.connect(dsn) as connection:
            await store.write_message("x-1", "A", connection=connection)
            await connection.rollback()
            await store.write_messages([NewMessage("x-2", "A")], connection=connection)
            await connection.commit()
        async with store:
            return [message.stream_name async for message in store.get_category_messages("x")]

    assert asyncio.run(write()) == ["x-2"]


@pytest.mark.native
def test_djangos_connection(store_schema: InstalledStore) -> None:
    import django
    from django.conf import settings
    from django.db import connection, transaction

    given: dict[str, Any] = psycopg.conninfo.conninfo_to_dict(store_schema.dsn)
    settings.configure(
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "HOST": given.get("host", ""),
                "PORT": given.get("port", ""),
                "USER": given.get("user", ""),
                "PASSWORD": given.get("password", ""),
                "NAME": given.get("dbname", ""),
            }
        }
    )
    django.setup()
    store = coldstream.connect(store_schema.dsn, schema=store_schema.schema)
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            store.write_message("d-1", "A", connection=connection.connection)
        with transaction.atomic():
            store.write_message("d-2", "A", connection=connection.connection)
            transaction.set_rollback(True)
    finally:
        connection.close()
    with store:
        assert names(store, "d") == ["d-1"]


@pytest.mark.native
def test_fastapis_dependency(store_schema: InstalledStore) -> None:
    """The recipe of the how-to: a dependency gives each request a transaction."""
    from fastapi import Depends, FastAPI, HTTPException
    from fastapi.testclient import TestClient
    from psycopg_pool import AsyncConnectionPool

    store = coldstream.connect_async(store_schema.dsn, schema=store_schema.schema)
    pool = AsyncConnectionPool(store_schema.dsn, open=False, min_size=1)

    async def transaction() -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        async with pool.connection() as connection:
            yield connection

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with pool:
            yield

    app = FastAPI(lifespan=lifespan)

    of_request = Depends(transaction, scope="function")

    @app.post("/invoices/{number}")
    async def issue(number: int, fails: bool = False, connection: Any = of_request) -> None:
        await store.write_message(f"invoice-{number}", "Issued", connection=connection)
        if fails:
            raise HTTPException(400)

    with TestClient(app) as client:
        assert client.post("/invoices/1").status_code == 200
        assert client.post("/invoices/2?fails=true").status_code == 400
    with coldstream.connect(store_schema.dsn, schema=store_schema.schema) as opened:
        assert names(opened, "invoice") == ["invoice-1"]
