"""Where the processor time of a write goes: of a single one, and of a message in a batch.

    .venv/bin/python bench/profiles/write_profile.py postgresql://...

The server must be on this machine and run Linux: a backend's time on the processor is read from
/proc. Unlike the time that passes, it depends little on other programs. Rounds alternate; printed
is the median of each, in microseconds a message, the commit included.

The first table is write_message, in transactions of their own, and what is left of it without a
part; the ratio is to the plain table's. The second is a message of a batch, by the batch's size:
what the backend spends on it, from COPY into a plain table to the store's functions, and what the
client does, which is encoding included.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

import checkout  # noqa: F401
from coldstream import NewMessage
from coldstream.client.arguments import write_many_arguments
from coldstream.sql import query
from coldstream_bench.arena import Arena, columns, make
from coldstream_bench.imports import to_message
from coldstream_bench.place import prepared
from coldstream_bench.workload import SHORT, Event, Model
from processor_time import processor_time

ROUNDS, WRITES = 15, 400
SIZES, BATCHED = (10, 100, 1000), 1000


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    with (
        prepared(sys.argv[1], keep=False, progress=lambda line: None) as place,
        ExitStack() as stack,
    ):
        arena = make(place, "profile", chunks=1)
        now = datetime.now(UTC)
        events = Model(SHORT, 1).events(10**9, now, now + timedelta(days=1))
        singles(arena, events, stack)
        batches(arena, events, stack)
    return 0


def singles(arena: Arena, events: Iterator[Event], stack: ExitStack) -> None:
    """Print what a write of its own takes."""
    functions = dict(contenders(arena))
    backends = {name: connected(arena, stack) for name in functions}
    spent: dict[str, list[float]] = {name: [] for name in functions}
    for round in range(ROUNDS + 1):
        for name, function in functions.items():
            used = measured(backends[name], function, list(islice(events, WRITES)))
            if round:  # The first one fills caches and prepares the statement.
                spent[name].append(used)
    plain = statistics.median(spent[next(iter(spent))])
    for name, values in spent.items():
        median = statistics.median(values)
        print(f"{name:52} {median:6.0f} us {median / plain:6.2f}")


def batches(arena: Arena, events: Iterator[Event], stack: ExitStack) -> None:
    """Print what a message of a batch takes."""
    store = stack.enter_context(arena.client(max_size=1))
    with store.connection() as connection:
        backend = connection.info.backend_pid
    copying = connected(arena, stack)
    text = query("write_messages", arena.store.schema)
    call = "SELECT " + text[text.index(f"{arena.store.schema}.write_messages") :]
    ways = {
        "COPY into a plain table": Way(
            copying.info.backend_pid,
            lambda batch: list(columns(batch)),
            partial(copy, arena, copying),
        )
    }
    for name, function in (
        ("arrays of messages, taken and left alone", "take_arrays"),
        ("their INSERT alone, into a table like the hypertable", "insert_many_table"),
        ("their INSERT alone, into the hypertable", "insert_many_hypertable"),
    ):
        connection = connected(arena, stack)
        ways[name] = Way(
            connection.info.backend_pid,
            lambda batch: write_many_arguments(new_messages(batch), None),
            partial(execute, connection, call.replace("write_messages", function).encode()),
        )
    ways["write_messages"] = Way(backend, new_messages, store.write_messages)
    ways["import_messages"] = Way(
        backend, lambda batch: [to_message(event) for event in batch], store.import_messages
    )
    spent: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for round in range(ROUNDS + 1):
        for size in SIZES:
            for name, way in ways.items():
                prepared = [way.prepare(list(islice(events, size))) for _ in range(BATCHED // size)]
                server, client = processor_time(way.backend), time.process_time_ns()
                for batch in prepared:
                    way.write(batch)
                client = time.process_time_ns() - client
                server = processor_time(way.backend) - server
                if round:
                    spent.setdefault((name, size), []).append((server, client))
    for title, which, names in (
        ("server, us a message; batch of", 0, ways),
        ("client, us a message; batch of", 1, ("write_messages", "import_messages")),
    ):
        print(f"\n{title:52}", *(f"{size:6,}" for size in SIZES))
        for name in names:
            medians = (statistics.median(u[which] for u in spent[name, size]) for size in SIZES)
            print(f"{name:52}", *(f"{median / 1000 / BATCHED:6.1f}" for median in medians))


class Way(NamedTuple):
    """One way to write a batch; what prepares it is not measured."""

    backend: int
    prepare: Callable[[list[Event]], Any]
    write: Callable[[Any], object]


def copy(arena: Arena, connection: psycopg.Connection, rows: list[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor, cursor.copy(arena.query("copy_plain")) as into:
        for row in rows:
            into.write_row(row)


def execute(connection: psycopg.Connection, statement: bytes, arguments: Any) -> None:
    connection.execute(statement, arguments, prepare=True)


def new_messages(batch: list[Event]) -> list[NewMessage]:
    """As a program has them: values, which the client encodes."""
    return [
        NewMessage(
            e.stream_name,
            e.type,
            json.loads(e.data or "null"),
            json.loads(e.metadata or "null"),
            e.id,
        )
        for e in batch
    ]


def connected(arena: Arena, stack: ExitStack) -> psycopg.Connection:
    return stack.enter_context(psycopg.connect(arena.place.dsn, autocommit=True))


def contenders(arena: Arena) -> Iterator[tuple[str, str]]:
    """Name and function of each, which are made here."""
    store = arena.store.schema
    yield "Message DB's functions on a plain table", f"{arena.plain.schema}.write_message"
    yield "write_message", f"{store}.write_message"
    text = Path(__file__).with_suffix(".sql").read_text("utf-8").replace("@store@", store)
    with arena.place.connection() as connection:
        connection.execute(text.encode())
        [(definition,)] = connection.execute(
            "SELECT pg_get_functiondef(%s::regproc)", [f"{store}.write_message"]
        ).fetchall()
        for number, (name, change) in enumerate(variants(store).items()):
            function = f"{store}.variant_{number}"
            changed = change(definition)
            if changed == definition:
                raise SystemExit(f"write_message has changed: nothing left out for {name!r}")
            connection.execute(
                changed.replace(f"{store}.write_message(", f"{function}(", 1).encode()
            )
            yield f"  {name}", function
    yield "the INSERT alone, into the hypertable", f"{store}.insert_hypertable"
    yield "the INSERT alone, into a table like it", f"{store}.insert_table"


def variants(store: str) -> dict[str, Callable[[str], str]]:
    """write_message with a part of it changed, by what was changed."""

    def without(start: str, end: str, put: str = "") -> Callable[[str], str]:
        def change(text: str) -> str:
            first = text.find(start)
            return text[:first] + put + text[text.index(end, first) :] if first >= 0 else text

        return change

    head = "_position := 0; _time := pg_catalog.clock_timestamp();\n"
    return {
        "into a table like the hypertable": lambda text: text.replace(
            f"INSERT INTO {store}.messages", f"INSERT INTO {store}.bare_messages"
        ),
        "without the message": without(
            f"  INSERT INTO {store}.messages", f"  INSERT INTO {store}.recent_ids"
        ),
        "without the id": without(f"  INSERT INTO {store}.recent_ids", "  IF (_time"),
        "without the head": without(
            f"    INSERT INTO {store}.streams", "  ELSIF $6 OPERATOR(pg_catalog.=) -1", head
        ),
        "with a search_path of its own": lambda text: text.replace(
            "SECURITY DEFINER", "SECURITY DEFINER SET search_path = pg_catalog, pg_temp"
        ),
        "without the look at the ledger": without(
            "  IF (_time OPERATOR(pg_catalog.<)", f"  IF {store}.debugging"
        ),
    }


def measured(connection: psycopg.Connection, function: str, batch: list[Event]) -> float:
    """Microseconds of the backend's time on the processor, a write."""
    statement = f"SELECT {function}(%s, %s, %s, %s::jsonb, %s::jsonb)".encode()
    before = processor_time(connection.info.backend_pid)
    for e in batch:
        connection.execute(
            statement, [e.id, e.stream_name, e.type, e.data, e.metadata], prepare=True
        )
    return (processor_time(connection.info.backend_pid) - before) / 1000 / len(batch)


if __name__ == "__main__":
    sys.exit(main())
