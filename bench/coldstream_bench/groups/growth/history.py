"""What leaving costs as chunks are added: archiving, verifying and dropping.

All history is archived in one run, in a process of its own, and then verified. The oldest chunks
are dropped one at a time, a chunk a round, and then the rest. Plain PostgreSQL deletes the same
rows and vacuums, and the hypertable without heads calls ``drop_chunks``, at the end of all: until
then the plain table is read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial

from coldstream.store import Store
from coldstream_bench.arena import Arena
from coldstream_bench.contenders import COLDSTREAM, PLAIN, SEED
from coldstream_bench.exporter import export
from coldstream_bench.groups.growth.calls import growth_row
from coldstream_bench.groups.growth.grown import EVERYBODY, Grown, name_of
from coldstream_bench.result import Figure, Unit
from coldstream_bench.retention import Took, delete, drop_proved, timed

_PART = "leaving"
ARCHIVE = growth_row("archive", "archive all history", Unit.RATE, part=_PART)
MEMORY = growth_row("archive_memory", "peak memory of archiving it", Unit.BYTES, part=_PART)
VERIFY = growth_row("verify", "read it back and prove it", Unit.RATE, part=_PART)
DROP = growth_row("drop", "drop the oldest chunk (PostgreSQL: DELETE and VACUUM)", part=_PART)
WAL = growth_row("drop_wal", "write-ahead log of it", Unit.BYTES, part=_PART)
RETURNED = growth_row("drop_returned", "returned to the file system", Unit.BYTES, part=_PART)
ARCHIVED_ROWS = (ARCHIVE, MEMORY, VERIFY)
DROPPED_ROWS = (DROP, WAL, RETURNED)
ROWS = (*ARCHIVED_ROWS, *DROPPED_ROWS)


def archived(stores: Grown) -> Iterator[Figure]:
    """Archive and verify all history; it is in the database still."""
    rates, peaks, verified = {}, {}, {}
    total = sum(arena.messages for arena in stores.arenas.values())
    with stores.bench.step("growth, archive, verify", total=total, noun="messages") as step:
        for chunks, arena in stores.arenas.items():
            name = name_of(chunks, COLDSTREAM)
            exported = export(arena, arena.end)
            rates[name] = [arena.messages / exported.seconds]
            peaks[name] = [float(exported.peak_bytes)]
            with arena.client() as store:
                started = time.perf_counter()
                for verification in store.lifecycle.verify():
                    if verification.problem is not None:
                        raise verification.problem
                verified[name] = [arena.messages / (time.perf_counter() - started)]
            step.advance(arena.messages)
    for row, found in zip(ARCHIVED_ROWS, (rates, peaks, verified), strict=True):
        yield stores.figure(row, found, [COLDSTREAM])


def dropped(stores: Grown) -> dict[str, list[Took]]:
    """Drop all of it, the first ones a chunk a round; gives what those took."""
    with stores.bench.step("growth, drop"):
        took = _one_by_one(stores, COLDSTREAM, _drop)
        for arena in stores.arenas.values():
            arena.archive()
    return took


def figures(stores: Grown, ours: dict[str, list[Took]]) -> Iterator[Figure]:
    """Of :func:`dropped`, beside the others, who do it now."""
    with stores.bench.step("growth, delete and vacuum"):
        took = ours | _one_by_one(stores, PLAIN, _delete) | _one_by_one(stores, SEED, _drop_seed)

    def rounds(value: Callable[[Took], float]) -> dict[str, list[float]]:
        return {name: [value(each) for each in several] for name, several in took.items()}

    yield stores.figure(DROP, rounds(lambda each: each.seconds * 1000), EVERYBODY)
    yield stores.figure(WAL, rounds(lambda each: each.wal_bytes), EVERYBODY)
    yield stores.figure(RETURNED, rounds(lambda each: each.returned_bytes), EVERYBODY)


def _one_by_one(
    stores: Grown, contender: str, run: Callable[[Arena, datetime], Took]
) -> dict[str, list[Took]]:
    """A store of few chunks has as many rounds as chunks."""
    found: dict[str, list[Took]] = {}
    for number in range(1, stores.bench.options.rounds + 1):
        for chunks, arena in stores.arenas.items():
            if number <= chunks:
                took = run(arena, arena.start + number * arena.chunk_interval)
                found.setdefault(name_of(chunks, contender), []).append(took)
    return found


def _drop(arena: Arena, until: datetime) -> Took:
    return timed(arena, arena.store_bytes, partial(drop_proved, until))


def _delete(arena: Arena, until: datetime) -> Took:
    return timed(arena, arena.plain_bytes, partial(delete, arena, until))


def _drop_seed(arena: Arena, until: datetime) -> Took:
    def run(store: Store) -> None:
        with store.connection() as connection:
            connection.execute(arena.query("seed_drop"), {"end": until}).fetchall()

    return timed(arena, arena.seed_bytes, run)
