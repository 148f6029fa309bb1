"""Where the processor time of a single write goes: write_message, and what is left without a part.

    .venv/bin/python tools/write_profile.py postgresql://...

The server must be on this machine and run Linux: a backend's time on the processor is read from
/proc. Unlike the time that passes, it depends little on other programs. Rounds alternate; printed
is the median of each, in microseconds a write in a transaction of its own, its commit included, and
its ratio to the plain table's.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import psycopg

from coldstream.bench.arena import Arena, make
from coldstream.bench.place import prepared
from coldstream.bench.workload import SHORT, Event, Model

ROUNDS, WRITES = 15, 400


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    with (
        prepared(sys.argv[1], keep=False, progress=lambda line: None) as place,
        ExitStack() as stack,
    ):
        arena = make(place, "profile", chunks=1)
        functions = dict(contenders(arena))
        now = datetime.now(UTC)
        events = Model(SHORT, 1).events(10**9, now, now + timedelta(days=1))
        backends = {
            name: stack.enter_context(psycopg.connect(sys.argv[1], autocommit=True))
            for name in functions
        }
        spent: dict[str, list[float]] = {name: [] for name in functions}
        for round in range(ROUNDS + 1):
            for name, function in functions.items():
                batch = list(islice(events, WRITES))
                used = measured(backends[name], function, batch)
                if round:  # The first one fills caches and prepares the statement.
                    spent[name].append(used)
    plain = statistics.median(spent[next(iter(spent))])
    for name, values in spent.items():
        median = statistics.median(values)
        print(f"{name:52} {median:6.0f} us {median / plain:6.2f}")
    return 0


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
        "without the id": without(f"  INSERT INTO {store}.recent_ids", "  IF _time"),
        "without the head": without(
            f"    INSERT INTO {store}.streams", "  ELSIF $6 OPERATOR(pg_catalog.=) -1", head
        ),
        "without the look at the ledger": without(
            "  IF _time OPERATOR(pg_catalog.<)", f"  IF {store}.debugging"
        ),
    }


def measured(connection: psycopg.Connection, function: str, batch: list[Event]) -> float:
    """Microseconds of the backend's time on the processor, a write."""
    statement = f"SELECT {function}(%s, %s, %s, %s::jsonb, %s::jsonb)".encode()
    schedule = Path(f"/proc/{connection.info.backend_pid}/schedstat")
    before = int(schedule.read_text().split()[0])
    for e in batch:
        connection.execute(
            statement, [e.id, e.stream_name, e.type, e.data, e.metadata], prepare=True
        )
    return (int(schedule.read_text().split()[0]) - before) / 1000 / len(batch)


if __name__ == "__main__":
    sys.exit(main())
