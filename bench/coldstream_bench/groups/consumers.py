"""Consumers: how soon a message is handled, how many a second, and what that costs writers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from random import Random
from statistics import median, quantiles

from psycopg import sql

from coldstream.consumers import Consumer, Context
from coldstream.consumers.options import ConsumerOptions
from coldstream.messages.message import Message
from coldstream.store import Store
from coldstream_bench.arena import Arena, make
from coldstream_bench.context import NEEDS_CONNECTIONS, Bench
from coldstream_bench.idle import Idle
from coldstream_bench.live import Live
from coldstream_bench.measure import compare, take_turns
from coldstream_bench.result import Compare, Figure, Row, Unit
from coldstream_bench.workload import MIXED
from coldstream_bench.writers import Writers

SECTION = "Consumers"
_CLIENTS = 8
# More of it would change nothing here, and take its time.
_HISTORY = 200_000
# Seconds between two messages, on the mean, and messages in a second of a round.
_GAP, _LIVE = 0.1, 30
_ON, _OFF = "on", "off"
# Consumers that the watcher watches for, while others write.
_IDLE = 100


def _row(key: str, title: str, unit: Unit, target: float | None = None) -> Row:
    return Row(f"consumer.{key}", SECTION, title, unit, Compare.LIMIT, target)


def _latency(
    key: str, how: str, middle: float | None = None, most: float | None = None
) -> tuple[Row, Row]:
    title = f"from commit to handler, {how}"
    return (
        _row(f"latency.{key}", title, Unit.MILLISECONDS, middle),
        _row(f"latency_p99.{key}", f"{title}, 99 of 100", Unit.MILLISECONDS, most),
    )


HOW: dict[str, ConsumerOptions] = {
    "poll": {"watch": False, "notify": False},
    "watch": {"watch": True, "notify": False},
    "notify": {"notify": True},
}
LATENCY = {
    "poll": _latency("poll", "polling"),
    "watch": _latency("watch", "woken by the watcher", 5, 20),
    "notify": _latency("notify", "woken by NOTIFY"),
}
RATES = {
    "hot": _row("rate.hot", "one consumer, rows", Unit.RATE),
    "warm": _row("rate.warm", "one consumer, columnstore", Unit.RATE, 30_000),
}
IN_TRANSACTION = {
    1: _row("transaction_1", "handler that inserts a row, one message a transaction", Unit.RATE),
    100: _row("transaction_100", "handler that inserts a row, 100 a transaction", Unit.RATE),
}
WRITES = Row(
    "consumer.notify_writes",
    SECTION,
    f"write_message, {_CLIENTS} clients, {_CLIENTS} categories, NOTIFY on",
    Unit.RATE,
    Compare.RATE,
    against="NOTIFY off",
)

WATCHED_WRITES = Row(
    "consumer.watch_writes",
    SECTION,
    f"write_message, {_CLIENTS} clients, {_CLIENTS} categories, {_IDLE} consumers watched for",
    Unit.RATE,
    Compare.RATE,
    0.97,
    against="no consumers",
)

ROWS = (
    *(row for rows in LATENCY.values() for row in rows),
    *RATES.values(),
    *IN_TRANSACTION.values(),
    WRITES,
    WATCHED_WRITES,
)

_names = count(1)


def run(bench: Bench) -> Iterator[Figure]:
    """The figures of the rows that were asked for."""
    for figure in _figures(bench):
        if bench.wants(figure.row):
            yield figure


def _figures(bench: Bench) -> Iterator[Figure]:
    arena = make(bench.place, "consumer", chunks=2)
    messages = min(bench.options.messages, _HISTORY)
    try:
        bench.fill(arena, bench.source(MIXED), messages, "history to consume")
        category = arena.rows("pick_categories", {"count": 1})[0][0]
        for tier, row in RATES.items():
            if tier == "warm":
                with bench.step("compress", total=arena.chunks, noun="chunks") as step:
                    arena.compress()
                    step.advance(arena.chunks)
            if bench.wants(row):
                yield _rate(bench, arena, row, category)
        for size, row in IN_TRANSACTION.items():
            if bench.wants(row):
                yield _transactions(bench, arena, row, category, size)
        for how, rows in LATENCY.items():
            if any(bench.wants(row) for row in rows):
                yield from _latencies(bench, arena, rows, how)
        if bench.wants(WRITES):
            yield _writes(bench, arena)
        if bench.wants(WATCHED_WRITES):
            yield _watched_writes(bench, arena)
    finally:
        arena.drop()


def _rate(bench: Bench, arena: Arena, row: Row, category: str) -> Figure:
    """A category from its start to its end, once a round, by a handler that only counts."""

    def once(store: Store) -> float:
        consumer = Consumer(store, category, f"bench {next(_names)}")
        handled = 0

        @consumer.default_handler
        def handle(message: Message) -> None:
            nonlocal handled
            handled += 1

        started = time.perf_counter()
        consumer.run(live=False, handle_signals=False)
        return handled / (time.perf_counter() - started)

    with bench.step(row.title), arena.client() as store:
        rates = [once(store) for _ in range(bench.options.rounds)]
    return row.once(median(rates), None, more={"rates": [round(rate) for rate in rates]})


def _transactions(bench: Bench, arena: Arena, row: Row, category: str, size: int) -> Figure:
    """A handler whose work and position are committed together, some messages at a time."""
    insert = arena.query("insert_handled")

    def once(store: Store) -> float:
        consumer = Consumer(store, category, f"bench {next(_names)}", transaction_size=size)
        end = time.perf_counter() + bench.options.seconds

        @consumer.default_handler
        def handle(message: Message, context: Context) -> None:
            context.connection().execute(insert, [consumer.name, message.id], prepare=True)
            if time.perf_counter() > end:
                consumer.stop()

        started = time.perf_counter()
        done = consumer.run(live=False, handle_signals=False)
        return done / (time.perf_counter() - started)

    with bench.step(row.title), arena.client() as store:
        with store.connection() as connection:
            connection.execute(arena.query("create_handled"))
        rates = [once(store) for _ in range(bench.options.rounds)]
    return row.once(median(rates), None, more={"rates": [round(rate) for rate in rates]})


def _latencies(bench: Bench, arena: Arena, rows: tuple[Row, Row], how: str) -> Iterator[Figure]:
    """From when a writer knows that its message is committed to when a consumer, which had nothing
    to do, has it in its handler. Messages come by chance."""
    options = bench.options
    if not bench.several_connections:
        yield from (row.missing(NEEDS_CONNECTIONS) for row in rows)
        return
    number = max(5, round(options.rounds * options.seconds * _LIVE))
    random = Random(options.seed)
    times = []
    with (
        bench.step(rows[0].title, total=number, noun="messages") as step,
        arena.client() as store,
    ):
        store.consumers.set_notify(how == "notify")
        with Live(store, f"live{how}", **HOW[how]) as live:
            # Or the first messages would be those of a consumer that begins.
            time.sleep(1)
            for _ in range(number):
                time.sleep(random.expovariate(1 / _GAP))
                written = store.write_message(f"live{how}-1", "Happened")
                committed = time.perf_counter()
                times.append(live.handled_at(written.global_position) - committed)
                step.advance()
        store.consumers.set_notify(False)
    # The handler may have it before the writer has its answer.
    milliseconds = sorted(max(each * 1000, 0.001) for each in times)
    note = f"{number} messages, {_GAP:g} s apart on the mean"
    more = {"longest": round(milliseconds[-1], 3)}
    yield rows[0].once(median(milliseconds), None, note=note, more=more)
    yield rows[1].once(quantiles(milliseconds, n=100, method="inclusive")[98], None, note=note)


def _writes(bench: Bench, arena: Arena) -> Figure:
    """The same writers while writes notify, and while they do not; somebody listens."""
    if not bench.several_connections:
        return WRITES.missing(NEEDS_CONNECTIONS)
    categories = [f"bench{number}" for number in range(_CLIENTS)]
    with (
        bench.step(WRITES.title),
        arena.client() as store,
        bench.place.connection() as listener,
        Writers(bench.place.dsn, categories, [arena.store]) as writers,
    ):
        listener.execute(sql.SQL("LISTEN {}").format(sql.Identifier(arena.store.schema)))

        def turn(notify: bool) -> float:
            store.consumers.set_notify(notify)
            try:
                return writers.rate(arena.store.name, bench.options.seconds)
            finally:
                for _ in listener.notifies(timeout=0):
                    pass

        turns: dict[str, Callable[[], float]] = {
            _ON: partial(turn, True),
            _OFF: partial(turn, False),
        }
        rounds = take_turns(bench.options.rounds, turns)
        store.consumers.set_notify(False)
    return WRITES.figure(compare(rounds[_ON], rounds[_OFF]))


def _watched_writes(bench: Bench, arena: Arena) -> Figure:
    """The same writers while consumers wait for messages of other categories, and while nobody
    does."""
    if not bench.several_connections:
        return WATCHED_WRITES.missing(NEEDS_CONNECTIONS)
    categories = [f"bench{number}" for number in range(_CLIENTS)]
    with (
        bench.step(WATCHED_WRITES.title),
        Writers(bench.place.dsn, categories, [arena.store]) as writers,
    ):

        def watched() -> float:
            with Idle(bench.place.dsn, arena.store.schema, _IDLE):
                return writers.rate(arena.store.name, bench.options.seconds)

        turns: dict[str, Callable[[], float]] = {
            _ON: watched,
            _OFF: partial(writers.rate, arena.store.name, bench.options.seconds),
        }
        rounds = take_turns(bench.options.rounds, turns)
    return WATCHED_WRITES.figure(compare(rounds[_ON], rounds[_OFF]))
