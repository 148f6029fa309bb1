"""Clients that know SQL alone catch up at once through the archive server: what memory it takes.

    .venv/bin/python -m proof.served_memory --dsn DSN [--messages N] [--clients N]

A store has all of its ended history in an archive. Each client reads a category from its start to
its end, in pages of 1,000, all of them at the same time. Printed are the messages a second of all
together, and the highest resident memory of the server and of the database's largest backend.
Needs Linux, and a database server on this machine.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import psycopg

from proof.serving import CATEGORIES, Serving, serving_of

_PAGE = 1_000


def resident(pid: int) -> int:
    """The memory of a process without what it shares with others, in bytes."""
    fields = Path(f"/proc/{pid}/statm").read_text().split()
    return (int(fields[1]) - int(fields[2])) * os.sysconf("SC_PAGE_SIZE")


def catch_up(
    serving: Serving, connection: psycopg.Connection, category: str, counts: list[int]
) -> None:
    """Read a category to its end."""
    position = count = 0
    while rows := serving.ask(connection, "get_category_messages", [category, position, _PAGE]):
        count += len(rows)
        position = rows[-1][4] + 1
    counts.append(count)


def measure(serving: Serving, clients: int) -> None:
    serving.start(register=True)
    counts: list[int] = []
    with ExitStack() as stack:
        connections = [
            stack.enter_context(psycopg.connect(serving.dsn, autocommit=True))
            for _ in range(clients)
        ]
        backends = [connection.info.backend_pid for connection in connections]
        threads = [
            threading.Thread(
                target=catch_up,
                args=(serving, connection, CATEGORIES[number % len(CATEGORIES)], counts),
            )
            for number, connection in enumerate(connections)
        ]
        idle = resident(serving.pid)
        server = backend = 0
        started = time.perf_counter()
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            server = max(server, resident(serving.pid))
            backend = max(backend, *map(resident, backends))
            time.sleep(0.05)
        took = time.perf_counter() - started
    print(f"{clients} clients: {sum(counts):,} messages, {sum(counts) / took:,.0f} a second")
    print(f"server: {idle / 1e6:,.0f} MB idle, {server / 1e6:,.0f} MB at most")
    print(f"largest backend of the database: {backend / 1e6:,.0f} MB at most")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--dsn", default=os.environ.get("COLDSTREAM_TEST_DSN"))
    parser.add_argument("--clients", type=int, default=10)
    parser.add_argument("--messages", type=int, default=200_000)
    given = parser.parse_args()
    if not given.dsn:
        print("A native TimescaleDB is needed: --dsn, or COLDSTREAM_TEST_DSN", file=sys.stderr)
        return 2
    with serving_of(given.dsn, given.messages) as serving:
        measure(serving, given.clients)
    return 0


if __name__ == "__main__":
    sys.exit(main())
