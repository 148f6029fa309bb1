"""Growth: what calls cost with 1, 10, 100 and 500 chunks, the seed's functions beside them.

A store, a plain table and the seed's hypertable for each number of chunks, with the same messages a
chunk; all chunks but the last are in the columnstore, as in life. All of them take turns in every
round, so the ratio of 500 chunks to 10 is one of the same minutes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import cycle
from statistics import median
from typing import Any

from psycopg import Connection

from coldstream.bench.arena import Arena, make
from coldstream.bench.contenders import COLDSTREAM, PLAIN, SEED, Contender
from coldstream.bench.context import Bench
from coldstream.bench.measure import Rounds, call_time, take_turns
from coldstream.bench.planning import planning_times
from coldstream.bench.result import Compare, Figure, Row, Unit
from coldstream.bench.workload import Growing
from coldstream.bench.writers import Messages, Writer

SECTION = "Growth"
PAGE = 100
TARGET, PLANNING = 1.2, 2.0
_CHUNK = timedelta(days=1)


@dataclass(frozen=True)
class Call:
    """One kind of call. ``function`` is called with what ``arguments`` has for its key."""

    key: str
    title: str
    function: str

    @property
    def row(self) -> Row:
        return _row(self.key, self.title)

    @property
    def first_row(self) -> Row:
        return _row(f"first_{self.key}", f"{self.title}, first call of a connection")


def _row(key: str, title: str) -> Row:
    return Row(f"growth.{key}", SECTION, title, Unit.MILLISECONDS, Compare.GROWTH, TARGET)


WRITE = _row("write", "write_message")
CALLS = (
    Call("short_start", "short-lived stream, oldest chunk", "get_stream_messages"),
    Call("short_middle", "short-lived stream, middle", "get_stream_messages"),
    Call("short_head", "short-lived stream, newest chunk", "get_stream_messages"),
    Call("long_start", "long-lived stream, its first 10", "get_stream_messages"),
    Call("long_middle", "long-lived stream, 10 in its middle", "get_stream_messages"),
    Call("long_head", "long-lived stream, its last 10", "get_stream_messages"),
    Call("category_start", f"category page of {PAGE}, start", "get_category_messages"),
    Call("category_middle", f"category page of {PAGE}, middle", "get_category_messages"),
    Call("category_head", f"category page of {PAGE}, head", "get_category_messages"),
    Call("correlation", f"page of {PAGE} with correlation, middle", "get_category_messages"),
    Call("group", f"page of {PAGE} of one of 4 consumers, middle", "get_category_messages"),
    Call("all", f"page of {PAGE} of all categories, middle", "get_all_messages"),
    Call("last", "last message", "get_last_stream_message"),
    Call("version", "stream version", "stream_version"),
)
FIRST_WRITE = _row("first_write", "write_message, first call of a connection")
FIRST = tuple(c for c in CALLS if c.key in ("short_middle", "category_middle", "version"))
PLANNED = Row(
    "growth.planning",
    SECTION,
    "planning in a call, at most",
    Unit.MILLISECONDS,
    Compare.LIMIT,
    PLANNING,
)
PLANNED_FIRST = Row(
    "growth.first_planning",
    SECTION,
    "planning in the first call of a connection, at most",
    Unit.MILLISECONDS,
    Compare.LIMIT,
    PLANNING,
)
ROWS = (
    WRITE,
    *(call.row for call in CALLS),
    FIRST_WRITE,
    *(call.first_row for call in FIRST),
    PLANNED,
    PLANNED_FIRST,
)

Arguments = dict[str, list[tuple[Any, ...]]]


def run(bench: Bench) -> Iterator[Figure]:
    """The figures of the rows that were asked for."""
    arenas = {}
    with ExitStack() as stack:
        for chunks in bench.options.growth:
            arenas[chunks] = arena = _filled(bench, chunks)
            stack.callback(arena.drop)
        arguments = {chunks: _arguments(bench, arena) for chunks, arena in arenas.items()}
        wanted = [call for call in CALLS if bench.wants(call.row)]
        with (
            bench.step("growth", total=len(wanted) + 1, noun="kinds of call") as step,
            bench.place.connection() as connection,
        ):
            if bench.wants(WRITE):
                yield _figure(WRITE, arenas, _write_rounds(bench, arenas, connection))
            step.advance()
            for call in wanted:
                rounds = _rounds(bench, arenas, arguments, connection, call)
                yield _figure(call.row, arenas, rounds)
                step.advance()
        if bench.wants(FIRST_WRITE):
            with bench.step(FIRST_WRITE.title):
                rounds = _first_write_rounds(bench, arenas)
            yield _figure(FIRST_WRITE, arenas, rounds)
        for call in FIRST:
            if bench.wants(call.first_row):
                with bench.step(call.first_row.title):
                    rounds = _first_rounds(bench, arenas, arguments, call)
                yield _figure(call.first_row, arenas, rounds)
        if bench.wants(PLANNED) or bench.wants(PLANNED_FIRST):
            with bench.step("planning"):
                figures = list(_planning(bench, arenas, arguments))
            yield from (figure for figure in figures if bench.wants(figure.row))


def _filled(bench: Bench, chunks: int) -> Arena:
    arena = make(bench.place, f"grown_{chunks}", chunks=chunks, chunk_interval=_CHUNK, seed=True)
    source = Growing(bench.options.seed, v4_share=bench.options.v4_share)
    messages = chunks * bench.options.growth_messages
    what = "1 chunk" if chunks == 1 else f"{chunks} chunks"
    bench.fill(arena, source, messages, what)
    with bench.step(f"compress {what}"):
        arena.compress(arena.end - _CHUNK)
    return arena


def _arguments(bench: Bench, arena: Arena) -> Arguments:
    """What each kind of call is called with, the same for everybody."""
    options = bench.options

    def streams(number: int) -> list[str]:
        start = arena.start + number * _CHUNK
        found = arena.rows(
            "streams_between",
            {"start": start, "end": start + _CHUNK, "seed": str(options.seed), "count": 20},
        )
        return [name for (name,) in found]

    oldest, newest = streams(0), streams(arena.chunks - 1)
    middle = streams(arena.chunks // 2)
    per_stream = arena.messages // 25 // len(Growing.long_lived)
    category, _, first, median_position, last = arena.rows("pick_categories", {"count": 1})[0]
    spread = range(10)
    # Pages from all over a tenth of the positions: how far one has to read for a filter, above all
    # for a member of a group, differs from place to place more than with the number of chunks.
    middle_page = [(category, median_position + n * arena.messages // 100, PAGE) for n in spread]
    return {
        "short_start": [(name, 0, 10) for name in oldest],
        "short_middle": [(name, 0, 10) for name in middle],
        "short_head": [(name, 0, 10) for name in newest],
        "long_start": [(name, 0, 10) for name in Growing.long_lived],
        "long_middle": [(name, per_stream // 2, 10) for name in Growing.long_lived],
        "long_head": [(name, max(0, per_stream - 10), 10) for name in Growing.long_lived],
        "category_start": [(category, first + n, PAGE) for n in spread],
        "category_middle": middle_page,
        "category_head": [(category, max(first, last - 4 * PAGE) + n, PAGE) for n in spread],
        "correlation": [(*page, "customer") for page in middle_page],
        "group": [(*page, None, member, 4) for page in middle_page for member in range(4)],
        "all": [(position, PAGE) for _, position, _ in middle_page],
        "last": [(name,) for name in (*oldest, *middle, *newest)],
        "version": [(name,) for name in (*oldest, *middle, *newest)],
    }


def _turns(
    arenas: dict[int, Arena], turn: Callable[[int, Contender], float]
) -> dict[str, Callable[[], float]]:
    return {
        _name(chunks, contender.name): partial(turn, chunks, contender)
        for chunks, arena in arenas.items()
        for contender in arena.contenders
    }


def _name(chunks: int, contender: str) -> str:
    return f"{contender} {chunks}"


def _rounds(
    bench: Bench,
    arenas: dict[int, Arena],
    arguments: dict[int, Arguments],
    connection: Connection[Any],
    call: Call,
) -> Rounds:
    def turn(chunks: int, contender: Contender) -> float:
        given = arguments[chunks][call.key]
        statement = contender.call(call.function, len(given[0]))
        return call_time(connection, statement, given, seconds=bench.options.seconds / 5)

    turns = _turns(arenas, turn)
    take_turns(1, turns)
    return take_turns(bench.options.rounds, turns)


def _write_rounds(bench: Bench, arenas: dict[int, Arena], connection: Connection[Any]) -> Rounds:
    writers = {chunks: Writer(connection, Messages("written", "")) for chunks in arenas}

    def turn(chunks: int, contender: Contender) -> float:
        statement = contender.write.encode()
        done, took = writers[chunks].write_for(statement, bench.options.seconds / 5)
        return took / done * 1000

    turns = _turns(arenas, turn)
    take_turns(1, turns)
    return take_turns(bench.options.rounds, turns)


def _first_rounds(
    bench: Bench, arenas: dict[int, Arena], arguments: dict[int, Arguments], call: Call
) -> Rounds:
    def turn(chunks: int, contender: Contender) -> float:
        given = arguments[chunks][call.key]
        statement = contender.call(call.function, len(given[0])).encode()
        with bench.place.connection() as connection:
            started = time.perf_counter()
            connection.execute(statement, given[0], prepare=True).fetchall()
            return (time.perf_counter() - started) * 1000

    return take_turns(bench.options.rounds, _turns(arenas, turn))


def _first_write_rounds(bench: Bench, arenas: dict[int, Arena]) -> Rounds:
    def turn(chunks: int, contender: Contender) -> float:
        with bench.place.connection() as connection:
            writer = Writer(connection, Messages("written", ""))
            started = time.perf_counter()
            writer.write(contender.write.encode())
            return (time.perf_counter() - started) * 1000

    return take_turns(bench.options.rounds, _turns(arenas, turn))


def _figure(row: Row, arenas: dict[int, Arena], rounds: Rounds) -> Figure:
    """Ours with most chunks, held to ours with ten, or with the fewest where that is more."""
    chunks = sorted(arenas)
    few = 10 if 10 in chunks[:-1] else chunks[0]
    series = {
        contender: [median(rounds[_name(count, contender)]) for count in chunks]
        for contender in (COLDSTREAM, PLAIN, SEED)
    }
    ratios = [
        most / least
        for most, least in zip(
            rounds[_name(chunks[-1], COLDSTREAM)], rounds[_name(few, COLDSTREAM)], strict=True
        )
    ]
    return Figure(
        row,
        series[COLDSTREAM][-1],
        series[PLAIN][-1],
        median(ratios),
        (min(ratios), max(ratios)),
        series=series,
        chunks=chunks,
        more={"from_chunks": few},
    )


def _planning(
    bench: Bench, arenas: dict[int, Arena], arguments: dict[int, Arguments]
) -> Iterator[Figure]:
    """The worst of all kinds of call."""
    chunks = sorted(arenas)
    later: dict[str, list[float]] = {COLDSTREAM: [], PLAIN: [], SEED: []}
    first: dict[str, list[float]] = {COLDSTREAM: [], PLAIN: [], SEED: []}
    for count in chunks:
        for contender in arenas[count].contenders:
            times = list(_planning_of(bench, contender, arguments[count]))
            if not all(times):
                for row in (PLANNED, PLANNED_FIRST):
                    yield row.missing("not told by this server, or not to this role")
                return
            first[contender.name].append(max(each[0] for each in times))
            later[contender.name].append(max(max(each[1:]) for each in times))
    for row, series in ((PLANNED, later), (PLANNED_FIRST, first)):
        yield Figure(row, series[COLDSTREAM][-1], series[PLAIN][-1], series=series, chunks=chunks)


def _planning_of(bench: Bench, contender: Contender, arguments: Arguments) -> Iterator[list[float]]:
    """Of each kind of call; nothing in a list where the server does not tell."""
    # The others are witnesses: nothing is held to their figures, and the seed's take minutes.
    repeats = min(3, bench.options.rounds) if contender.name == COLDSTREAM else 1
    messages = Messages("planned", contender.schema)
    yield planning_times(bench.place, contender.write, messages.next, repeats) or []
    for call in CALLS:
        given = cycle(arguments[call.key])
        statement = contender.call(call.function, len(arguments[call.key][0]))
        yield planning_times(bench.place, statement, partial(next, given), repeats) or []
