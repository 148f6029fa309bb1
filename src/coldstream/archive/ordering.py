"""Rows that are stored by stream, read in global order with bounded memory.

A light pass over the global positions cuts them into windows that fit in memory. A few windows are
each read by a pass of their own. More of them would read the whole file as many times, so from the
second window on one pass deals all rows out to their windows in a temporary file.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from coldstream.archive.rows import SCHEMA, to_messages
from coldstream.archive.spool import spool_file
from coldstream.errors import ArchiveCorrupt
from coldstream.message import Message

WINDOW_ROWS = 20_000
WINDOW_BYTES = 64 * 1024 * 1024
_MESSAGES = 4_096  # made at once
_PASSES = 3  # windows that are worth a pass of their own
_BUCKETS = 65_536
_WIDEST = 14  # global positions are unique: a bucket 2^14 wide holds fewer rows than a window


class RowSource(Protocol):
    """An open archive file of either format."""

    @property
    def row_bytes(self) -> int: ...

    def batches(
        self,
        *,
        columns: Iterable[str] | None = None,
        category: str | None = None,
        first: int | None = None,
        last: int | None = None,
    ) -> Iterator[pa.RecordBatch]: ...


def in_global_order(
    source: RowSource,
    category: str | None,
    first: int = 0,
    last: int | None = None,
    *,
    window_rows: int = WINDOW_ROWS,
    spool_dir: Path | None = None,
) -> Iterator[list[Message]]:
    """Messages by global position, ``first`` and ``last`` inclusive; ``category=None``: all. In
    lists of some thousands at most, never empty.

    Holds about ``window_rows`` rows in memory, fewer where they are large.
    """
    rows = max(1, min(window_rows, WINDOW_BYTES // max(1, source.row_bytes)))
    ranges = windows(source, category, first, last, rows=rows)
    alone = len(ranges) if len(ranges) <= _PASSES else 1
    for low, high in ranges[:alone]:
        yield from _sorted(source.batches(category=category, first=low, last=high))
    if ranges[alone:]:
        yield from _dealt(source, category, ranges[alone:], rows, spool_dir)


def windows(
    source: RowSource,
    category: str | None,
    first: int = 0,
    last: int | None = None,
    *,
    rows: int = WINDOW_ROWS,
) -> list[tuple[int, int]]:
    """Ranges of global positions, ascending and inclusive, of at most about ``rows`` rows each."""
    columns = ["global_position"] if category is None else ["global_position", "category"]
    counts: dict[int, int] = {}
    # Global positions are unique, so a bucket never holds more than it is wide: a sixteenth of a
    # window at most, and few enough of them to be counted in Python.
    shift = min(_WIDEST, max(0, (rows // 16).bit_length() - 1))
    for batch in source.batches(columns=columns, category=category, first=first, last=last):
        counted = pc.value_counts(pc.shift_right(batch["global_position"], shift))
        for bucket, count in zip(*(part.to_pylist() for part in counted.flatten()), strict=True):
            counts[bucket] = counts.get(bucket, 0) + count
        while len(counts) > _BUCKETS and shift < _WIDEST:
            shift += 1
            coarser: dict[int, int] = {}
            for bucket, count in counts.items():
                coarser[bucket >> 1] = coarser.get(bucket >> 1, 0) + count
            counts = coarser
    ranges: list[tuple[int, int]] = []
    inside = 0
    for bucket in sorted(counts):
        # The outer buckets may reach past what was asked for.
        low, high = max(first, bucket << shift), ((bucket + 1) << shift) - 1
        if last is not None:
            high = min(last, high)
        if ranges and inside + counts[bucket] <= rows:
            ranges[-1] = ranges[-1][0], high
            inside += counts[bucket]
        else:
            ranges.append((low, high))
            inside = counts[bucket]
    return ranges


def _sorted(batches: Iterable[pa.RecordBatch]) -> Iterator[list[Message]]:
    rows = list(batches)
    if rows:
        table = pa.Table.from_batches(rows)
        table = table.take(pc.sort_indices(table["global_position"])).combine_chunks()
        _check_unique(table["global_position"])
        for batch in table.to_batches(max_chunksize=_MESSAGES):
            yield to_messages(batch)


def _check_unique(positions: pa.ChunkedArray) -> None:
    twice = pc.equal(positions[1:], positions[:-1])
    if pc.any(twice).as_py():
        position = positions[pc.index(twice, True).as_py()]
        raise ArchiveCorrupt(f"The global position {position} is archived twice")


def _dealt(
    source: RowSource,
    category: str | None,
    ranges: list[tuple[int, int]],
    rows: int,
    spool_dir: Path | None,
) -> Iterator[list[Message]]:
    """The messages of these windows, by way of a temporary file."""
    starts = [low for low, _ in ranges]
    parts: list[list[int]] = [[] for _ in ranges]  # numbers of a window's batches in the file
    written = 0
    with spool_file(spool_dir) as spool:
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with pa.ipc.new_file(pa.PythonFile(spool, "w"), SCHEMA, options=options) as writer:
            found = source.batches(category=category, first=ranges[0][0], last=ranges[-1][1])
            for table in _gathered(found, rows):
                # Sorted first, so that a window's rows of this table are one slice.
                table = table.take(pc.sort_indices(table["global_position"])).combine_chunks()
                positions = table["global_position"].to_pylist()
                at = 0
                while at < len(positions):
                    window = bisect_right(starts, positions[at]) - 1
                    end = bisect_right(positions, ranges[window][1], at)
                    for batch in table.slice(at, end - at).to_batches():
                        writer.write_batch(batch)
                        parts[window].append(written)
                        written += 1
                    at = end
        reader = pa.ipc.open_file(pa.PythonFile(spool, "r"))
        for numbers in parts:
            yield from _sorted(reader.get_batch(number) for number in numbers)


def _gathered(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.Table]:
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        held.append(batch)
        count += batch.num_rows
        if count >= rows:
            yield pa.Table.from_batches(held)
            held, count = [], 0
    if held:
        yield pa.Table.from_batches(held)
