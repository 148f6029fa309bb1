"""Writing: one client, eight, many messages a call, many tasks through the appender, an import."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from random import Random

from uuid_utils.compat import uuid7

from coldstream import JsonText, NewMessage
from coldstream.bench.arena import Arena, make
from coldstream.bench.bodies import Bodies
from coldstream.bench.contenders import COLDSTREAM, PLAIN
from coldstream.bench.context import NEEDS_CONNECTIONS, Bench
from coldstream.bench.measure import compare, take_turns
from coldstream.bench.result import Compare, Figure, Row, Unit
from coldstream.bench.workload import MIXED, random_uuid
from coldstream.bench.writers import Writer, Writers

SECTION = "Write Performance"
_CLIENTS = 8
_BATCHES = {10: None, 100: 12.0, 1000: 20.0}


def _row(key: str, title: str, target: float | None = None, against: str | None = None) -> Row:
    return Row(f"write.{key}", SECTION, title, Unit.RATE, Compare.RATE, target, against)


ONE = _row("one_client", "write_message, one client", 0.9)
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

ROWS = (ONE, CATEGORIES, CATEGORY, *MANY.values())


def run(bench: Bench) -> Iterator[Figure]:
    """The figures of the rows that were asked for."""
    arena = make(bench.place, "write", chunks=4)
    bench.fill(arena, bench.source(MIXED), bench.options.messages, "history to write after")
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
    finally:
        arena.drop()


def _one_client(bench: Bench, arena: Arena) -> Figure:
    options = bench.options
    with bench.step(ONE.title), bench.place.connection() as connection:
        writer = Writer(connection, "single", "single")
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
    batches = _batches(size, bench.options.seed)
    with bench.step(row.title), arena.client(max_size=1) as store:

        def ours() -> float:
            done = 0
            started = time.perf_counter()
            while (took := time.perf_counter() - started) < options.seconds:
                done += len(store.write_messages(next(batches)))
            return done / took

        def plain() -> float:
            with store.connection() as connection:
                writer = Writer(connection, "single", "single")
                return _rate(writer, arena.plain.write.encode(), options.seconds)

        ours()
        rounds = take_turns(options.rounds, {COLDSTREAM: ours, PLAIN: plain})
    return row.figure(compare(rounds[COLDSTREAM], rounds[PLAIN]))


def _batches(size: int, seed: int) -> Iterator[list[NewMessage]]:
    """Messages to write, a batch at a time. The id is what makes a message another one."""
    random = Random(seed)
    names = [f"batch-{random_uuid(random)}" for _ in range(max(1, size // 5))]
    now = datetime.now(UTC)
    messages = []
    for number in range(size):
        name = names[number % len(names)]
        type, data, metadata = Bodies(name).message(random, number, number, now)
        messages.append((name, type, JsonText(data), JsonText(metadata)))
    while True:
        yield [NewMessage(*message, uuid7()) for message in messages]
