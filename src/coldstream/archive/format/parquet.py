"""Archive files as Parquet: how they are written, sorted by stream and position.

A file is self-contained Parquet, of types that every reader knows, with a field id on every column.
Encodings and sizes were chosen by measuring.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from coldstream.archive.format.row_groups import ROW_GROUP_ROWS, RowGroups
from coldstream.archive.format.rows import (
    COLUMNS,
    DICTIONARY,
    SCHEMA,
)
from coldstream.archive.format.summary import FileStats, Summing
from coldstream.archive.storage.sink import HashingSink

# Only what every reader knows: BYTE_STREAM_SPLIT would pack the two columns that are plain here a
# little better, and DuckDB and Spark refuse it for integers (docs/decisions/0013).
_ENCODINGS = {
    "global_position": "PLAIN",
    "time": "PLAIN",
    "position": "DELTA_BINARY_PACKED",
    "data": "DELTA_LENGTH_BYTE_ARRAY",
    "metadata": "DELTA_LENGTH_BYTE_ARRAY",
    "id": "DELTA_LENGTH_BYTE_ARRAY",
}
# zstd's, and as high as they make a file smaller: to compress is most of what an export does
# (docs/decisions/0011). In random digits, which ids are and names end with, higher ones look for
# repetitions that are not there, and code those that they find at random worse than the digits
# themselves (bench/profiles/id_bytes.py).
_LEVELS = {
    "id": 1,
    "stream_name": 1,
    "global_position": 6,
    "time": 6,
    "position": 9,
    "type": 9,
    "category": 9,
    "data": 8,
    "metadata": 8,
}
# Ranges of JSON and of random ids prune nothing, and long JSON would fill the footer.
_STATISTICS = [name for name in COLUMNS if name not in ("data", "metadata", "id")]


def write_file(
    target: Path | BinaryIO, groups: RowGroups, summing: Summing, *, metadata: Mapping[str, str]
) -> FileStats:
    """Write the next file; fsync when given a path. Two row groups are in memory: one is gathered
    while a thread compresses the one before it.

    ``metadata`` becomes key-value metadata of the file.
    """
    sink = HashingSink(target)
    try:
        with pq.ParquetWriter(sink, SCHEMA, **writer_options()) as writer:
            with ThreadPoolExecutor(1, "coldstream-parquet") as pool:
                writing: Future[int] | None = None
                for group in groups.file():
                    for batch in group:
                        summing.add(batch)
                    # Waiting here, and nowhere earlier or later, makes the cuts depend on the rows
                    # alone and not on who is faster.
                    if writing is not None:
                        groups.written(writing.result())
                    writing = pool.submit(_write_group, writer, sink, group)
                if writing is not None:
                    groups.written(writing.result())
            if metadata:
                writer.add_key_value_metadata(dict(metadata))
            sink.keep_tail()
    finally:
        sink.close()
    # Parquet ends with the footer's length (4 bytes, little-endian) and its magic.
    length = int.from_bytes(sink.tail[-8:-4], "little") + 8
    return summing.file_stats(sink, sink.tail[-length:])


def writer_options() -> dict[str, Any]:
    """How pyarrow's ``ParquetWriter`` is to write an archive file."""
    return {
        "compression": "zstd",
        "compression_level": _LEVELS,
        "use_dictionary": list(DICTIONARY),
        "column_encoding": _ENCODINGS,
        "write_statistics": _STATISTICS,
        "write_page_checksum": True,
        "sorting_columns": pq.SortingColumn.from_ordering(
            SCHEMA, [("stream_name", "ascending"), ("position", "ascending")]
        ),
        "bloom_filter_options": {"stream_name": {"ndv": ROW_GROUP_ROWS, "fpp": 0.05}},
    }


def _write_group(writer: pq.ParquetWriter, sink: HashingSink, group: list[pa.RecordBatch]) -> int:
    """The bytes that a row group takes in the file."""
    before = sink.bytes
    writer.write_table(pa.Table.from_batches(group), row_group_size=ROW_GROUP_ROWS)
    return sink.bytes - before
