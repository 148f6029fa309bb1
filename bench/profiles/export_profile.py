"""Where the processor time of an export goes, and what other levels of zstd would give.

    .venv/bin/python bench/profiles/export_profile.py postgresql://...

The server must be on this machine and run Linux: a backend's time on the processor is read from
/proc. Printed are microseconds a message, the best of some rounds: what the server spends on a
chunk of the columnstore in the archive's order, without parallel workers; and what the client does
with it, but for taking it in and the upload. An export takes at least the sum of these, divided by
the number of processors. For each set of levels, also the bytes a message takes in the file.
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from psycopg import Connection, sql

import checkout  # noqa: F401
from coldstream.archive.format.digest import RowsDigest
from coldstream.archive.format.parquet import writer_options
from coldstream.archive.format.rows import COLUMNS, SCHEMA, to_batches
from coldstream.archive.format.summary import Summing
from coldstream.sql import query
from coldstream_bench.arena import make
from coldstream_bench.place import prepared
from coldstream_bench.workload import MIXED, Model
from processor_time import processor_time

MESSAGES, ROUNDS, GROUP = 100_000, 3, 5_300
LEVELS: Mapping[str, Mapping[str, int]] = {
    "zstd, the levels of an archive file": {},
    "  6 for JSON": {"data": 6, "metadata": 6},
    "  5 for JSON": {"data": 5, "metadata": 5},
    "  3 for JSON": {"data": 3, "metadata": 3},
}


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    with prepared(sys.argv[1], keep=False, progress=lambda line: None) as place:
        arena = make(place, "profile", chunks=1)
        arena.fill(Model(MIXED, 1), MESSAGES, lambda count: None)
        arena.compress()
        statement = sql.SQL(query("export_rows", arena.store.schema)).format(
            range_start=sql.Literal(arena.start), range_end=sql.Literal(arena.end)
        )
        with place.connection() as connection:
            shown(connection, statement)
    return 0


def shown(connection: Connection[Any], statement: sql.Composed) -> None:
    """Print a line for each part."""
    print("exporting a chunk; us a message               server  client  bytes")
    copy = sql.SQL("COPY ({}) TO STDOUT (FORMAT binary)").format(statement)
    connection.execute("SET max_parallel_workers_per_gather = 0")

    def server() -> None:
        with connection.cursor() as cursor, cursor.copy(copy) as rows:
            for _ in rows:
                pass

    spent = best(server, lambda: processor_time(connection.info.backend_pid))
    print(f"  {'in the order of streams, sent':44}{spent:6.2f}", flush=True)

    given = as_arrow(connection, statement)
    batches = [batch for each in given for batch in to_batches(each)]
    client("made into the archive's columns", lambda: [list(to_batches(each)) for each in given])
    client("order, ids, categories, digest", lambda: add_all(Summing().add, batches))
    client("  the digest", lambda: add_all(RowsDigest().update_batch, batches))
    table = pa.Table.from_batches(batches)
    for name, levels in LEVELS.items():
        size = written(table, levels) / MESSAGES
        taken = best(partial(written, table, levels))
        print(f"  {name:50}{taken:8.2f} {size:6.1f}", flush=True)


def as_arrow(connection: Connection[Any], statement: sql.Composed) -> list[pa.RecordBatch]:
    """The rows as ADBC gives them: about a megabyte each."""
    cursor = connection.execute(statement, binary=True)
    found = []
    while rows := cursor.fetchmany(1_700):
        columns = [list(column) for column in zip(*rows, strict=True)]
        ids = COLUMNS.index("id")
        columns[ids] = [id.bytes for id in columns[ids]]
        types = [pa.binary(16) if field.name == "id" else field.type for field in SCHEMA]
        arrays = [pa.array(*each) for each in zip(columns, types, strict=True)]
        found.append(pa.record_batch(arrays, names=list(COLUMNS)))
    return found


def add_all(add: Callable[[pa.RecordBatch], None], batches: list[pa.RecordBatch]) -> None:
    for batch in batches:
        add(batch)


def written(table: pa.Table, levels: Mapping[str, int]) -> int:
    """Bytes of the rows as a file with other levels."""
    options = writer_options()
    options["compression_level"] = {**options["compression_level"], **levels}
    target = io.BytesIO()
    with pq.ParquetWriter(target, SCHEMA, **options) as writer:
        for start in range(0, len(table), GROUP):
            writer.write_table(table.slice(start, GROUP), row_group_size=GROUP)
    return target.tell()


def client(name: str, work: Callable[[], object]) -> None:
    print(f"  {name:50}{best(work):8.2f}", flush=True)


def best(work: Callable[[], object], clock: Callable[[], int] = time.process_time_ns) -> float:
    """Microseconds a message on the processor."""
    times = []
    for _ in range(ROUNDS):
        before = clock()
        work()
        times.append(clock() - before)
    return min(times) / 1000 / MESSAGES


if __name__ == "__main__":
    sys.exit(main())
