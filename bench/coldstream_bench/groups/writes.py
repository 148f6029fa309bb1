"""Writing: one client, eight, many messages a call, many tasks through the appender, an import."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice

from coldstream_bench.arena import Arena, make
from coldstream_bench.batches import TASKS, appender_rate, batch_rate, batches
from coldstream_bench.contenders import COLDSTREAM, PLAIN
from coldstream_bench.context import NEEDS_CONNECTIONS, Bench
from coldstream_bench.imports import copy_into_plain, to_message
from coldstream_bench.measure import compare, take_turns
from coldstream_bench.result import Compare, Figure, Row, Unit
from coldstream_bench.workload import MIXED, Event
from coldstream_bench.writers import Messages, Writer, Writers

SECTION = "Write Performance"
_CLIENTS = 8
# More of it would change nothing here, and take its time.
_HISTORY = 200_000
_BATCHES = {10: None, 100: 12.0, 1000: 20.0}


def _row(key: str, title: str, target: float | None = None, against: str | None = None) -> Row:
    return Row(f"write.{key}", SECTION, title, Unit.RATE, Compare.RATE, target, against)


ONE = _row("one_client", "write_message, one client", 0.85)
CATEGORIES = _row("8_clients_8_categories", "write_message, 8 clients, 8 categories", 0.85)
CATEGORY = _row("8_clients_1_category", "write_message, 8 clients, one category")
MANY = {
    size: _row(
        f"batch_{size}",
        f"write_messages, {size:,} a call",
        target,
        "one client's single writes",
    )
    for size, target in _BATCHES.items()
}

APPENDER = _row(
    "appender",
    f"appender, {TASKS} tasks, one category",
    5.0,
    f"{_CLIENTS} clients' single writes",
)
IMPORT = _row("import", "import_messages, history as it was", against="COPY")

ROWS = (ONE, CATEGORIES, CATEGORY, *MANY.values(), APPENDER, IMPORT)


def run(bench: Bench) -> Iterator[Figure]:
    """The figures of the rows that were asked for."""
    arena = make(bench.place, "write", chunks=4)
    messages = min(bench.options.messages, _HISTORY)
    bench.fill(arena, bench.source(MIXED), messages, "history to write after")
    arena.compress()
    try:
        if bench.wants(ONE):
            yield _one_client(bench, arena)
        for row, categories in (
            (CATEGORIES, [f"bench{number}" for number in range(_CLIENTS)]),
            (CATEGORY, ["bench"] * _CLIENTS),
        ):
            if bench.wants(row):
                yield _clients(bench, arena, row, categories)
        for size, row in MANY.items():
            if bench.wants(row):
                yield _many(bench, arena, row, size)
        if bench.wants(APPENDER):
            yield _appender(bench, arena)
        if bench.wants(IMPORT):
            yield _import(bench)
    finally:
        arena.drop()


def _one_client(bench: Bench, arena: Arena) -> Figure:
    options = bench.options
    with bench.step(ONE.title), bench.place.connection() as connection:
        writer = Writer(connection, Messages("single", ""))
        turns: dict[str, Callable[[], float]] = {}
        for contender in (arena.store, arena.plain):
            statement = contender.write.encode()
            writer.warm_up(statement)
            turns[contender.name] = partial(_rate, writer, statement, options.seconds)
        rounds = take_turns(options.rounds, turns)
    return ONE.figure(compare(rounds[COLDSTREAM], rounds[PLAIN]))


def _rate(writer: Writer, statement: bytes, seconds: float) -> float:
    done, took = writer.write_for(statement, seconds)
    return done / took


def _clients(bench: Bench, arena: Arena, row: Row, categories: Sequence[str]) -> Figure:
    if not bench.several_connections:
        return row.missing(NEEDS_CONNECTIONS)
    contenders = (arena.store, arena.plain)
    with bench.step(row.title), Writers(bench.place.dsn, categories, contenders) as writers:
        rounds = take_turns(
            bench.options.rounds,
            {c.name: partial(writers.rate, c.name, bench.options.seconds) for c in contenders},
        )
    return row.figure(compare(rounds[COLDSTREAM], rounds[PLAIN]))


def _many(bench: Bench, arena: Arena, row: Row, size: int) -> Figure:
    """``size`` messages a call through the client, to a few streams of one category."""
    options = bench.options
    messages = batches(size, bench.options.seed)
    with bench.step(row.title), arena.client(max_size=1) as store:

        def ours() -> float:
            return batch_rate(store, messages, options.seconds)

        def plain() -> float:
            with store.connection() as connection:
                writer = Writer(connection, Messages("single", ""))
                return _rate(writer, arena.plain.write.encode(), options.seconds)

        ours()
        rounds = take_turns(options.rounds, {COLDSTREAM: ours, PLAIN: plain})
    return row.figure(compare(rounds[COLDSTREAM], rounds[PLAIN]))


def _appender(bench: Bench, arena: Arena) -> Figure:
    """Tasks that each write one message after the other, against clients that do the same."""
    if not bench.several_connections:
        return APPENDER.missing(NEEDS_CONNECTIONS)
    seconds = bench.options.seconds
    categories = ["appended"] * _CLIENTS
    with (
        bench.step(APPENDER.title),
        Writers(bench.place.dsn, categories, [arena.plain]) as writers,
    ):
        rounds = take_turns(
            bench.options.rounds,
            {
                COLDSTREAM: partial(appender_rate, arena, bench.options.seed, seconds),
                PLAIN: partial(writers.rate, PLAIN, seconds),
            },
        )
    return APPENDER.figure(compare(rounds[COLDSTREAM], rounds[PLAIN]))


def _import(bench: Bench) -> Figure:
    """Messages with times and positions of their own, into the plain table with COPY."""
    options = bench.options
    count = min(options.imported, options.messages)
    arena = make(bench.place, "import", chunks=1)
    try:
        into_store, into_plain = (_slices(bench, arena, count) for _ in range(2))
        with bench.step(IMPORT.title), arena.client(max_size=1) as store:

            def ours() -> float:
                messages = [to_message(event) for event in next(into_store)]
                started = time.perf_counter()
                store.import_messages(messages)
                return len(messages) / (time.perf_counter() - started)

            def plain() -> float:
                events = next(into_plain)
                started = time.perf_counter()
                copy_into_plain(arena, store, events)
                return len(events) / (time.perf_counter() - started)

            rounds = take_turns(options.rounds, {COLDSTREAM: ours, PLAIN: plain})
    finally:
        arena.drop()
    return IMPORT.figure(compare(rounds[COLDSTREAM], rounds[PLAIN]))


def _slices(bench: Bench, arena: Arena, count: int) -> Iterator[list[Event]]:
    total = count * bench.options.rounds
    if bench.sample is not None:
        count = min(count, bench.sample.count // bench.options.rounds)
        total = count * bench.options.rounds
    events = bench.source(MIXED).events(total, arena.start, arena.end)
    while batch := list(islice(events, count)):
        yield batch
