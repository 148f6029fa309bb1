"""What writes cost as chunks are added, with all of history in the columnstore.

Plain PostgreSQL has nothing like many messages a call: those are ours alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice

from coldstream_bench.batches import TASKS, appender_rate, batch_rate, batches
from coldstream_bench.contenders import COLDSTREAM, PLAIN, Contender
from coldstream_bench.context import NEEDS_CONNECTIONS
from coldstream_bench.groups.growth.calls import growth_row
from coldstream_bench.groups.growth.grown import Grown, name_of
from coldstream_bench.imports import copy_into_plain, to_message
from coldstream_bench.result import Figure, Row, Unit
from coldstream_bench.workload import MIXED, Event, Model
from coldstream_bench.writers import Messages, Writer, Writers

_CLIENTS = 8
_PART = "writes"
_RATED = partial(growth_row, unit=Unit.RATE, part=_PART)

WRITE = growth_row("write", "write_message", part=_PART)
CLIENTS = {
    _RATED("8_clients_8_categories", f"write_message, {_CLIENTS} clients, {_CLIENTS} categories"): [
        f"bench{number}" for number in range(_CLIENTS)
    ],
    _RATED("8_clients_1_category", f"write_message, {_CLIENTS} clients, one category"): ["bench"]
    * _CLIENTS,
}
MANY = {
    size: _RATED(f"batch_{size}", f"write_messages, {size:,} a call") for size in (10, 100, 1000)
}
APPENDER = _RATED("appender", f"appender, {TASKS} tasks, one category")
IMPORT = _RATED("import", "import_messages (PostgreSQL: COPY)")
ROWS = (WRITE, *CLIENTS, *MANY.values(), APPENDER, IMPORT)


def figures(stores: Grown) -> Iterator[Figure]:
    """Those that were asked for."""
    wants = stores.bench.wants
    if wants(WRITE):
        with stores.bench.step("growth, write_message"):
            yield _write(stores)
    for row, categories in CLIENTS.items():
        if wants(row):
            with stores.bench.step(f"growth, {row.title}"):
                yield _clients(stores, row, categories)
    for size, row in MANY.items():
        if wants(row):
            with stores.bench.step(f"growth, {row.title}"):
                yield _many(stores, row, size)
    if wants(APPENDER):
        with stores.bench.step(f"growth, {APPENDER.title}"):
            yield _appender(stores)
    if wants(IMPORT):
        with stores.bench.step("growth, import_messages"):
            yield _import(stores)


def _write(stores: Grown) -> Figure:
    seconds = stores.bench.options.seconds / 5
    with stores.bench.place.connection() as connection:
        writers = {chunks: Writer(connection, Messages("written", "")) for chunks in stores.counts}

        def turn(chunks: int, contender: Contender) -> float:
            done, took = writers[chunks].write_for(contender.write.encode(), seconds)
            return took / done * 1000

        return stores.figure(WRITE, stores.rounds(turn))


def _clients(stores: Grown, row: Row, categories: Sequence[str]) -> Figure:
    if not stores.bench.several_connections:
        return row.missing(NEEDS_CONNECTIONS)
    contenders = (COLDSTREAM, PLAIN)
    named = [
        Contender(name_of(chunks, contender.name), contender.schema)
        for chunks, arena in stores.arenas.items()
        for contender in arena.contenders
        if contender.name in contenders
    ]
    with Writers(stores.bench.place.dsn, categories, named) as writers:

        def turn(chunks: int, contender: Contender) -> float:
            return writers.rate(name_of(chunks, contender.name), stores.bench.options.seconds)

        return stores.figure(row, stores.rounds(turn, contenders, warm_up=False), contenders)


def _many(stores: Grown, row: Row, size: int) -> Figure:
    seconds = stores.bench.options.seconds / 2
    messages = batches(size, stores.bench.options.seed)

    def turn(chunks: int, _: Contender) -> float:
        with stores.arenas[chunks].client(max_size=1) as store:
            store.write_messages(next(messages))
            return batch_rate(store, messages, seconds)

    return stores.figure(row, stores.rounds(turn, [COLDSTREAM], warm_up=False), [COLDSTREAM])


def _appender(stores: Grown) -> Figure:
    if not stores.bench.several_connections:
        return APPENDER.missing(NEEDS_CONNECTIONS)
    options = stores.bench.options

    def turn(chunks: int, _: Contender) -> float:
        return appender_rate(stores.arenas[chunks], options.seed, options.seconds)

    return stores.figure(APPENDER, stores.rounds(turn, [COLDSTREAM], warm_up=False), [COLDSTREAM])


def _import(stores: Grown) -> Figure:
    """Messages of today, because history is closed: times since its end."""
    contenders = (COLDSTREAM, PLAIN)
    slices = {
        name_of(chunks, name): _slices(stores, arena.end)
        for chunks, arena in stores.arenas.items()
        for name in contenders
    }

    def turn(chunks: int, contender: Contender) -> float:
        events = next(slices[name_of(chunks, contender.name)])
        messages = [to_message(event) for event in events]
        arena = stores.arenas[chunks]
        # A connection for each turn: the embedded server has one at a time.
        with arena.client(max_size=1) as store:
            started = time.perf_counter()
            if contender.name == COLDSTREAM:
                store.import_messages(messages)
            else:
                copy_into_plain(arena, store, events)
            return len(events) / (time.perf_counter() - started)

    return stores.figure(IMPORT, stores.rounds(turn, contenders, warm_up=False), contenders)


def _slices(stores: Grown, start: datetime) -> Iterator[list[Event]]:
    options = stores.bench.options
    # Another seed than history's, whose streams would have the same names.
    model = Model(MIXED, options.seed + 1, v4_share=options.v4_share)
    events = model.events(options.imported * options.rounds, start, datetime.now(UTC))
    while batch := list(islice(events, options.imported)):
        yield batch
