"""Backups and copies of a whole database, in every state that its chunks can be in."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from tests.history import END, START, WEEK
from tests.lifecycle.conftest import Store

import coldstream
from coldstream.errors import ArchiveConflict, LateMessage
from coldstream.migrations import install
from coldstream.sql import Names

pytestmark = pytest.mark.native

STATES = ["hot", "warm", "exported", "verified", "dropped", "rehydrated", "in part"]


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"not covered here: this machine has no {name}")
    return found


def bring(store: Store, state: str) -> None:
    with store.opened() as opened:
        lifecycle = opened.lifecycle
        if state == "hot":
            return
        lifecycle.compress(END)
        if state == "warm":
            return
        lifecycle.archive(END)
        if state == "exported":
            return
        lifecycle.verify()
        if state == "verified":
            return
        lifecycle.drop(END)
        if state == "rehydrated":
            lifecycle.rehydrate(START, END)
        if state == "in part":
            lifecycle.rehydrate(START, END, streams="account-*")


@pytest.fixture
def empty(store: Store) -> Iterator[str]:
    """A database beside the store's, for a copy of it."""
    name = f"{conninfo_to_dict(store.installed.dsn)['dbname']}_copy"
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    with psycopg.connect(store.installed.dsn, autocommit=True) as connection:
        connection.execute(drop)
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield make_conninfo(store.installed.dsn, dbname=name)
    with psycopg.connect(store.installed.dsn, autocommit=True) as connection:
        connection.execute(drop)


def restored(store: Store, into: str, folder: Path, *options: str) -> None:
    """Dump the store's schema's database and load it into another, as TimescaleDB's manual says."""
    dump = folder / "dump"
    plain = "--format=plain" in options
    subprocess.run(
        [program("pg_dump"), store.installed.dsn, "-f", dump, *options],
        check=True,
        capture_output=True,
    )

    def run(statement: str) -> None:
        with psycopg.connect(into, autocommit=True) as connection:
            connection.execute("SET client_min_messages = error")
            connection.execute(statement.encode())

    run("CREATE EXTENSION IF NOT EXISTS timescaledb")
    run("SELECT timescaledb_pre_restore()")
    load: list[Any] = [program("psql"), "-X", "-q", "-d", into, "-f", dump]
    if not plain:
        load = [program("pg_restore"), "-d", into, dump]
    subprocess.run(load, capture_output=True, check=False)
    run("SELECT timescaledb_post_restore()")


@pytest.mark.parametrize("options", ["--format=plain", "--format=custom", "--format=custom -O -x"])
@pytest.mark.parametrize("state", STATES)
def test_a_dump_has_everything(
    store: Store, empty: str, tmp_path: Path, state: str, options: str
) -> None:
    bring(store, state)
    schema = store.installed.schema
    restored(store, empty, tmp_path, *options.split())
    with psycopg.connect(empty, autocommit=True) as connection:
        if "-x" not in options:
            install(connection, Names(schema))
        # It is a copy, and every verb says so before it writes.
        here = connection.execute(
            sql.SQL("SELECT {}.store_is_here()").format(sql.Identifier(schema))
        ).fetchone()
        assert here == (False,)
    with coldstream.connect(empty, schema=schema, archive=store.archive) as opened:
        assert list(opened.get_all_messages()) == store.truth
        opened.lifecycle.adopt()
        assert all(each.result in ("known", "database") for each in opened.lifecycle.rebuild())
        opened.lifecycle.archive(END)
        assert [each.problem for each in opened.lifecycle.verify(again=True) if each.problem] == []
        opened.lifecycle.drop(END)
        assert list(opened.get_all_messages()) == store.truth


def test_late_messages_of_a_sealed_columnstore_are_refused(store: Store) -> None:
    """It is not frozen: the write functions, the trigger and the drop hold by themselves."""
    bring(store, "verified")
    at = START + WEEK / 2
    late = coldstream.Message(
        id=UUID("0192d3a4-0000-7000-8000-0000000000aa"),
        stream_name="late-1",
        type="Late",
        position=0,
        global_position=0,
        data_text=None,
        metadata_text=None,
        time=at,
    )
    with store.opened() as opened:
        with pytest.raises(LateMessage):
            opened.import_messages([late])
        with pytest.raises(psycopg.Error) as caught:
            store.run(
                "INSERT INTO messages (stream_name, position, type, time) "
                "VALUES ('l-1', 0, 'T', %s)",
                [at],
            )
        assert caught.value.sqlstate == "CS005"
        opened.lifecycle.drop(END)
        assert list(opened.get_all_messages()) == store.truth


def test_a_template_copy(store: Store, empty: str) -> None:
    bring(store, "verified")
    name = conninfo_to_dict(empty)["dbname"]
    ours = conninfo_to_dict(store.installed.dsn)["dbname"]
    server = make_conninfo(store.installed.dsn, dbname="postgres")
    with psycopg.connect(server, autocommit=True) as connection:
        names = {"copy": sql.Identifier(str(name)), "ours": sql.Identifier(str(ours))}
        connection.execute(sql.SQL("DROP DATABASE {copy}").format(**names))
        # TimescaleDB's own workers are connected, and come again.
        connection.execute(
            sql.SQL("ALTER DATABASE {ours} WITH ALLOW_CONNECTIONS false").format(**names)
        )
        try:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s",
                [ours],
            )
            connection.execute(sql.SQL("CREATE DATABASE {copy} TEMPLATE {ours}").format(**names))
        finally:
            connection.execute(
                sql.SQL("ALTER DATABASE {ours} WITH ALLOW_CONNECTIONS true").format(**names)
            )
    schema = store.installed.schema
    with coldstream.connect(empty, schema=schema, archive=store.archive) as opened:
        with pytest.raises(ArchiveConflict, match="is a copy"):
            opened.lifecycle.archive(END, again=True)
        assert list(opened.get_all_messages()) == store.truth
    with store.opened() as opened:
        opened.lifecycle.archive(END, again=True)
