"""A schema that was renamed: its functions go on by the name that it had."""

from __future__ import annotations

import psycopg
import pytest
from tests.fix_store import InstalledStore

import coldstream
from coldstream.errors import NotInstalled, SetupError
from coldstream.migrations import install
from coldstream.sql import Names


def rename(store: InstalledStore, before: str, after: str) -> None:
    store.run(f"ALTER SCHEMA {before} RENAME TO {after}")


def test_it_is_said_and_an_install_binds_it_to_the_new_name(fresh_store: InstalledStore) -> None:
    dsn, schema = fresh_store.dsn, fresh_store.schema
    with coldstream.connect(dsn, schema=schema) as store:
        store.write_message("account-1", "Opened", {})
    rename(fresh_store, schema, "moved_store")
    try:
        with pytest.raises(SetupError, match=f"was named {schema}") as caught:
            coldstream.connect(dsn, schema="moved_store").open()
        assert "coldstream init --schema moved_store" in f"{caught.value.hint}"
        with pytest.raises(NotInstalled, match="renamed to moved_store") as caught:
            coldstream.connect(dsn, schema=schema).open()
        assert "ALTER SCHEMA moved_store RENAME" in f"{caught.value.hint}"

        with psycopg.connect(dsn, autocommit=True) as connection:
            actions = install(connection, Names("moved_store")).actions
        assert f"bound the functions to the schema's name, which was {schema}" in actions
        with coldstream.connect(dsn, schema="moved_store") as store:
            store.write_message("account-1", "Closed", {}, expected_version=0)
            assert [m.type for m in store.get_stream_messages("account-1")] == ["Opened", "Closed"]
        fresh_store.run(
            "INSERT INTO moved_store.messages (stream_name, position, type) "
            "VALUES ('account-1', 2, 'T')"
        )
        fresh_store.run("CALL moved_store.close_ended_chunks()")
    finally:
        rename(fresh_store, "moved_store", schema)


def test_back_again_it_is_as_before(fresh_store: InstalledStore) -> None:
    rename(fresh_store, fresh_store.schema, "moved_store")
    rename(fresh_store, "moved_store", fresh_store.schema)
    with coldstream.connect(fresh_store.dsn, schema=fresh_store.schema) as store:
        store.write_message("account-1", "Opened", {})
