"""A major upgrade leaves the store what it is: nobody has to say anything before it archives on."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from tests.fix_cluster import initdb, programs, require_timescaledb, running, unprivileged
from tests.fix_store import install_store

import coldstream
from coldstream import Message

pytestmark = pytest.mark.native

START = datetime(2025, 1, 2, tzinfo=UTC)
WEEK = timedelta(days=7)


def messages(week: int) -> list[Message]:
    return [
        Message(
            id=uuid4(),
            stream_name="account-1",
            type="Happened",
            position=week * 3 + number,
            global_position=0,
            data_text=None,
            metadata_text=None,
            time=START + week * WEEK + timedelta(minutes=number),
        )
        for number in range(3)
    ]


def test_pg_upgrade(server_folder: Path, tmp_path: Path) -> None:
    require_timescaledb()
    archive = (tmp_path / "archive").as_uri()
    old, new = server_folder / "old", server_folder / "new"
    options = {"shared_preload_libraries": "timescaledb"}
    with running(old, server_folder, options) as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("CREATE EXTENSION timescaledb")
        install_store(dsn, "message_store")
        with coldstream.connect(dsn, archive=archive) as opened:
            opened.import_messages(messages(0) + messages(1))
            opened.lifecycle.compress(START + 2 * WEEK)
            opened.lifecycle.archive(START + WEEK)
            opened.lifecycle.verify()
            opened.lifecycle.drop(START + WEEK)
            truth = list(opened.get_all_messages())
            [(before,)] = opened_rows(dsn)
    initdb(new, server_folder)
    where = programs()
    upgraded = subprocess.run(
        [
            *(where / "pg_upgrade", "-b", where, "-B", where, "-d", old, "-D", new),
            *("-U", "postgres", "-s", server_folder),
            *("-o", "-c shared_preload_libraries=timescaledb"),
            *("-O", "-c shared_preload_libraries=timescaledb"),
        ],
        capture_output=True,
        text=True,
        cwd=server_folder,
        **unprivileged(),
    )
    assert upgraded.returncode == 0, upgraded.stdout[-3000:]
    shutil.rmtree(old)
    with running(new, server_folder, options) as dsn:
        assert opened_rows(dsn) != [(before,)]
        with coldstream.connect(dsn, archive=archive) as opened:
            opened.lifecycle.archive(START + 2 * WEEK)
            opened.lifecycle.verify()
            opened.lifecycle.drop(START + 2 * WEEK)
            assert list(opened.get_all_messages()) == truth


def opened_rows(dsn: str) -> list[tuple[int]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute("SELECT system_identifier FROM pg_control_system()").fetchall()
