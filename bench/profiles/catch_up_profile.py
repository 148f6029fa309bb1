"""Where the processor time goes of a consumer that catches up with a category.

    .venv/bin/python bench/profiles/catch_up_profile.py postgresql://...

The server must be on this machine and run Linux: a backend's time on the processor is read from
/proc. Printed are microseconds a message, the median of some rounds: what all backends spend, and
what the client does. They work at the same time, so there are no more messages a second than the
busiest of them has time for. "The statement alone" is read bucket by bucket, unsorted, with its
range of time and of positions written into it: no function, no ledger.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

from psycopg import Connection
from psycopg.rows import TupleRow

import checkout  # noqa: F401
from coldstream.client.arguments import to_messages
from coldstream.store import Store
from coldstream_bench.arena import Arena, make
from coldstream_bench.bare import bare_range
from coldstream_bench.client_reads import plain_pages
from coldstream_bench.place import prepared
from coldstream_bench.sql import query
from coldstream_bench.workload import MIXED, Model
from processor_time import processor_time

ROUNDS, MESSAGES, PAGE = 5, 200_000, 1000
BUCKET_BITS = 14
JSON = "m.data::varchar, m.metadata::varchar, "


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    with prepared(sys.argv[1], keep=False, progress=lambda line: None) as place:
        arena = make(place, "profile", chunks=4)
        arena.fill(Model(MIXED, 1), MESSAGES, lambda count: None)
        category = arena.rows("pick_categories", {"count": 1})[0][0]
        for tier in ("hot", "warm"):
            if tier == "warm":
                arena.compress()
            print(f"catching up, {tier}; us a message         server  client  messages/s")
            show(arena, category)
    return 0


def statements(store: Store, arena: Arena, category: str) -> Iterator[str]:
    """One for each bucket of each chunk."""
    for chunk in store.lifecycle.get_chunks():
        first, end = chunk.first_global_position, chunk.last_global_position
        while first is not None and end is not None and first <= end:
            last = min(end, first | (1 << BUCKET_BITS) - 1)
            # The next chunk begins at the end of this one.
            times = chunk.range_start, chunk.range_end - timedelta(microseconds=1)
            yield bare_range(arena, category, (first, last), times)
            first = last + 1


def show(arena: Arena, category: str) -> None:
    """A line for each way to read it."""
    with arena.client() as store, arena.place.connection() as connection:
        bare = list(statements(store, arena, category))

        def alone() -> int:
            return sum(len(to_messages(connection.execute(text.encode()))) for text in bare)

        def without_json() -> int:
            texts = [text.replace(JSON, "") for text in bare]
            return sum(len(connection.execute(text.encode()).fetchall()) for text in texts)

        def plain() -> int:
            return sum(1 for _ in plain_pages(connection, arena.plain, category, PAGE))

        def client() -> int:
            return sum(1 for _ in store.get_category_messages(category, 1))

        for name, read in (
            ("Message DB's functions on a plain table", plain),
            ("the client", client),
            ("  the statement alone", alone),
            ("  without data and metadata", without_json),
        ):
            measured(connection, name, read)


def measured(connection: Connection[TupleRow], name: str, read: Callable[[], int]) -> None:
    """Print the medians of some rounds."""
    read()
    rounds = []
    for _ in range(ROUNDS):
        server, own, clock = server_time(connection), time.process_time(), time.perf_counter()
        count = read()
        clock, own = time.perf_counter() - clock, time.process_time() - own
        server = server_time(connection) - server
        rounds.append((server / count * 1e6, own / count * 1e6, count / clock))
    server, own, rate = (statistics.median(values) for values in zip(*rounds, strict=True))
    print(f"  {name:42}{server:7.2f} {own:7.2f} {rate:11,.0f}", flush=True)


def server_time(connection: Connection[TupleRow]) -> float:
    """Seconds on the processor of all backends that serve clients in this database."""
    found = connection.execute(query("client_backends").encode()).fetchall()
    return sum(processor_time(pid) for (pid,) in found) / 1e9


if __name__ == "__main__":
    sys.exit(main())
