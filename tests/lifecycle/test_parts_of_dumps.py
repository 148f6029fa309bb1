"""A dump of which a part was restored, or that was restored into a store: never less, silently."""

from __future__ import annotations

import subprocess
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from tests.lifecycle.conftest import Store
from tests.lifecycle.test_dumps import bring, empty, program

import coldstream
from coldstream.errors import SetupError
from coldstream.migrations import install
from coldstream.sql import Names

pytestmark = pytest.mark.native

__all__ = ["empty"]

READS = [
    "SELECT * FROM get_stream_messages('account-1')",
    "SELECT * FROM get_category_messages('account')",
    "SELECT * FROM get_all_messages()",
    "SELECT * FROM get_last_stream_message('none-1')",
    "SELECT stream_version('none-1')",
]
WRITES = [
    "SELECT write_message(gen_random_uuid()::varchar, 'new-1', 'T', '{}')",
    "SELECT * FROM write_messages(ARRAY[gen_random_uuid()::varchar], ARRAY['new-1'::varchar], "
    "ARRAY['T'::varchar], ARRAY['{}'::jsonb])",
    "INSERT INTO messages (stream_name, position, type) VALUES ('new-1', 0, 'T')",
    "CALL close_ended_chunks()",
]


def run(dsn: str, *statements: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET client_min_messages = error")
        for statement in statements:
            connection.execute(statement.encode())


def dump(store: Store, folder: Path, *options: str) -> Path:
    file = folder / "dump"
    command = [str(program("pg_dump")), store.installed.dsn, "-Fc", "-f", str(file), *options]
    subprocess.run(command, check=True, capture_output=True)
    return file


def restore(file: Path, dsn: str, *options: str) -> str:
    """What pg_restore reports."""
    command = [str(program("pg_restore")), *options, "-d", dsn, str(file)]
    return subprocess.run(command, capture_output=True, check=False, text=True).stderr


def refused(dsn: str, schema: str, match: str) -> None:
    """Every read and every write says that the store is not whole, and what to do."""
    with pytest.raises(SetupError, match=match) as error:
        coldstream.connect(dsn, schema=schema).open()
    assert "estore the whole" in f"{error.value.hint}"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("SET search_path = {}, public").format(sql.Identifier(schema)))
        for statement in READS + WRITES:
            with pytest.raises(psycopg.Error, match=match) as caught:
                connection.execute(statement.encode())
            assert caught.value.sqlstate == "CS012", statement
        with pytest.raises((psycopg.Error, SetupError)):
            install(connection, Names(schema))


@pytest.mark.parametrize("options", ["-a", "-a --disable-triggers", ""])
@pytest.mark.parametrize("state", ["hot", "warm", "dropped"])
def test_into_a_store_that_is_there(
    store: Store, empty: str, tmp_path: Path, state: str, options: str
) -> None:
    bring(store, state)
    schema = store.installed.schema
    with psycopg.connect(empty, autocommit=True) as connection:
        install(connection, Names(schema))
    run(empty, "SELECT timescaledb_pre_restore()")
    assert "error" in restore(dump(store, tmp_path), empty, *options.split())
    run(empty, "SELECT timescaledb_post_restore()")
    refused(empty, schema, "of another store were loaded into this one")


def test_the_schema_alone(store: Store, empty: str, tmp_path: Path) -> None:
    run(empty, "CREATE EXTENSION timescaledb")
    restore(dump(store, tmp_path, "-s"), empty)
    refused(empty, store.installed.schema, "has no rows of its own")


@pytest.mark.parametrize("options", ["-n", "-t"])
def test_the_schema_without_its_chunks(
    store: Store, empty: str, tmp_path: Path, options: str
) -> None:
    """A dump of the store's schema, or of its tables, leaves out TimescaleDB's."""
    schema = store.installed.schema
    run(empty, "CREATE EXTENSION timescaledb")
    if options == "-n":
        restore(dump(store, tmp_path, "-n", schema), empty)
    else:
        restore(dump(store, tmp_path, "-s", "-n", schema), empty)
        restore(dump(store, tmp_path, "-a", "-t", f"{schema}.*"), empty)
    with pytest.raises(SetupError, match="has no chunks"):
        coldstream.connect(empty, schema=schema).open()
    with psycopg.connect(empty, autocommit=True) as connection:
        connection.execute(sql.SQL("SET search_path = {}, public").format(sql.Identifier(schema)))
        for statement in READS[:3] + WRITES[2:]:
            with pytest.raises(psycopg.Error, match="has no chunks"):
                connection.execute(statement.encode())
        with pytest.raises((psycopg.Error, SetupError)):
            install(connection, Names(schema))


@pytest.mark.parametrize("state", ["hot", "warm", "dropped"])
def test_the_schema_and_then_the_data(store: Store, empty: str, tmp_path: Path, state: str) -> None:
    """In either step alone: the ledger's tables come in any order, and no trigger adds to them."""
    bring(store, state)
    file = dump(store, tmp_path)
    run(empty, "CREATE EXTENSION timescaledb", "SELECT timescaledb_pre_restore()")
    restore(file, empty, "-s")
    assert "error" not in restore(file, empty, "-a")
    run(empty, "SELECT timescaledb_post_restore()")
    schema = store.installed.schema
    with coldstream.connect(empty, schema=schema, archive=store.archive) as opened:
        assert list(opened.get_all_messages()) == store.truth
        of_stream = [message for message in store.truth if message.stream_name == "account-1"]
        assert of_stream
        of_stream.sort(key=lambda message: message.position)
        assert list(opened.get_stream_messages("account-1")) == of_stream
    history = sql.SQL("SELECT to_jsonb(t) FROM {}.transitions AS t ORDER BY id")
    with psycopg.connect(empty) as connection:
        copied = connection.execute(history.format(sql.Identifier(schema))).fetchall()
    assert copied == store.run("SELECT to_jsonb(t) FROM transitions AS t ORDER BY id")


@pytest.mark.parametrize("table", ["chunks", "chunk_categories", "streams", "archive_files"])
def test_without_a_table(archived: Store, table: str) -> None:
    """A COPY that failed loads nothing of its table."""
    archived.run_behind(f"DELETE FROM {table}")
    with pytest.raises(SetupError, match="A table of the store is empty"), archived.opened():
        pass
    with pytest.raises(psycopg.Error, match="A table of the store is empty"):
        archived.run("CALL close_ended_chunks()")


def test_rows_that_replaced_a_stores_own(store: Store, empty: str) -> None:
    """As logical replication into a store leaves it, once its row is replaced: positions go on."""
    schema = store.installed.schema
    with psycopg.connect(empty, autocommit=True) as connection:
        install(connection, Names(schema))
        row = store.run("SELECT token, id FROM store")[0]
        table = sql.Identifier(schema, "store")
        connection.execute(sql.SQL("UPDATE {} SET token = %s, id = %s").format(table), row)
        with pytest.raises(SetupError, match="of another store"):
            coldstream.connect(empty, schema=schema).open()
        installed = install(connection, Names(schema))
    assert any("sequences" in action for action in installed.actions)
    with coldstream.connect(empty, schema=schema) as opened:
        opened.write_message("account-1", "T", {})
