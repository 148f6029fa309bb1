"""History leaves: archiving a large chunk, and dropping it against DELETE and VACUUM.

Two chunks of one size. The first is archived by a process of its own, verified and dropped, its
rows proved once more; the second is dropped with nothing but SQL. On the plain table the rows of
the first are deleted and vacuumed away.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from coldstream.store import Store
from coldstream_bench.arena import Arena, make
from coldstream_bench.context import Bench
from coldstream_bench.exporter import export
from coldstream_bench.result import Compare, Figure, Row, Unit
from coldstream_bench.retention import delete, drop_proved, timed
from coldstream_bench.workload import MIXED

RETENTION, TIERING = "Data Retention", "S3 Tiering"
_DELETE = "DELETE and VACUUM"


def _retention(
    key: str, title: str, unit: Unit, compare: Compare, target: float | None = None
) -> Row:
    return Row(f"retention.{key}", RETENTION, title, unit, compare, target, _DELETE)


def _tiering(key: str, title: str, unit: Unit, target: float | None = None) -> Row:
    return Row(f"archive.{key}", TIERING, title, unit, Compare.LIMIT, target)


DROP = _retention("drop", "drop a chunk", Unit.SECONDS, Compare.FASTER, 100.0)
PROVED = _retention(
    "proved", "drop a verified chunk, its rows proved", Unit.SECONDS, Compare.FASTER, 100.0
)
WAL = _retention("wal", "write-ahead log of the drop", Unit.BYTES, Compare.SMALLER)
RETURNED = _retention("returned", "returned to the file system", Unit.BYTES, Compare.MORE)
RATE = _tiering("rate", "archive a chunk, in order", Unit.RATE, 160_000)
TIME = _tiering("time", "archive a chunk", Unit.SECONDS)
MEMORY = _tiering("memory", "peak memory of archiving it", Unit.BYTES, 300e6)
VERIFY = _tiering("verify", "read it back and prove it", Unit.RATE)

ROWS = (DROP, PROVED, WAL, RETURNED, RATE, TIME, MEMORY, VERIFY)


def run(bench: Bench) -> Iterator[Figure]:
    """The figures of the rows that were asked for."""
    for figure in _figures(bench):
        if bench.wants(figure.row):
            yield figure


def _figures(bench: Bench) -> Iterator[Figure]:
    messages = bench.options.history
    arena = make(bench.place, "history", chunks=2)
    bench.fill(arena, bench.source(MIXED), 2 * messages, "two chunks of history")
    try:
        with bench.step("compress"):
            arena.compress()
        first_end = arena.start + arena.chunk_interval
        with bench.step("archive", total=messages, noun="messages") as step:
            exported = export(arena, first_end)
            step.advance(messages)
        more = {"messages": messages}
        took = more | {"cpu_seconds": exported.cpu_seconds}
        yield RATE.once(messages / exported.seconds, None, more=took)
        yield TIME.once(exported.seconds, None, more=took)
        had = more | {"idle_bytes": exported.idle_bytes}
        yield MEMORY.once(exported.peak_bytes, None, more=had)

        with bench.step("verify", total=messages, noun="messages") as step, arena.client() as store:
            started = time.perf_counter()
            store.lifecycle.verify()
            yield VERIFY.once(messages / (time.perf_counter() - started), None, more=more)
            step.advance(messages)

        with bench.step("drop"):
            bare = _bare_drop_seconds(arena, first_end, arena.end)
            proved = timed(arena, arena.store_bytes, partial(drop_proved, first_end))
            commit: list[float] = []
            dropped = timed(arena, arena.store_bytes, partial(_drop_by_force, arena, commit))
        with bench.step("delete and vacuum", total=messages, noun="messages") as step:
            deleted = timed(arena, arena.plain_bytes, partial(delete, arena, first_end))
            step.advance(messages)
        # What cannot be saved: TimescaleDB's part, and the commit, which removes the files.
        least = more | {"drop_chunks_seconds": bare, "commit_seconds": sum(commit)}
        yield DROP.once(dropped.seconds, deleted.seconds, more=least)
        yield PROVED.once(proved.seconds, deleted.seconds, more=least)
        yield WAL.once(dropped.wal_bytes, deleted.wal_bytes, more=more)
        yield RETURNED.once(dropped.returned_bytes, deleted.returned_bytes, more=more)
    finally:
        arena.drop()


def _drop_by_force(arena: Arena, commit: list[float], store: Store) -> None:
    call = arena.store.call("drop_chunks_older_than", 2)
    with store.connection() as connection:
        with connection.transaction():
            (_,) = connection.execute(call.encode(), [timedelta(0), True]).fetchall()
            done = time.perf_counter()
        commit.append(time.perf_counter() - done)


def _bare_drop_seconds(arena: Arena, start: datetime, end: datetime) -> float:
    """What TimescaleDB's own statement takes on a connection of its own, taken back."""
    with arena.place.connection() as connection, connection.transaction(force_rollback=True):
        times = {"start": start, "end": end}
        started = time.perf_counter()
        (_,) = connection.execute(arena.query("bare_drop"), times).fetchall()
        return time.perf_counter() - started
