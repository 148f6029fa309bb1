"""What a read by the client costs the server and the client, in each tier, in processor time.

    .venv/bin/python bench/profiles/tiers_profile.py postgresql://... [rounds]

A store in the schema tiers_profile gets streams of ten: some in the archive (a folder), some in the
columnstore, some in rows. Each read is made in turn with all others, and the median of the rounds
is printed, in microseconds a call. For a comparison of two checkouts, run each of them. Needs
Linux. Nothing is left.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median
from uuid import UUID

import psycopg

import checkout  # noqa: F401
import coldstream
from coldstream import Message, Store
from processor_time import processor_time

SCHEMA = "tiers_profile"
DAY = timedelta(days=1)
# Days ago; the lifecycle goes by the first two.
TIERS = {"archive": 60, "columnstore": 20, "rows": 1}
STREAMS, LENGTH = 200, 10
ROUNDS, CALLS = 15, 20


def main() -> int:
    if not 2 <= len(sys.argv) <= 3:
        print(__doc__, file=sys.stderr)
        return 2
    dsn = sys.argv[1]
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS
    drop(dsn)
    coldstream.install(dsn, schema=SCHEMA)
    try:
        with tempfile.TemporaryDirectory() as folder:
            url = Path(folder).as_uri()
            with coldstream.connect(dsn, schema=SCHEMA, archive=url, max_size=1) as store:
                fill(store)
                measure(store, rounds)
    finally:
        drop(dsn)
    return 0


def fill(store: Store) -> None:
    store.import_messages(sorted(history(), key=lambda message: message.time))
    store.lifecycle.archive(30 * DAY)
    store.lifecycle.verify()
    store.lifecycle.drop(30 * DAY)
    store.lifecycle.compress(10 * DAY)


def history() -> Iterator[Message]:
    now, number = datetime.now(UTC), 0
    data = '{"amount": 1, "note": "%s"}' % ("x" * 80)
    for tier, days in TIERS.items():
        for position in range(LENGTH):
            for stream in range(STREAMS):
                number += 1
                at = now - days * DAY + timedelta(seconds=position, microseconds=stream)
                name = f"{tier}-{stream}"
                yield Message(UUID(int=number), name, "Happened", position, 0, data, None, at)


def measure(store: Store, rounds: int) -> None:
    first = {tier: next(store.get_category_messages(tier)).global_position for tier in TIERS}
    reads: dict[str, Callable[[int], object]] = {}
    for tier in TIERS:
        reads[f"stream of {LENGTH}, {tier}"] = partial(stream, store, tier)
        reads[f"last message, {tier}"] = partial(last, store, tier)
        reads[f"{LENGTH} of a category, {tier}"] = partial(page, store, tier, first[tier])
    with store.connection() as connection:
        pid = connection.info.backend_pid
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in reads}
    for round in range(-1, rounds):
        for name, read in reads.items():
            server, client = processor_time(pid), time.process_time()
            for number in range(CALLS):
                read(number)
            if round >= 0:
                took = (processor_time(pid) - server) / 1e3, (time.process_time() - client) * 1e6
                times[name].append((took[0] / CALLS, took[1] / CALLS))
    print(f"{'':36}{'server':>10}{'client':>10}")
    for name, found in times.items():
        servers, clients = zip(*found, strict=True)
        print(f"{name:36}{median(servers):10,.0f}{median(clients):10,.0f}")


def stream(store: Store, tier: str, number: int) -> object:
    return list(store.get_stream_messages(f"{tier}-{number % STREAMS}"))


def last(store: Store, tier: str, number: int) -> object:
    return store.get_last_stream_message(f"{tier}-{number % STREAMS}")


def page(store: Store, tier: str, first: int, number: int) -> object:
    return list(islice(store.get_category_messages(tier, first + number, LENGTH), LENGTH))


def drop(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET client_min_messages = warning")
        connection.execute(f"DROP TABLE IF EXISTS {SCHEMA}.messages CASCADE".encode())
        connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE".encode())


if __name__ == "__main__":
    sys.exit(main())
