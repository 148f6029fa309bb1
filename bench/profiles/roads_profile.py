"""How fast messages come in from a file, go out to one, and come back from the archive.

    .venv/bin/python bench/profiles/roads_profile.py postgresql://... [messages [streams [weeks]]]

A file of NDJSON is made, imported into a store in the schema roads_profile, exported, archived and
rehydrated. Printed are seconds, messages a second, and microseconds of processor time a message:
this process's and its backends'. Those depend little on what else the machine does. Nothing is
left.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import psycopg

import checkout  # noqa: F401
import coldstream
from coldstream.files.lines import own_line
from coldstream.messages.message import Message
from processor_time import processor_time

SCHEMA = "roads_profile"
START = datetime(2025, 1, 2, tzinfo=UTC)
WEEK = timedelta(days=7)


def main() -> int:
    if not 2 <= len(sys.argv) <= 5:
        print(__doc__, file=sys.stderr)
        return 2
    dsn = sys.argv[1]
    messages, streams, weeks = [
        int(given) if given else default
        for given, default in zip(
            [*sys.argv[2:], None, None, None], (1_000_000, 5_000, 26), strict=False
        )
    ]
    drop(dsn)
    coldstream.install(dsn, schema=SCHEMA)
    with psycopg.connect(dsn, autocommit=True) as connection:
        # Nothing but what is measured is to happen in it.
        connection.execute(
            "SELECT delete_job(job_id) FROM timescaledb_information.jobs "
            "WHERE proc_schema = %s OR hypertable_schema = %s",
            [SCHEMA, SCHEMA],
        )
    try:
        with tempfile.TemporaryDirectory() as folder:
            make(Path(folder, "in.ndjson"), messages, streams, weeks)
            roads(dsn, Path(folder), messages)
    finally:
        drop(dsn)
    return 0


def roads(dsn: str, folder: Path, messages: int) -> None:
    archive = (folder / "archive").as_uri()
    end = datetime.now(UTC)
    with coldstream.connect(dsn, schema=SCHEMA, archive=archive, max_size=2) as store:
        with store.connection() as one, store.connection() as other:
            pids = [one.info.backend_pid, other.info.backend_pid]

        def at_servers() -> int:
            return sum(map(processor_time, pids))

        def took(what: str, run: Callable[[], object]) -> None:
            server, client, began = at_servers(), time.process_time_ns(), time.monotonic()
            run()
            wall = time.monotonic() - began
            used = [time.process_time_ns() - client, at_servers() - server]
            client_us, server_us = (each / messages / 1000 for each in used)
            print(
                f"{what:18} {wall:7.1f} s {messages / wall:10,.0f} a second; "
                f"processor time: client {client_us:5.1f} us, server {server_us:5.1f} us",
                flush=True,
            )

        source = folder / "in.ndjson"
        took("check", lambda: store.import_file(source, dry_run=True))
        took("check and import", lambda: store.import_file(source, global_positions="keep"))
        took("export", lambda: store.export(folder / "out.ndjson.gz"))
        lifecycle = store.lifecycle
        took("archive", lambda: lifecycle.archive(timedelta(0)))
        took("verify", lifecycle.verify)
        lifecycle.drop(timedelta(0))
        took("rehydrate", lambda: lifecycle.rehydrate(START, end))
        took("export", lambda: store.export(folder / "again.ndjson.gz"))
        same = (folder / "again.ndjson.gz").read_bytes() == (folder / "out.ndjson.gz").read_bytes()
        print(f"both exports are {'the same bytes' if same else 'NOT THE SAME'}")


def make(path: Path, messages: int, streams: int, weeks: int) -> None:
    chance, positions = random.Random(1), Counter[str]()
    with path.open("w") as file:
        for number in range(messages):
            name = f"account-{chance.randrange(streams)}"
            file.write(
                own_line(
                    Message(
                        UUID(int=chance.getrandbits(128), version=4),
                        name,
                        "Deposited",
                        positions[name],
                        number + 1,
                        f'{{"amount": {number}, "currency": "EUR", "note": "{"x" * 60}"}}',
                        '{"properties": {"a": 1}}',
                        START + weeks * WEEK * number / messages,
                    )
                )
            )
            positions[name] += 1


def drop(dsn: str) -> None:
    with suppress(coldstream.SetupError):
        coldstream.delete_namespace(dsn, SCHEMA)


if __name__ == "__main__":
    sys.exit(main())
