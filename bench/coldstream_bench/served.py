"""The archive server of an arena, in a process of its own, and SQL that is answered through it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import Any

from psycopg import Connection

from coldstream.serve.run import Store
from coldstream_bench.arena import Arena
from coldstream_bench.child import environment

_MAIN = "import sys; from coldstream.cli.run import run; sys.exit(run(sys.argv[1:]))"
_PAGE = 1000


@contextmanager
def served(arena: Arena, *, memory_bytes: int | None = None) -> Iterator[Connection[Any]]:
    """A server for the arena's store, and a connection to the database, which asks it.
    ``memory_bytes``: of decoded parts that it keeps.

    Raises:
        OSError: the server did not start; its error is on stderr.
    """
    command = [sys.executable, "-c", _MAIN, "serve", "--dsn", arena.place.dsn, "--register"]
    command += ["--schema", arena.store.schema, "--archive", arena.archive_url]
    command += ["--listen", "127.0.0.1:0", "--json"]
    for name, value in arena.archive_options.items():
        command += ["--archive-option", f"{name}={value}"]
    variables = environment()
    if memory_bytes is not None:
        variables["COLDSTREAM_ARCHIVE_MEMORY_BYTES"] = str(memory_bytes)
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            if not process.stdout.readline().startswith("{"):
                raise OSError("the archive server did not start; its error is above")
            with arena.place.connection() as connection:
                yield connection
        finally:
            process.terminate()
            process.communicate()
            Store(arena.place.dsn, arena.store.schema, None, None).unregister()


def sql_time(
    connection: Connection[Any], arena: Arena, function: str, arguments: Sequence[Any]
) -> float:
    """The time of a call in SQL, in milliseconds."""
    statement = arena.store.call(function, len(arguments)).encode()
    started = time.perf_counter()
    rows = connection.execute(statement, arguments, prepare=True).fetchall()
    took = (time.perf_counter() - started) * 1000
    if not rows:
        raise AssertionError(f"{function}{tuple(arguments)} gave nothing")
    return took


def sql_times(
    connection: Connection[Any],
    arena: Arena,
    function: str,
    questions: Sequence[Sequence[Any]],
    *,
    again: bool,
) -> float:
    """The median time of a call. ``again``: of each question when it is asked a second time."""
    times = []
    for each in questions:
        if again:
            sql_time(connection, arena, function, each)
        times.append(sql_time(connection, arena, function, each))
    return median(times)


def sql_catch_up(connection: Connection[Any], arena: Arena, category: str) -> tuple[int, float]:
    """How many messages a consumer that knows SQL alone reads of a category, page after page, and
    in how many seconds."""
    statement = arena.store.call("get_category_messages", 3).encode()
    started = time.perf_counter()
    position, count = 1, 0
    while rows := connection.execute(
        statement, (category, position, _PAGE), prepare=True
    ).fetchall():
        count += len(rows)
        position = rows[-1][4] + 1
    return count, time.perf_counter() - started
