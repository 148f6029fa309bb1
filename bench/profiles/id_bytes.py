"""What the archive's column `id` costs in bytes a message, in each type that Parquet offers for it.

    .venv/bin/python bench/profiles/id_bytes.py [--messages 60000]

Two histories: GitHub's webhook deliveries (real ones, downloaded once from npm, copies of them
with ids of their own), and the benchmark's model of a shop. Each with UUIDs of version 4 and of
version 7, in the archive's order and cut into the archive's row groups. Printed are, each for a
message, the bytes of the column after zstd and those of the whole file, and the microseconds on the
processor that encoding and compressing the column takes. docs/decisions tells what was chosen.
"""

from __future__ import annotations

import argparse
import io
import random
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq

import checkout  # noqa: F401
from coldstream.archive.format.parquet import writer_options
from coldstream.archive.format.row_groups import ROW_GROUP_ROWS, RowGroups
from coldstream.archive.format.rows import SCHEMA, Row
from coldstream.demo.deliveries import fetch_deliveries
from coldstream.demo.history import plan
from coldstream.errors import ColdstreamError
from coldstream.messages.json import encode_json
from coldstream.messages.names import category
from coldstream_bench.workload import MIXED, Model

START, WEEK = datetime(2025, 1, 2, tzinfo=UTC), timedelta(days=7)

_Ids = Callable[[list[UUID]], pa.Array]


def _bytes(ids: list[UUID]) -> pa.Array:
    return pa.array([id.bytes for id in ids], pa.binary(16))


def _uuid(ids: list[UUID]) -> pa.Array:
    return pa.ExtensionArray.from_storage(pa.uuid(), _bytes(ids))


def _text(ids: list[UUID]) -> pa.Array:
    return pa.array(list(map(str, ids)), pa.string())


def _digits(ids: list[UUID]) -> pa.Array:
    return pa.array([id.hex for id in ids], pa.string())


# What Parquet calls it, how it is made, its encoding, and the level of zstd.
FORMS: list[tuple[str, _Ids, str, int]] = [
    ("FIXED_LEN_BYTE_ARRAY(16), UUID", _uuid, "PLAIN", 9),
    ("FIXED_LEN_BYTE_ARRAY(16)", _bytes, "PLAIN", 9),
    ("FIXED_LEN_BYTE_ARRAY(16)", _bytes, "BYTE_STREAM_SPLIT", 9),
    ("FIXED_LEN_BYTE_ARRAY(16)", _bytes, "DELTA_BYTE_ARRAY", 9),
    ("STRING of 36", _text, "dictionary", 9),
    ("STRING of 36", _text, "PLAIN", 9),
    ("STRING of 36", _text, "DELTA_BYTE_ARRAY", 9),
    ("STRING of 36", _text, "DELTA_BYTE_ARRAY", 1),
    ("STRING of 36", _text, "DELTA_LENGTH_BYTE_ARRAY", 9),
    ("STRING of 36", _text, "DELTA_LENGTH_BYTE_ARRAY", 3),
    ("STRING of 36", _text, "DELTA_LENGTH_BYTE_ARRAY", 1),
    ("STRING of 36", _text, "DELTA_LENGTH_BYTE_ARRAY", 19),
    ("STRING of 32", _digits, "DELTA_LENGTH_BYTE_ARRAY", 1),
]


def deliveries(count: int) -> list[Row]:
    rows: list[Row] = []
    for number, event in enumerate(plan(fetch_deliveries(print), count, START + 10 * WEEK), 1):
        message = event.message
        rows.append(
            (
                number,
                event.position,
                event.time,
                message.stream_name,
                message.type,
                encode_json(message.data),
                encode_json(message.metadata),
                UUID(int=0),
                category(message.stream_name),
            )
        )
    return rows


def model(count: int) -> list[Row]:
    return [
        (
            number,
            event.position,
            event.time,
            event.stream_name,
            event.type,
            event.data,
            event.metadata,
            UUID(event.id),
            category(event.stream_name),
        )
        for number, event in enumerate(Model(MIXED, 1).events(count, START, START + 10 * WEEK), 1)
    ]


def of_version(rows: list[Row], version: int) -> list[Row]:
    """The same messages with random ids, or with ids that begin with the milliseconds of their
    time."""
    chosen = random.Random(version)
    found = []
    for row in rows:
        number = chosen.getrandbits(128)
        if version == 7:
            number = int(row[2].timestamp() * 1000) << 80 | number & (1 << 80) - 1
        number = number & ~(0xF << 76) & ~(3 << 62) | version << 76 | 2 << 62
        id = UUID(int=number)
        found.append((*row[:7], id, row[8]))
    return found


def groups(rows: list[Row]) -> Iterator[list[pa.RecordBatch]]:
    """The archive's row groups, cut as an export cuts them."""
    ordered = in_order(rows)
    cut = RowGroups(ordered[at : at + 2000] for at in range(0, len(ordered), 2000))
    sink = io.BytesIO()
    with pq.ParquetWriter(sink, SCHEMA, **writer_options()) as writer:
        while cut.more:
            for group in cut.file():
                before = sink.tell()
                writer.write_table(pa.Table.from_batches(group), row_group_size=ROW_GROUP_ROWS)
                cut.written(sink.tell() - before)
                yield group


def in_order(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row[3].encode(), row[1]))


def written(tables: list[pa.Table], encoding: str, level: int) -> tuple[int, int, float]:
    """The bytes of the ids, those of the file, and the seconds that writing the ids alone takes."""
    options: dict[str, Any] = writer_options()
    options["compression_level"] = {**options["compression_level"], "id": level}
    options["column_encoding"] = dict(options["column_encoding"])
    if encoding == "dictionary":
        options["column_encoding"].pop("id", None)
        options["use_dictionary"] = [*options["use_dictionary"], "id"]
    else:
        options["column_encoding"]["id"] = encoding
    # It names columns by their number, which is the archive's.
    del options["sorting_columns"]
    file = _written(tables, options)
    footer = pq.read_metadata(pa.BufferReader(file))
    at = tables[0].schema.get_field_index("id")
    parts = [footer.row_group(n).column(at) for n in range(footer.num_row_groups)]
    alone = {name: options[name] for name in ("compression", "write_page_checksum")}
    alone |= {"compression_level": level, "use_dictionary": encoding == "dictionary"}
    if encoding != "dictionary":
        alone["column_encoding"] = {"id": encoding}
    started = time.process_time()
    _written([table.select(["id"]) for table in tables], alone)
    seconds = time.process_time() - started
    return sum(part.total_compressed_size for part in parts), len(file), seconds


def _written(tables: list[pa.Table], options: dict[str, Any]) -> bytes:
    sink = io.BytesIO()
    with pq.ParquetWriter(sink, tables[0].schema, **options) as writer:
        for table in tables:
            writer.write_table(table, row_group_size=ROW_GROUP_ROWS)
    return sink.getvalue()


def compare(name: str, rows: list[Row]) -> None:
    for version in (4, 7):
        given = of_version(rows, version)
        ids = [row[7] for row in in_order(given)]
        tables = [pa.Table.from_batches(group) for group in groups(given)]
        print(f"\n{name}, {len(rows):,} messages, {len(tables)} row groups, UUIDv{version}")
        head = f"{'zstd':>4}{'id, B':>8}{'all, B':>8}{'id, us':>8}"
        print(f"{'id':32}{'encoding':25}{head}")
        for kind, make, encoding, level in FORMS:
            of_this, start = [], 0
            for table in tables:
                part = make(ids[start : start + len(table)])
                start += len(table)
                of_this.append(table.set_column(table.schema.get_field_index("id"), "id", part))
            column, file, seconds = (n / len(rows) for n in written(of_this, encoding, level))
            print(
                f"{kind:32}{encoding:25}{level:>4}{column:>8.2f}{file:>8.2f}{seconds * 1e6:>8.2f}"
            )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--messages", type=int, default=60_000)
    count = parser.parse_args().messages
    try:
        compare("GitHub's deliveries", deliveries(count))
        compare("The benchmark's model", model(count))
    except ColdstreamError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
