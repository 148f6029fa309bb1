"""Growth: what calls cost with 1, 10, 100 and 500 chunks, the seed's functions beside them.

A store, a plain table and the seed's hypertable for each number of chunks, with the same messages a
chunk; all chunks but the last are in the columnstore, as in life. All of them take turns in every
round, so the ratio of 500 chunks to 10 is one of the same minutes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from statistics import median
from typing import Any

from psycopg import Connection

from coldstream.bench.arena import Arena, make
from coldstream.bench.contenders import COLDSTREAM, PLAIN, SEED, Contender
from coldstream.bench.context import Bench
from coldstream.bench.groups.growth import planning
from coldstream.bench.groups.growth.calls import (
    CALLS,
    CHUNK,
    WRITE,
    Arguments,
    Call,
    arguments_of,
    growth_row,
)
from coldstream.bench.measure import Rounds, call_time, take_turns
from coldstream.bench.result import Figure, Row
from coldstream.bench.workload import Growing
from coldstream.bench.writers import Messages, Writer

# One call of a connection is over too soon to be told from chance.
_CONNECTIONS = 5


FIRST_WRITE = growth_row("first_write", "write_message, first call of a connection")
FIRST = tuple(c for c in CALLS if c.key in ("short_middle", "category_middle", "version"))
ROWS = (
    WRITE,
    *(call.row for call in CALLS),
    FIRST_WRITE,
    *(call.first_row for call in FIRST),
    *planning.ROWS,
)


def run(bench: Bench) -> Iterator[Figure]:
    """The figures of the rows that were asked for."""
    arenas = {}
    with ExitStack() as stack:
        for chunks in bench.options.growth:
            arenas[chunks] = arena = _filled(bench, chunks)
            stack.callback(arena.drop)
        arguments = {chunks: arguments_of(bench, arena) for chunks, arena in arenas.items()}
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
        if any(bench.wants(row) for row in planning.ROWS):
            with bench.step("planning"):
                figures = list(planning.figures(bench, arenas, arguments))
            yield from (figure for figure in figures if bench.wants(figure.row))


def _filled(bench: Bench, chunks: int) -> Arena:
    arena = make(bench.place, f"grown_{chunks}", chunks=chunks, chunk_interval=CHUNK, seed=True)
    source = Growing(bench.options.seed, v4_share=bench.options.v4_share)
    messages = chunks * bench.options.growth_messages
    what = "1 chunk" if chunks == 1 else f"{chunks} chunks"
    bench.fill(arena, source, messages, what)
    with bench.step(f"compress {what}"):
        arena.compress(arena.end - CHUNK)
    return arena


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
        return _first(
            bench, lambda connection: connection.execute(statement, given[0], prepare=True)
        )

    return take_turns(bench.options.rounds, _turns(arenas, turn))


def _first_write_rounds(bench: Bench, arenas: dict[int, Arena]) -> Rounds:
    def turn(chunks: int, contender: Contender) -> float:
        statement = contender.write.encode()
        return _first(
            bench, lambda connection: Writer(connection, Messages("written", "")).write(statement)
        )

    return take_turns(bench.options.rounds, _turns(arenas, turn))


def _first(bench: Bench, call: Callable[[Connection[Any]], object]) -> float:
    """Milliseconds of the first call of a connection: the median of some."""
    times = []
    for _ in range(_CONNECTIONS):
        with bench.place.connection() as connection:
            started = time.perf_counter()
            call(connection)
            times.append((time.perf_counter() - started) * 1000)
    return median(times)


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
