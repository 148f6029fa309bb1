"""The page that moves a running Message DB, line by line, on two databases of a native server."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import psycopg
import pytest
from tests.docs.pages import ROOT, parse
from tests.fix_store import InstalledStore
from tests.integration.test_copy import database, in_store, source
from tests.message_db import MessageDb

pytestmark = pytest.mark.native
__all__ = ["database", "source"]  # Fixtures.

PAGE = ROOT / "docs" / "how-to" / "move-from-message-db.md"


def lines() -> list[list[str]]:
    """The commands of the page, in its order."""
    found = [block.text.splitlines() for block in parse(PAGE).blocks if block.tag == "shell"]
    return [shlex.split(line)[1:] for block in found for line in block]


def write(place: str, schema: str, stop: threading.Event, written: list[int]) -> None:
    """Write by Message DB's function until it is refused."""
    with psycopg.connect(place, autocommit=True) as connection:
        connection.execute(f"SET search_path = {schema}, public".encode())
        while not stop.is_set():
            try:
                connection.execute(
                    "SELECT write_message(gen_random_uuid()::varchar, 'live-1', 'Live', "
                    "jsonb_build_object('n', %s::int))",
                    [len(written)],
                )
            except psycopg.Error as error:
                if error.sqlstate not in ("25006", "CS006"):
                    raise
                return
            written.append(len(written))
            time.sleep(0.01)


def test_the_page_moves_a_message_db(
    source: MessageDb, new_store: Callable[..., InstalledStore]
) -> None:
    source.fill(500)
    store = new_store()
    environment = os.environ | {"COLDSTREAM_DSN": store.dsn, "COLDSTREAM_SCHEMA": store.schema}
    program = [
        sys.executable,
        "-c",
        "import sys; from coldstream.cli import main; sys.exit(main())",
    ]
    stop = threading.Event()
    written: list[int] = []
    place, schema = source.dsn, "message_store"
    writer = threading.Thread(target=write, args=(place, schema, stop, written))
    writer.start()
    commands = lines()
    assert [words[-1] for words in commands] == [
        "init",
        "--dry-run",
        "$SOURCE",
        "--follow",
        "--verify",
        "--switch",
        "--back",
        "--switch",
        "--open",
    ]
    # The last one is the other way to end a copy: see test_copy.py.
    for words in commands[:-1]:
        running = subprocess.Popen(
            [*program, *(source.dsn if word == "$SOURCE" else word for word in words)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if words[-1] in ("--follow", "--back"):
            # Until it has brought something new: then the reader of the page presses Ctrl-C.
            there = store if words[-1] == "--follow" else source
            count = len(written) + 20
            deadline = time.monotonic() + 60
            while there.run("SELECT count(*) FROM messages WHERE stream_name = 'live-1'") < [
                (count,)
            ]:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            running.send_signal(signal.SIGINT)
        shown, _ = running.communicate(timeout=120)
        assert running.returncode == (130 if words[-1] in ("--follow", "--back") else 0), shown
        if words[-1] == "--switch":
            writer.join(30)
            assert not writer.is_alive()
            # Writers get the DSN of the other side.
            place, schema = (
                (source.dsn, "message_store") if "--back" in words else (store.dsn, store.schema)
            )
            writer = threading.Thread(target=write, args=(place, schema, stop, written))
            writer.start()
    stop.set()
    writer.join()
    numbers = source.run(
        "SELECT (data ->> 'n')::int FROM messages WHERE stream_name = 'live-1' ORDER BY position"
    )
    assert numbers == [(n,) for n in written]
    kept = in_store(store)
    assert source.messages()[: len(kept)] == kept
