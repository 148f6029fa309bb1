"""How long ``coldstream status`` takes: ``--dsn DSN [--chunks 500] [--messages 10000000]``.

It makes a store in a database of its own, a day a chunk, behind the triggers: messages and heads
are put there as the store would have them, and every chunk is closed by the store itself. Prints
each statement of the status with the longest of ten runs, and the whole; exits 1 where a statement
takes 50 ms or more, or the whole 300 ms. Needs a superuser, and a server with nothing else to do.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

import coldstream
from coldstream.client._sync.statements import connections_of
from coldstream.insights import read_status
from coldstream.migrations import Settings, install
from coldstream.sql import Names

DATABASE = "coldstream_proof_status"
SCHEMA = "message_store"
LONGEST_STATEMENT = 0.050
LONGEST = 0.300
RUNS = 10

_FILL = """
INSERT INTO message_store.messages
  (global_position, position, time, stream_name, type, data, metadata, correlation_category,
   position_bucket)
SELECT g, g / 100000, date_trunc('day', now()) - make_interval(days => %(chunks)s)
    + (g - 1) * make_interval(days => %(chunks)s) / %(messages)s,
  'account-' || g %% 100000, 'Deposited', '{"amount": 11}', NULL, '-', g >> 14
FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS g
"""
_HEADS = """
INSERT INTO message_store.streams (position, first_time, time, stream_name)
SELECT max(position), min(time), max(time), stream_name FROM message_store.messages GROUP BY 4
"""


def fill(dsn: str, chunks: int, messages: int) -> None:
    """The history, its heads, and the ledger of its chunks."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        install(connection, Names(SCHEMA), Settings(chunk_interval=timedelta(days=1)))
        connection.execute("SET session_replication_role = replica")
        step = max(1, messages // 20)
        for first in range(1, messages + 1, step):
            values = {"chunks": chunks, "messages": messages, "first": first}
            connection.execute(_FILL, values | {"last": min(first + step - 1, messages)})
            print(f"{min(first + step - 1, messages):,} messages", file=sys.stderr)
        connection.execute(_HEADS)
        connection.execute(
            "SELECT setval('message_store.messages_global_position_seq', %s)", [messages]
        )
        connection.execute("RESET session_replication_role")
        connection.execute("CALL message_store.close_ended_chunks()")
        connection.execute("VACUUM (ANALYZE) message_store.streams, message_store.chunks")


def measure(dsn: str) -> bool:
    """Print what each statement takes; whether all are short enough."""
    longest: dict[str, float] = {}
    whole = 0.0
    with coldstream.connect(dsn, schema=SCHEMA) as store:
        connections = connections_of(store)

        def rows(name: str) -> Sequence[Sequence[Any]]:
            begun = time.perf_counter()
            found = connections.rows(name)
            longest[name] = max(longest.get(name, 0.0), time.perf_counter() - begun)
            return found

        store.status()  # The first one fills the server's caches.
        for _ in range(RUNS):
            begun = time.perf_counter()
            status = read_status(rows, SCHEMA)
            whole = max(whole, time.perf_counter() - begun)
    for name, seconds in sorted(longest.items(), key=lambda item: -item[1]):
        print(f"{name:24} {seconds * 1000:7.1f} ms")
    chunks = sum(tier.chunks for tier in status.tiers)
    messages = sum(tier.messages or 0 for tier in status.tiers)
    print(f"{'status':24} {whole * 1000:7.1f} ms, {chunks} chunks, {messages:,} messages")
    return whole < LONGEST and max(longest.values()) < LONGEST_STATEMENT


def main(words: Sequence[str] | None = None) -> int:
    """Make the store, measure, and drop the database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--chunks", type=int, default=500)
    parser.add_argument("--messages", type=int, default=10_000_000)
    asked = parser.parse_args(words)
    name = sql.Identifier(DATABASE)
    with psycopg.connect(asked.dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(name))
        try:
            dsn = make_conninfo(asked.dsn, dbname=DATABASE)
            fill(dsn, asked.chunks, asked.messages)
            return 0 if measure(dsn) else 1
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


if __name__ == "__main__":
    sys.exit(main())
