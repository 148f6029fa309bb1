"""History that has left is read: one stream at once, and a category from its start to its end.

From the archive that ``--archive`` names, or from a folder. Targets are those of an object store on
the same machine.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

from coldstream.settings import ArchiveReads
from coldstream_bench.arena import Arena, make
from coldstream_bench.client_reads import call, client_time
from coldstream_bench.context import NEEDS_CONNECTIONS, Bench
from coldstream_bench.groups.history import TIERING
from coldstream_bench.replayer import replay
from coldstream_bench.result import Compare, Figure, Row, Unit
from coldstream_bench.served import served, sql_catch_up, sql_times
from coldstream_bench.workload import MIXED


def _row(key: str, title: str, unit: Unit, target: float | None = None) -> Row:
    return Row(f"archive.{key}", TIERING, title, unit, Compare.LIMIT, target)


FIRST = _row("stream_first", "stream of 10 from the archive, first time", Unit.MILLISECONDS, 60)
AGAIN = _row("stream_again", "stream of 10 from the archive, again", Unit.MILLISECONDS, 5)
REPLAY = _row("replay", "replay of a category from the archive", Unit.RATE, 100_000)
MEMORY = _row("replay_memory", "peak memory of the replay", Unit.BYTES)

SQL_FIRST = _row(
    "sql_stream_first", "stream of 10 from the archive, in SQL, first time", Unit.MILLISECONDS, 60
)
SQL_AGAIN = _row(
    "sql_stream_again", "stream of 10 from the archive, in SQL, again", Unit.MILLISECONDS, 6
)
SQL_PAGE = _row("sql_page", "page of 1,000 from the archive, in SQL", Unit.MILLISECONDS, 60)
SQL_REPLAY = _row("sql_replay", "replay of a category from the archive, in SQL", Unit.RATE, 30_000)

_OF_THE_SERVER = (SQL_FIRST, SQL_AGAIN, SQL_PAGE, SQL_REPLAY)
ROWS = (FIRST, AGAIN, REPLAY, MEMORY, *_OF_THE_SERVER)

_FUNCTION = "get_stream_messages"
_CHUNKS = 4


def run(bench: Bench) -> Iterator[Figure]:
    """The figures of the rows that were asked for."""
    for figure in _figures(bench):
        if bench.wants(figure.row):
            yield figure


def _figures(bench: Bench) -> Iterator[Figure]:
    options = bench.options
    arena = make(bench.place, "archived", chunks=_CHUNKS, in_archive=True)
    try:
        bench.fill(arena, bench.source(MIXED), options.history, "messages to archive and read")
        streams = _streams(bench, arena)
        category, messages, *_ = arena.rows("pick_categories", {"count": 1})[0]
        with bench.step("archive, verify, drop", total=_CHUNKS, noun="chunks") as step:
            arena.archive()
            step.advance(_CHUNKS)
        place = {"note": arena.archive_kind}
        more = {"messages": options.history, "objects": _CHUNKS}
        if bench.wants(FIRST) or bench.wants(AGAIN):
            with bench.step("read streams of the archive"):
                yield FIRST.once(_first(bench, arena, streams), None, more=more, **place)
                yield AGAIN.once(_again(bench, arena, streams), None, more=more, **place)
        if bench.wants(REPLAY) or bench.wants(MEMORY):
            with bench.step("replay", total=options.rounds * messages, noun="messages") as step:
                found = []
                for _ in range(options.rounds):
                    found.append(replay(arena, category))
                    if found[-1].messages != messages:
                        raise AssertionError(f"{found[-1].messages} messages, not {messages}")
                    step.advance(messages)
            rates = [each.messages / each.seconds for each in found]
            took = more | {
                "messages": messages,
                "rates": [round(rate) for rate in rates],
                "cpu_seconds": round(median(each.cpu_seconds for each in found), 3),
            }
            yield REPLAY.once(median(rates), None, more=took, **place)
            had = more | {"idle_bytes": max(each.idle_bytes for each in found)}
            peak = max(each.peak_bytes for each in found)
            yield MEMORY.once(peak, None, more=had, **place)
        if any(bench.wants(row) for row in _OF_THE_SERVER):
            yield from _served(bench, arena, streams, (category, messages), place)
    finally:
        arena.drop()


def _served(
    bench: Bench,
    arena: Arena,
    streams: Sequence[tuple[Any, ...]],
    of: tuple[str, int],
    place: dict[str, str],
) -> Iterator[Figure]:
    """What clients that know SQL alone get, through the archive server."""
    if not bench.several_connections:
        yield from (row.missing(NEEDS_CONNECTIONS) for row in _OF_THE_SERVER)
        return
    category, messages = of
    pages = [(category, position, 1000) for position in range(1, messages, messages // 20)]
    with bench.step("read the archive in SQL"):
        with served(arena, memory_bytes=0) as connection:
            # The session's connection to the server is there.
            sql_times(connection, arena, _FUNCTION, streams[:1], again=False)
            took = sql_times(connection, arena, _FUNCTION, streams[1:], again=False)
            yield SQL_FIRST.once(took, None, **place)
        with served(arena) as connection:
            took = sql_times(connection, arena, _FUNCTION, streams, again=True)
            yield SQL_AGAIN.once(took, None, **place)
            took = sql_times(connection, arena, "get_category_messages", pages, again=False)
            yield SQL_PAGE.once(took, None, **place)
            count, seconds = sql_catch_up(connection, arena, category)
            if count != messages:
                raise AssertionError(f"{count} messages, not {messages}")
            yield SQL_REPLAY.once(count / seconds, None, **place)


def _streams(bench: Bench, arena: Arena) -> Sequence[tuple[Any, ...]]:
    """Streams of ten messages or more, or the longest there are."""

    def found(at_least: int) -> list[Any]:
        asked = {"at_least": at_least, "at_most": 2**31, "seed": str(bench.options.seed)}
        return arena.rows("pick_streams", asked | {"count": bench.options.reads})

    longest = max(last for _, last in found(1)) + 1
    return [(name, 0, 10) for name, _ in found(min(10, longest))]


def _first(bench: Bench, arena: Arena, streams: Sequence[tuple[Any, ...]]) -> float:
    """The median time of a call, in milliseconds. Without memory each is as the first one is, but
    for the connections, which are there."""
    with arena.client(max_size=1, archive_reads=ArchiveReads(memory_bytes=0)) as store:
        call(store, _FUNCTION, streams[0])
        return median(
            client_time(store, _FUNCTION, streams, seconds=bench.options.seconds)
            for _ in range(bench.options.rounds)
        )


def _again(bench: Bench, arena: Arena, streams: Sequence[tuple[Any, ...]]) -> float:
    """The median time of a call that asks for what the one before it did, in milliseconds."""
    times: list[float] = []
    end = time.perf_counter() + bench.options.rounds * bench.options.seconds
    with arena.client(max_size=1) as store:
        for each in streams:
            call(store, _FUNCTION, each)
            times.append(client_time(store, _FUNCTION, [each], seconds=0))
            if time.perf_counter() > end:
                break
    return median(times)
