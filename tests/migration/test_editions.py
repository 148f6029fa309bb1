"""TimescaleDB's Apache edition, and servers that have no TimescaleDB: what works, what is said."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from tests.fix_cluster import StartCluster, require_timescaledb
from tests.fix_store import InstalledStore, drop_store, install_store
from tests.history import CHUNKS, END, START, history, insert, rows_of, without_jobs

import coldstream
from coldstream import ChunkChanged, LateMessage, MissingExtension, UnsupportedEdition
from coldstream.doctor import examine
from coldstream.migrations import Settings, install
from coldstream.migrations.connection import direct_connection
from coldstream.sql import Names

pytestmark = pytest.mark.native

OLD = datetime(2025, 12, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def apache(start_cluster: StartCluster) -> str:
    require_timescaledb()
    return start_cluster(
        **{
            "shared_preload_libraries": "timescaledb",
            "timescaledb.license": "apache",
            "timescaledb.telemetry_level": "off",
        }
    )


@pytest.fixture
def store(apache: str) -> InstalledStore:
    drop_store(apache, "message_store")
    store = install_store(apache, "message_store")
    insert(store, history())
    return store


def test_an_install_says_what_is_missing(apache: str) -> None:
    drop_store(apache, "message_store")
    for _ in range(2):
        with psycopg.connect(apache, autocommit=True) as connection:
            result = install(connection, Names("message_store"), Settings(layout="stream"))
        assert result.actions[-1] == (
            "this edition of TimescaleDB has no columnstore: chunks stay rows until archived"
        )


def test_the_whole_way_round_without_compression(store: InstalledStore, tmp_path: Path) -> None:
    truth = rows_of(store)
    with coldstream.connect(store.dsn, archive=tmp_path.as_uri()) as opened:
        lifecycle = opened.lifecycle
        assert len(lifecycle.archive(OLD)) == CHUNKS
        assert [v.problem for v in lifecycle.verify()] == [None] * CHUNKS
        assert [d.reason for d in lifecycle.drop(OLD)] == [None] * CHUNKS
        assert store.run("SELECT count(*) FROM messages") == [(0,)]
        assert list(opened.get_all_messages()) == truth
        assert opened.write_message("account-1", "T").position == 24
        lifecycle.rehydrate(START, END)
        assert len(list(opened.get_stream_messages("account-1"))) == 25
        assert len(store.run("SELECT * FROM get_stream_messages('account-1')")) == 25
        assert [d.reason for d in lifecycle.drop(OLD)] == [None] * CHUNKS


def test_compression_is_refused(store: InstalledStore) -> None:
    with coldstream.connect(store.dsn) as opened:
        with pytest.raises(UnsupportedEdition, match="has no columnstore") as caught:
            opened.lifecycle.compress(OLD)
        assert "community edition" in f"{caught.value.hint}"
    with pytest.raises(psycopg.Error, match="has no columnstore") as refused:
        store.run("SELECT * FROM compress_chunks_older_than(INTERVAL '60 days')")
    assert refused.value.sqlstate == "CS007"


def test_a_late_message_is_refused_without_a_frozen_chunk(
    store: InstalledStore, tmp_path: Path
) -> None:
    with coldstream.connect(store.dsn, archive=tmp_path.as_uri()) as opened:
        opened.lifecycle.archive(OLD)
        with pytest.raises(LateMessage, match=r"which is exported$"), opened.connection() as c:
            c.execute(
                "INSERT INTO message_store.messages (stream_name, position, type, time) "
                "VALUES ('late-1', 0, 'T', %s)",
                [START],
            )


def test_rows_that_changed_stay_without_a_frozen_chunk(
    store: InstalledStore, tmp_path: Path
) -> None:
    with coldstream.connect(store.dsn, archive=tmp_path.as_uri()) as opened:
        opened.lifecycle.archive(OLD)
        opened.lifecycle.verify()
        change = (
            "UPDATE message_store.messages SET type = 'X' WHERE global_position = "
            "(SELECT min(global_position) FROM message_store.messages)"
        )
        # No chunk is frozen here: the store's own trigger refuses.
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="cannot change"):
            store.run(change)
        with psycopg.connect(store.dsn) as connection:
            connection.execute("SET LOCAL session_replication_role = replica")
            connection.execute(change.encode())
        with pytest.raises(ChunkChanged):
            opened.lifecycle.drop(OLD)
        # That chunk stays, and keeps no other.
        assert store.run("SELECT count(*) FROM messages WHERE type = 'X'") == [(1,)]
        assert len(list(opened.get_all_messages())) == len(history())


@pytest.fixture(scope="module")
def plain(start_cluster: StartCluster) -> str:
    return start_cluster()


def test_a_server_that_does_not_load_timescaledb(plain: str) -> None:
    with (
        psycopg.connect(plain, autocommit=True) as connection,
        pytest.raises(MissingExtension) as caught,
    ):
        install(connection, Names("message_store"))
    assert "\n" not in str(caught.value)
    assert "shared_preload_libraries" in f"{caught.value.hint}"


def test_a_dry_run_on_it_changes_nothing(plain: str) -> None:
    with psycopg.connect(plain, autocommit=True) as connection:
        install(connection, Names("message_store"), dry_run=True)
        assert connection.execute("SELECT to_regnamespace('message_store')").fetchall() == [(None,)]
        assert connection.execute("SELECT extname FROM pg_extension").fetchall() == [("plpgsql",)]


@pytest.fixture(scope="module")
def managed(start_cluster: StartCluster) -> str:
    """As a managed service gives it: the database's owner may make roles, and is no superuser."""
    require_timescaledb()
    dsn = start_cluster(
        **{"shared_preload_libraries": "timescaledb", "timescaledb.telemetry_level": "off"}
    )
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE ROLE customer LOGIN CREATEROLE")
        connection.execute("CREATE DATABASE shop TEMPLATE template0 OWNER customer")
    return dsn.replace("postgres@", "customer@").replace("/postgres", "/shop")


def test_everything_works_for_an_owner_who_is_no_superuser(managed: str, tmp_path: Path) -> None:
    store = install_store(managed, "message_store")
    assert install_store(managed, "message_store") == store
    # Its jobs would compress what is old already, or close it beside the lifecycle.
    without_jobs(store)
    insert(store, history())
    truth = rows_of(store)
    with coldstream.connect(managed, archive=tmp_path.as_uri()) as opened:
        lifecycle = opened.lifecycle
        assert len(lifecycle.compress(OLD)) == CHUNKS
        assert len(lifecycle.archive(OLD)) == CHUNKS
        assert [v.problem for v in lifecycle.verify()] == [None] * CHUNKS
        assert [d.reason for d in lifecycle.drop(OLD)] == [None] * CHUNKS
        assert opened.write_message("account-1", "T").position == 24
        assert list(opened.get_all_messages())[:-1] == truth
        lifecycle.rehydrate(START, END)
        assert list(opened.get_all_messages())[:-1] == truth


def test_a_role_that_may_not_create_the_extension(managed: str) -> None:
    with psycopg.connect(managed, autocommit=True) as connection:
        connection.execute("CREATE ROLE weak LOGIN")
    dsn = managed.replace("customer@", "weak@").replace("/shop", "/postgres")
    with (
        psycopg.connect(dsn, autocommit=True) as connection,
        pytest.raises(MissingExtension, match="may not install it") as caught,
    ):
        install(connection, Names("message_store"))
    assert caught.value.hint == "As a superuser: CREATE EXTENSION timescaledb."


def test_the_doctor_names_the_edition_and_nothing_else(store: InstalledStore) -> None:
    # No job does it in this edition.
    store.run("CALL close_ended_chunks()")
    with direct_connection(store.dsn, store.schema) as connection:
        found = examine(connection, store.schema, deep=True)
    codes = {each.code for each in found.findings}
    assert "edition-apache" in codes
    # The rest is the server's.
    assert codes <= {
        "edition-apache",
        "durability-off",
        "shared-buffers-small",
        "toast-compression-pglz",
        "workers-few",
        "timescaledb-not-updated",
    }
    assert found.unchecked == []
