"""A store that moves to the other engine and back while programs write and read, and is killed.

Writers count what they were told is written, a consumer reads along, and every run of ``coldstream
upgrade`` is killed by SIGKILL, as often as was set. Then nothing may be missing, twice or changed.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

import coldstream
from coldstream.sql.objects import Engine

DATABASE = "coldstream_proof_move"
_ROWS = (
    "SELECT count(*), sum(hash_record_extended(ROW(m.global_position, m.position, m.time, m.id, "
    "m.stream_name, m.type, m.data::text, m.metadata::text), 0)) FROM message_store.messages AS m "
    "WHERE m.stream_name NOT LIKE 'writer%'"
)
_FILL = """
SELECT count(*) FROM message_store.import_messages(
  (SELECT array_agg(n / 200) FROM generate_series({first}, {last}) AS n),
  (SELECT array_agg(now() - INTERVAL '70 days' * (1 - n / {all}::float8))
   FROM generate_series({first}, {last}) AS n),
  (SELECT array_agg('account-' || n % 200) FROM generate_series({first}, {last}) AS n),
  (SELECT array_agg('Deposited'::varchar) FROM generate_series({first}, {last}) AS n),
  (SELECT array_agg(jsonb_build_object('amount', n, 'note', repeat('x', 100)))
   FROM generate_series({first}, {last}) AS n),
  (SELECT array_agg('{{"correlationStreamName": "transfer-1"}}'::jsonb)
   FROM generate_series({first}, {last}) AS n),
  (SELECT array_agg(gen_random_uuid()) FROM generate_series({first}, {last}) AS n)
)
"""


class Lost(Exception):
    """Something is missing, twice, or another than before."""


def sql(dsn: str, statement: str) -> list[Any]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


class Programs:
    """Writers and a consumer, until :meth:`stop`."""

    def __init__(self, dsn: str, writers: int) -> None:
        self.dsn = dsn
        self.written: list[int] = []
        self.seen: list[int] = []
        self.failed: list[BaseException] = []
        self.longest = 0.0
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._guarded, args=(self._write, number))
            for number in range(writers)
        ] + [threading.Thread(target=self._guarded, args=(self._consume, 0))]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        if self.failed:
            raise Lost(f"a program failed: {self.failed[0]!r}")

    def _guarded(self, run: Any, number: int) -> None:
        try:
            with coldstream.connect(self.dsn, max_size=1) as store:
                run(store, number)
        except BaseException as error:
            self.failed.append(error)

    def _write(self, store: coldstream.Store, number: int) -> None:
        while not self._stop.is_set():
            began = time.monotonic()
            self.written.append(store.write_message(f"writer{number}-1", "T").global_position)
            self.longest = max(self.longest, time.monotonic() - began)
            time.sleep(0.005)

    def _consume(self, store: coldstream.Store, number: int) -> None:
        position, is_last = 1, False
        while not is_last:
            is_last = self._stop.is_set()
            for message in store.get_category_messages("writer0", position=position):
                self.seen.append(message.global_position)
                position = message.global_position + 1
            time.sleep(0.005)


def upgrade(dsn: str, to: Engine, kills: int, chance: random.Random) -> dict[str, Any]:
    """Run the command until it has ended by itself; what that run printed."""
    code = "import sys; from coldstream.cli import main; sys.exit(main())"
    line = [sys.executable, "-c", code, "upgrade", "--to", to, "--json", "--dsn", dsn]
    while True:
        process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            out, err = process.communicate(timeout=chance.uniform(0.5, 3) if kills > 0 else None)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            kills -= 1
            continue
        if process.returncode:
            raise Lost(f"upgrade --to {to}: {err.strip()}")
        result: dict[str, Any] = json.loads(out)
        return result


def prove(dsn: str, messages: int, writers: int, kills: int, seed: int) -> None:
    coldstream.install(dsn, engine="postgres")
    for first in range(0, messages, 10_000):
        last = min(first + 10_000, messages) - 1
        sql(dsn, _FILL.format(first=first, last=last, all=messages))
    rows, chance = sql(dsn, _ROWS), random.Random(seed)
    programs = Programs(dsn, writers)
    try:
        for to in ("timescale", "postgres"):
            programs.longest = 0.0
            began = time.monotonic()
            moved = upgrade(dsn, "timescale" if to == "timescale" else "postgres", kills, chance)
            print(
                f"to {to}: {moved['messages']:,} messages in {time.monotonic() - began:.1f} s with "
                f"{kills} kills (the last run {moved['seconds']:.1f} s); switch "
                f"{moved['switch_seconds']:.2f} s, longest write {programs.longest:.2f} s",
                flush=True,
            )
            if sql(dsn, _ROWS) != rows:
                raise Lost(f"to {to}: messages are not what they were")
    finally:
        programs.stop()
    there = sql(
        dsn,
        "SELECT global_position, stream_name FROM message_store.messages "
        "WHERE stream_name LIKE 'writer%' ORDER BY global_position",
    )
    if [position for position, _ in there] != sorted(programs.written):
        raise Lost("what the writers were told is not what is there")
    if programs.seen != [position for position, name in there if name == "writer0-1"]:
        raise Lost("the consumer has not seen each message once and in order")
    print(f"nothing was lost: {messages:,} messages, and {len(there):,} written meanwhile")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m proof.move", description=__doc__)
    parser.add_argument("--dsn", required=True, help="a server with TimescaleDB, as a superuser")
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--writers", type=int, default=4)
    parser.add_argument("--kills", type=int, default=10, help="each way, at most")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    drop = f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)"
    sql(given.dsn, drop)
    sql(given.dsn, f"CREATE DATABASE {DATABASE} TEMPLATE template0 ENCODING 'UTF8'")
    try:
        dsn = make_conninfo(given.dsn, dbname=DATABASE)
        prove(dsn, given.messages, given.writers, given.kills, given.seed)
    except Lost as error:
        print(f"LOST: {error}", file=sys.stderr)
        return 1
    finally:
        sql(given.dsn, drop)
    return 0


if __name__ == "__main__":
    sys.exit(main())
