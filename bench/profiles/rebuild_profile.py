"""How long a store takes to come back from its archive alone.

    .venv/bin/python bench/profiles/rebuild_profile.py postgresql://... [messages [streams [weeks]]]

An archive is made without a database, a range a week: streams of three or four messages, most
within one week, some over the border of two, one of a hundred through all of them. Then a store in
the schema rebuild_profile is rebuilt from it: the dry run, the whole, once more when all is known,
and a read of a stream. Printed are seconds. Nothing is left.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import psycopg

import coldstream
from coldstream.archive.export import Export
from coldstream.archive.format.rows import Row
from coldstream.archive.manifest.commit import commit_manifest
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.migrations import install
from coldstream.sql import Names

SCHEMA = "rebuild_profile"
START = datetime(2025, 1, 2, tzinfo=UTC)
WEEK = timedelta(days=7)
STORE = "0192d3a4-0000-7000-8000-000000000001"


def main() -> int:
    if not 2 <= len(sys.argv) <= 5:
        print(__doc__, file=sys.stderr)
        return 2
    dsn = sys.argv[1]
    messages, streams, weeks = [
        int(given) if given else default
        for given, default in zip(
            [*sys.argv[2:], None, None, None], (2_000_000, 600_000, 26), strict=False
        )
    ]
    with tempfile.TemporaryDirectory() as folder:
        url = Path(folder, "archive").as_uri()
        location = ArchiveLocation.open(url)
        seconds("making the archive", lambda: make(location, messages, streams, weeks))
        drop(dsn)
        with psycopg.connect(dsn, autocommit=True) as connection:
            install(connection, Names(SCHEMA))
        try:
            with coldstream.connect(dsn, schema=SCHEMA, archive=url) as store:
                rebuild(store)
        finally:
            drop(dsn)
    return 0


def rebuild(store: coldstream.Store) -> None:
    lifecycle = store.lifecycle
    seconds("dry run", lambda: lifecycle.rebuild(dry_run=True))
    seconds("rebuild", lambda: lifecycle.rebuild(on_range=told))
    seconds("once more, all known", lifecycle.rebuild)
    seconds("a long stream", lambda: list(store.get_stream_messages("long-0")))


def told(found: coldstream.lifecycle.rebuild.Rebuilt, number: int, count: int) -> None:
    print(f"  {number} of {count}: {found.result}, {found.messages} messages", file=sys.stderr)


def seconds(what: str, run: Callable[[], object]) -> None:
    started = time.monotonic()
    run()
    print(f"{what:24} {time.monotonic() - started:8.1f} s", flush=True)


def drop(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET client_min_messages = warning")
        connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE".encode())
        with suppress(psycopg.errors.UndefinedObject):
            connection.execute(f"DROP OWNED BY {SCHEMA} CASCADE".encode())
            connection.execute(f"DROP ROLE {SCHEMA}".encode())


def make(location: ArchiveLocation, messages: int, streams: int, weeks: int) -> None:
    chosen = random.Random(1)
    global_position = 0
    each = messages // streams
    for week in range(weeks):
        rows: list[Row] = []
        start = START + week * WEEK
        for name, positions in parts(streams, each, weeks, week):
            for position in positions:
                global_position += 1
                rows.append(
                    (
                        global_position,
                        position,
                        start + timedelta(minutes=position % 10_000),
                        name,
                        "Happened",
                        f'{{"number": {position}, "text": "{chosen.random()}"}}',
                        None,
                        UUID(int=chosen.getrandbits(128), version=4),
                        name.partition("-")[0],
                    )
                )
        rows.sort(key=lambda row: (row[3].encode(), row[1]))
        manifest = Export(location, SCHEMA, store_id=STORE).chunk(
            (rows[first : first + 2_000] for first in range(0, len(rows), 2_000)),
            f"_hyper_1_{week}_chunk",
            start,
            start + WEEK,
        )
        commit_manifest(location, manifest)


def parts(streams: int, each: int, weeks: int, week: int) -> Iterator[tuple[str, range]]:
    """The streams of a week and the positions that they have in it."""
    for number in range(week, streams, weeks):
        if number % 1000 == 0:
            continue
        # Every fifth goes on in the next week.
        yield f"account-{number}", range(each // 2 if number % 5 == 0 else each)
    for number in range((week - 1) % weeks, streams, weeks):
        if week and number % 5 == 0 and number % 1000:
            yield f"account-{number}", range(each // 2, each + 1)
    for number in range(0, streams, 1000):
        first = week * each * 3
        yield f"long-{number}", range(first, first + each * 3)


if __name__ == "__main__":
    raise SystemExit(main())
