"""The first call of a connection, which has nothing of the catalog yet."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

from psycopg import Connection

from coldstream_bench.contenders import Contender
from coldstream_bench.context import Bench
from coldstream_bench.groups.growth.calls import CALLS, Call, growth_row
from coldstream_bench.groups.growth.grown import Grown
from coldstream_bench.result import Figure
from coldstream_bench.writers import Messages, Writer

# One call of a connection is over too soon to be told from chance.
_CONNECTIONS = 5

WRITE = growth_row("first_write", "write_message, first call of a connection", part="warm")
FIRST = tuple(c for c in CALLS if c.key in ("short_middle", "category_middle", "version"))
ROWS = (WRITE, *(call.first_row for call in FIRST))


def figures(stores: Grown) -> Iterator[Figure]:
    """Those that were asked for."""
    if stores.bench.wants(WRITE):
        with stores.bench.step(WRITE.title):
            yield _write(stores)
    for call in FIRST:
        if stores.bench.wants(call.first_row):
            with stores.bench.step(call.first_row.title):
                yield _read(stores, call)


def _read(stores: Grown, call: Call) -> Figure:
    def turn(chunks: int, contender: Contender) -> float:
        given = stores.arguments[chunks][call.key]
        statement = contender.call(call.function, len(given[0])).encode()
        return _first(
            stores.bench,
            lambda connection: connection.execute(statement, given[0], prepare=True).fetchall(),
        )

    return stores.figure(call.first_row, stores.rounds(turn, warm_up=False))


def _write(stores: Grown) -> Figure:
    def turn(_: int, contender: Contender) -> float:
        statement = contender.write.encode()
        return _first(
            stores.bench,
            lambda connection: Writer(connection, Messages("written", "")).write(statement),
        )

    return stores.figure(WRITE, stores.rounds(turn, warm_up=False))


def _first(bench: Bench, call: Callable[[Connection[Any]], object]) -> float:
    """Milliseconds of the first call of a connection: the median of some."""
    times = []
    for _ in range(_CONNECTIONS):
        with bench.place.connection() as connection:
            started = time.perf_counter()
            call(connection)
            times.append((time.perf_counter() - started) * 1000)
    return median(times)
