"""What a message takes in the columnstore, and what reading it costs, in the forms to choose from.

    .venv/bin/python bench/profiles/columnstore_profile.py postgresql://...

For each form of the JSON, way to compress it, batch size and bucket: bytes a message, everything
counted but the heads; and the processor time in milliseconds of compressing 1,000 messages, of a
page of 1,000 of a category, of all of a category in 16,384 global positions, and of a short stream.
The median of some rounds; the server must be on this machine and run Linux (the time is read from
/proc).
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice, product
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

import checkout  # noqa: F401
from coldstream_bench.place import prepared
from coldstream_bench.workload import LONG, SHORT, Model, Shape
from processor_time import processor_time

MESSAGES, ROUNDS = 200_000, 9
START = datetime(2026, 1, 5, tzinfo=UTC)
READ_AS_THE_STORE_DOES = "SET enable_sort = off; SET jit = off; SET work_mem = '32MB'"


class Form(NamedTuple):
    """Of the columns, the compression, the batch and the bucket (its positions' bits)."""

    type: str
    compression: str
    batch: int
    bits: int


FORMS = (
    *(Form(*each, 1000, 14) for each in product(("jsonb", "json", "text"), ("pglz", "lz4"))),
    *(Form("json", "lz4", batch, 14) for batch in (500, 990, 1500, 1980, 3000, 6000)),
    *(Form("json", "pglz", batch, 14) for batch in (990, 1980, 3000, 6000)),
    *(Form("json", *each, 990, 13) for each in (("lz4",), ("pglz",))),
    *(Form("json", *each, 990, 15) for each in (("lz4",), ("pglz",))),
)


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    with prepared(sys.argv[1], keep=False, progress=lambda line: None) as place:
        for shape in (SHORT, LONG):
            print(f"{shape.name}; bytes a message, ms   bytes compress  page bucket stream")
            schema = place.schema(f"forms_{shape.lengths}")
            with place.connection() as connection:
                connection.execute(f"CREATE SCHEMA {schema}".encode())
                fill(connection, schema, shape)
                for form in FORMS:
                    name = f"{form.type}, {form.compression}, {form.batch:,} a batch, 2^{form.bits}"
                    print(f"  {name:34}", measured(connection, schema, form), flush=True)
    return 0


def parts(schema: str, **values: object) -> dict[str, bytes]:
    """The statements of the file beside this one."""
    text = Path(__file__).with_suffix(".sql").read_text("utf-8").replace("@schema@", schema)
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    named = (part.split("\n", 1) for part in text.split("-- name: ")[1:])
    return {name.strip(): statement.strip().encode() for name, statement in named}


def fill(connection: psycopg.Connection, schema: str, shape: Shape) -> None:
    """The messages, as jsonb gives them."""
    statement = parts(schema)
    connection.execute(statement["source"])
    events = Model(shape, 1).events(MESSAGES, START, START + timedelta(days=7))
    first = 1
    while batch := list(islice(events, 10_000)):
        columns = [
            (e.position, e.time, e.stream_name, e.type, e.data, e.metadata, e.id) for e in batch
        ]
        numbers = list(range(first, first + len(batch)))
        arrays = [numbers, *(list(column) for column in zip(*columns, strict=True))]
        connection.execute(statement["fill"], arrays)
        first += len(batch)


def measured(connection: psycopg.Connection, schema: str, form: Form) -> str:
    """The figures of one form, as a line."""
    statement = parts(schema, type=form.type, bits=form.bits, middle=MESSAGES // 2 >> 14 << 14)
    for name in ("table", "hypertable", "layout", "rows"):
        connection.execute(statement[name])
    connection.execute(f"SET default_toast_compression = {form.compression}".encode())
    connection.execute(f"SET timescaledb.compression_batch_size_limit = {form.batch}".encode())
    [compressed] = spent(connection, statement["compress"], (), 1)
    sizes = connection.execute(statement["bytes"]).fetchone()
    stream = connection.execute(statement["sample"]).fetchone()
    assert sizes is not None
    assert stream is not None
    connection.execute(READ_AS_THE_STORE_DOES.encode())
    reads = [
        statistics.median(spent(connection, statement[name], arguments, ROUNDS))
        for name, arguments in (("page", ()), ("bucket", ()), ("stream", stream))
    ]
    connection.execute(statement["drop"])
    connection.execute(b"RESET ALL")
    per_message = float(sizes[0]) / MESSAGES
    figures = " ".join(f"{value:6.2f}" for value in reads)
    return f"{per_message:6.1f} {compressed / MESSAGES * 1000:8.2f} {figures}"


def spent(
    connection: psycopg.Connection, statement: bytes, arguments: Sequence[Any], rounds: int
) -> list[float]:
    """Milliseconds of the backend's time on the processor, of each round."""
    times = []
    for _ in range(rounds):
        before = processor_time(connection.info.backend_pid)
        connection.execute(statement, arguments or None).fetchall()
        times.append((processor_time(connection.info.backend_pid) - before) / 1e6)
    return times


if __name__ == "__main__":
    sys.exit(main())
