"""How the columnstore is compressed is a setting of the store, not of whoever compresses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from tests.fix_cli import Cli
from tests.fix_store import InstalledStore, drop_store, install_store
from tests.history import START, without_jobs

from coldstream.migrations import Settings

NewStore = Callable[..., InstalledStore]

ROWS = """
INSERT INTO messages (stream_name, position, type, data, metadata, time)
SELECT 'account-1', n, 'T', d.data, d.data, %s
FROM generate_series(0, 199) AS n,
  LATERAL (SELECT json_build_object('n', n, 'text', md5(n::text), 'note', repeat('note ', 20))) AS d (data)
"""  # noqa: E501
SETTINGS = ("default_toast_compression", "timescaledb.compression_batch_size_limit")


def methods(store: InstalledStore) -> list[str]:
    """Those that the server has."""
    ((found,),) = store.run(
        "SELECT enumvals FROM pg_settings WHERE name = 'default_toast_compression'"
    )
    return list(found)


def session(connection: psycopg.Connection[Any]) -> list[tuple[str]]:
    return connection.execute(
        "SELECT name, setting FROM pg_settings WHERE name = ANY (%s) ORDER BY 1", [list(SETTINGS)]
    ).fetchall()


def found_in(store: InstalledStore) -> set[tuple[str, ...]]:
    """How the data and metadata of the columnstore are compressed."""
    ((columnstore,),) = store.run(
        "SELECT columnstore_of(chunk_name::regclass)::text FROM chunks WHERE range_start <= %s"
        " AND range_end > %s",
        [START, START],
    )
    rows = store.run(
        f"SELECT pg_column_compression(data), pg_column_compression(metadata) FROM {columnstore}"
    )
    return set(rows)


@pytest.mark.parametrize("method", ["lz4", "pglz", None])
def test_chunks_are_compressed_as_the_store_says(new_store: NewStore, method: str | None) -> None:
    store = without_jobs(new_store())
    there = methods(store)
    expected = method or ("lz4" if "lz4" in there else "pglz")
    if expected not in there:
        with pytest.raises(psycopg.errors.FeatureNotSupported) as caught:
            install_store(store.dsn, store.schema, Settings(compression=method))
        assert "pglz" in f"{caught.value.diag.message_hint}"
        # A store that was moved to this server has it all the same.
        store.run("UPDATE store SET compression = %s", [method])
        expected = "pglz"
    else:
        install_store(store.dsn, store.schema, Settings(compression=method))
    without_jobs(store)
    store.run(ROWS, [START])
    with store.connect() as connection, connection.transaction():
        # Whoever compresses has another one, and the same afterwards.
        other = next((each for each in there if each != expected), expected)
        connection.execute(f"SET default_toast_compression = {other}".encode())
        before = session(connection)
        assert len(before) >= 1
        connection.execute("SELECT compress_range(%s)", [START])
        assert session(connection) == before
        # Also after an error, which the caller catches.
        connection.execute(
            "DO $$ BEGIN PERFORM into_columnstore('streams'::regclass); "
            "RAISE EXCEPTION 'compressed'; EXCEPTION WHEN wrong_object_type "
            "OR invalid_parameter_value OR feature_not_supported OR undefined_object "
            "OR undefined_table OR internal_error THEN NULL; END $$"
        )
        assert session(connection) == before
    assert found_in(store) == {(expected, expected)}


def test_the_setting_outlives_the_next_install(new_store: NewStore) -> None:
    store = new_store(Settings(compression="pglz"))
    install_store(store.dsn, store.schema)
    assert store.run("SELECT compression FROM store") == [("pglz",)]


@pytest.fixture
def schema(dsn: str) -> Iterator[str]:
    yield "cli_compression"
    drop_store(dsn, "cli_compression")


def test_init_sets_it(cli: Cli, dsn: str, schema: str) -> None:
    first = cli("init", "--dsn", dsn, "--schema", schema)
    assert first.status == 0
    store = InstalledStore(dsn, schema)
    assert store.run("SELECT compression FROM store") == [(None,)]
    changed = cli("init", "--dsn", dsn, "--schema", schema, "--compression", "pglz")
    assert changed.out == "chunks are compressed with pglz from now on\n"
    assert store.run("SELECT compression FROM store") == [("pglz",)]
    lz4 = cli("init", "--dsn", dsn, "--schema", schema, "--compression", "lz4")
    if "lz4" in methods(store):
        assert lz4.out == "chunks are compressed with lz4 from now on\n"
    else:
        assert (lz4.status, lz4.err.splitlines()) == (
            1,
            [
                "coldstream: This server has no lz4 compression",
                "  hint: Leave it out, or set pglz.",
            ],
        )
    assert cli("init", "--dsn", dsn, "--schema", schema, "--compression", "zstd").status == 2
