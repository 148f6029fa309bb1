"""Where the processor time of a read goes: the functions, and the statement each comes down to.

    .venv/bin/python bench/profiles/read_profile.py postgresql://...

The server must be on this machine and run Linux: a backend's time on the processor is read from
/proc. Unlike the time that passes, it depends little on other programs. Rounds alternate; printed
is the median of each, in microseconds a call, its ratio to the plain table's, and that to the
statement alone. That one has the read's own range of time and positions written into it: no
function, no head, no ledger. It is parsed and planned at every call; a read of a recent stream is
not, so it may be below. "Older" is history that is past what a session keeps plans of.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import psycopg

import checkout  # noqa: F401
from coldstream_bench.arena import Arena, make
from coldstream_bench.bare import bare_statement
from coldstream_bench.context import Bench, Options
from coldstream_bench.groups import reads
from coldstream_bench.place import prepared
from coldstream_bench.workload import MIXED, Model
from processor_time import processor_time

ROUNDS, CALLS, MESSAGES = 9, 20, 100_000
OLDER = (reads.STREAM_10, reads.STREAM_1000, reads.LAST)
READS = (*OLDER, reads.CATEGORY_MIDDLE)
BEFORE = timedelta(weeks=8)
ALONE = "  the statement alone"

Calls = Sequence[tuple[bytes, Sequence[Any]]]


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    bench = cast(Bench, SimpleNamespace(options=Options(reads=CALLS)))
    with prepared(sys.argv[1], keep=False, progress=lambda line: None) as place:
        for age, before, wanted in (("", timedelta(0), READS), (", older", BEFORE, OLDER)):
            arena = make(place, f"profile{len(place.schemas)}", chunks=4)
            arena.start -= before
            arena.end -= before
            arena.fill(Model(MIXED, 1), MESSAGES, lambda count: None)
            arguments = reads.choose(bench, arena)
            for tier in (reads.HOT, reads.WARM):
                if tier == reads.WARM:
                    arena.compress()
                for read in wanted:
                    print(f"{read.title}, {tier}{age}")
                    show(sys.argv[1], dict(contenders(arena, read, arguments[read.key][:CALLS])))
    return 0


def contenders(
    arena: Arena, read: reads.Read, arguments: Sequence[tuple[Any, ...]]
) -> Iterator[tuple[str, Calls]]:
    """Name and calls of each."""
    for name, contender in (
        ("Message DB's functions on a plain table", arena.plain),
        (read.function, arena.store),
    ):
        call = contender.call(read.function, len(arguments[0])).encode()
        yield name, [(call, given) for given in arguments]
    whole, bare = [], []
    with arena.place.connection() as connection:
        for given in arguments:
            statement = bare_statement(connection, arena, read.function, given)
            whole.append(statement)
            bare.append(statement.replace("m.data::varchar, m.metadata::varchar, ", ""))
    yield ALONE, [(text.encode(), ()) for text in whole]
    yield "  without data and metadata", [(text.encode(), ()) for text in bare]
    yield "  its plan", [(f"EXPLAIN {text}".encode(), ()) for text in whole]


def show(dsn: str, calls: dict[str, Calls]) -> None:
    """A line each, once all have taken their turns."""
    spent: dict[str, list[float]] = {name: [] for name in calls}
    with ExitStack() as stack:
        backends = {
            name: stack.enter_context(psycopg.connect(dsn, autocommit=True)) for name in calls
        }
        for backend in backends.values():
            # As the functions have it for themselves.
            backend.execute("SET jit = off")
            backend.execute("SET max_parallel_workers_per_gather = 0")
        for round in range(ROUNDS + 1):
            for name, each in calls.items():
                used = measured(backends[name], each)
                if round:  # The first one fills caches.
                    spent[name].append(used)
    plain = statistics.median(spent[next(iter(spent))])
    alone = statistics.median(spent[ALONE])
    for name, values in spent.items():
        median = statistics.median(values)
        print(
            f"  {name:42} {median:8.0f} us {median / plain:6.2f} {median / alone:6.2f}", flush=True
        )


def measured(connection: psycopg.Connection, calls: Calls) -> float:
    """Microseconds of the backend's time on the processor, a call."""
    before = processor_time(connection.info.backend_pid)
    for statement, arguments in calls:
        connection.execute(statement, arguments or None, prepare=bool(arguments)).fetchall()
    return (processor_time(connection.info.backend_pid) - before) / 1000 / len(calls)


if __name__ == "__main__":
    sys.exit(main())
