"""A DSN that leads nowhere, a schema without a store: one clear line, whatever the command."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from tests.fix_cli import Cli
from tests.fix_store import InstalledStore

COMMANDS = [
    ["init"],
    ["chunks"],
    ["read", "--all"],
    ["write", "account-1", "Deposited"],
    ["compress", "--older-than", "7d"],
    ["archive", "--older-than", "7d", "--archive", "memory://"],
    ["verify", "--archive", "memory://"],
    ["drop", "--older-than", "7d"],
    ["rehydrate", "--from", "2020-01-01", "--to", "2020-02-01", "--archive", "memory://"],
]


@pytest.fixture
def refusing_server() -> Iterator[int]:
    """The port of a server that takes no password (SQLSTATE 28P01)."""
    fields = b'SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user "app"\0\0'
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client:
                while client.recv(4096)[4:8] == struct.pack(">I", 80877103):
                    client.sendall(b"N")  # no TLS here; then comes the real start
                client.sendall(b"E" + struct.pack(">I", len(fields) + 4) + fields)

    thread = threading.Thread(target=serve)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
def test_no_server(command: list[str], cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    ran = cli(*command, "--dsn", f"postgresql://app@127.0.0.1:{port}/events")
    first, hint = ran.err.splitlines()
    assert (ran.status, ran.out) == (1, "")
    assert first.startswith("coldstream: Cannot connect: ")
    assert "Connection refused" in first
    assert hint.startswith("  hint: Is the server up? Check the DSN: ")


@pytest.mark.parametrize("command", [["init"], ["chunks"]], ids=lambda words: words[0])
def test_a_wrong_password(command: list[str], cli: Cli, refusing_server: int) -> None:
    ran = cli(*command, "--dsn", f"postgresql://app:s3cret@127.0.0.1:{refusing_server}/events")
    first, _hint = ran.err.splitlines()
    assert (ran.status, ran.out) == (1, "")
    assert 'password authentication failed for user "app"' in first
    assert "s3cret" not in ran.err


@pytest.mark.parametrize("command", [["init"], ["chunks"]], ids=lambda words: words[0])
def test_a_database_that_is_not_there(command: list[str], cli: Cli, dsn: str) -> None:
    ran = cli(*command, "--dsn", make_conninfo(dsn, dbname="nowhere"))
    first, _hint = ran.err.splitlines()
    assert (ran.status, ran.out) == (1, "")
    assert 'database "nowhere" does not exist' in first


@pytest.mark.parametrize(
    ("dsn", "status", "message"),
    [
        ("nonsense", 2, "Not a DSN: missing"),
        ("host=localhost nonsense=1", 2, "Not a DSN: invalid connection option"),
        ("postgresql://nowhere.invalid/events", 1, "Cannot connect: "),
        ("postgresql://[::1/events", 2, "Not a DSN: "),
        ("mysql://x/y", 2, "Not a DSN: "),
    ],
)
@pytest.mark.parametrize("command", [["init"], ["chunks"]], ids=lambda words: words[0])
def test_a_dsn_that_cannot_be_read(
    command: list[str], dsn: str, status: int, message: str, cli: Cli
) -> None:
    ran = cli(*command, "--dsn", dsn)
    first, hint = ran.err.splitlines()
    assert (ran.status, ran.out) == (status, "")
    assert first.startswith(f"coldstream: {message}")
    assert "postgresql://user:password@host:port/database" in hint


@pytest.mark.parametrize("command", COMMANDS[1:], ids=lambda words: words[0])
def test_a_schema_without_a_store(command: list[str], cli: Cli, dsn: str) -> None:
    ran = cli(*command, "--dsn", dsn, "--schema", "nowhere")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.splitlines() == [
        "coldstream: No store in schema nowhere",
        "  hint: Install one with coldstream init, or name its schema.",
    ]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
def test_a_schema_name_that_is_none(command: list[str], cli: Cli, dsn: str) -> None:
    ran = cli(*command, "--dsn", dsn, "--schema", 'a"; DROP')
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("coldstream: Not a schema name: ")


@pytest.mark.parametrize("command", [["init"], ["chunks"]], ids=lambda words: words[0])
def test_a_second_connection_to_the_embedded_server(
    command: list[str], cli: Cli, message_store: InstalledStore
) -> None:
    dsn = message_store.dsn
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT version()").fetchone()
        assert row is not None
        ran = cli(*command, "--dsn", dsn)
        if "Emscripten" not in row[0]:
            # A server of one's own takes as many as it likes.
            assert ran.status == 0
            return
    first, hint = ran.err.splitlines()
    assert (ran.status, ran.out) == (1, "")
    assert "the embedded server takes one connection at a time, and one is open" in first
    assert hint.startswith("  hint: Close the other connection first")
