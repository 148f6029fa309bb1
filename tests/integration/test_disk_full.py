"""A disk that is full in the middle of a copy and of an import: the next run goes on.

The store's database is in a tablespace on a small file system of its own, so that the server and
its log go on.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import mkdtemp

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from tests.fix_native import ENGINE, NATIVE_DSN
from tests.fix_store import InstalledStore, install_store
from tests.message_db import SCHEMA, MessageDb

import coldstream
from coldstream import Copy
from coldstream.errors import Unavailable
from coldstream.files.lines import own_line
from coldstream.messages.message import Message
from coldstream.migrations import Settings

pytestmark = pytest.mark.native

MESSAGES = 20_000
ROOM = 12 * 1024 * 1024
NAME = f"coldstream_full_{os.getpid()}"


@dataclass
class Disk:
    folder: Path

    def resize(self, size: int) -> None:
        options = f"remount,size={size}"
        subprocess.run(["mount", "-o", options, str(self.folder)], check=True)

    def leave(self, room: int) -> None:
        self.resize(shutil.disk_usage(self.folder).used + room)

    def give_room(self) -> None:
        self.resize(2 << 30)


@pytest.fixture
def disk() -> Iterator[Disk]:
    folder = Path(mkdtemp(prefix="coldstream-full-"))
    with ExitStack() as stack:
        stack.callback(folder.rmdir)
        command = ["mount", "-t", "tmpfs", "-o", "size=2g,mode=755", "tmpfs", str(folder)]
        mounted = shutil.which("mount") and subprocess.run(
            command, capture_output=True, check=False
        )
        if not mounted or mounted.returncode:
            pytest.skip("not covered here: a small file system, which takes root to mount")
        stack.callback(subprocess.run, ["umount", str(folder)], check=True)
        yield Disk(folder)


@pytest.fixture
def store(disk: Disk) -> Iterator[InstalledStore]:
    """One on a disk that has room for a part of the messages."""
    given = str(NATIVE_DSN)
    with psycopg.connect(given, autocommit=True) as server:
        [data] = server.execute("SHOW data_directory").fetchone() or [""]
        if not Path(data).is_dir():
            pytest.skip("not covered here: the server's files are on another machine")
        owner = Path(data).stat()
        os.chown(disk.folder, owner.st_uid, owner.st_gid)
        name = sql.Identifier(NAME)
        place = sql.Literal(str(disk.folder))
        server.execute(sql.SQL("CREATE TABLESPACE {} LOCATION {}").format(name, place))
        try:
            server.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE template0 TABLESPACE {}").format(name, name)
            )
            dsn = make_conninfo(given, dbname=NAME)
            with psycopg.connect(dsn, autocommit=True) as connection:
                connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
            found = install_store(
                dsn, "full", Settings(engine=ENGINE, chunk_interval=timedelta(days=1))
            )
            disk.leave(ROOM)
            yield found
        finally:
            disk.give_room()
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
            server.execute(sql.SQL("DROP TABLESPACE {}").format(name))


def fill(source: MessageDb) -> None:
    source.run(
        "INSERT INTO messages (position, stream_name, type, data, time) "
        "SELECT n / 37, 'account-' || n %% 37, 'Happened', "
        "jsonb_build_object('text', (SELECT string_agg(md5((n * 100 + k)::text), '') "
        "FROM generate_series(1, 30) AS k)), "
        "(now() AT TIME ZONE 'utc') - INTERVAL '30 days' * (1 - n / %s::float8) "
        "FROM generate_series(0, %s) AS n",
        [MESSAGES, MESSAGES - 1],
    )


@pytest.fixture
def source() -> Iterator[MessageDb]:
    given, name = str(NATIVE_DSN), f"{NAME}_source"
    with psycopg.connect(given, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            found = MessageDb(make_conninfo(given, dbname=name))
            found.run(SCHEMA)
            fill(found)
            yield found
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def count(store: InstalledStore) -> int:
    [(found,)] = store.run("SELECT count(*) FROM messages")
    return int(found)


def test_a_copy(source: MessageDb, store: InstalledStore, disk: Disk) -> None:
    copy = Copy(source.dsn, store.dsn, schema=store.schema)
    with pytest.raises(Unavailable, match="No space left on device") as refused:
        copy.run()
    assert len(str(refused.value).splitlines()) == 1
    there = count(store)
    assert there < MESSAGES
    status = copy.status()
    assert status is not None
    assert status.messages == there
    disk.give_room()
    assert copy.run().messages == MESSAGES
    assert copy.verify().is_equal


def test_an_import(source: MessageDb, store: InstalledStore, disk: Disk, tmp_path: Path) -> None:
    file = tmp_path / "all.ndjson"
    with coldstream.connect(store.dsn, schema=store.schema) as opened:
        write_file(source, file)
        with pytest.raises(Unavailable, match="No space left on device") as refused:
            opened.import_file(file, global_positions="keep", batch_size=500)
        assert len(str(refused.value).splitlines()) == 1
        there = count(store)
        assert 0 < there < MESSAGES
        # Whole batches, and every head is that of the messages.
        assert there % 500 == 0
        assert store.run("SELECT sum(position + 1) FROM streams") == [(there,)]
        disk.give_room()
        opened.import_file(file, global_positions="keep", batch_size=500)
        opened.export(tmp_path / "again.ndjson")
    assert (tmp_path / "again.ndjson").read_bytes() == file.read_bytes()


def write_file(source: MessageDb, file: Path) -> None:
    rows = source.run(
        "SELECT id, stream_name, type, position, global_position, data::text, metadata::text, "
        "time AT TIME ZONE 'utc' FROM messages ORDER BY global_position"
    )
    file.write_text("".join(own_line(Message(*row)) for row in rows))
