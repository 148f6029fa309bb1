"""Rows that are stored by stream, read in global order with bounded memory.

A light pass over the global positions cuts them into windows that fit in memory. The first window
is found by a pass of its own, because its messages may be all that is wanted; and so is each one
where they are few. Otherwise another pass deals the rows of the others out to their windows, in a
temporary file. A caller that is known to read all saves the first of the two. One that wants a page
gets the page's rows alone first: bringing a whole window in order takes longer than all else.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from threading import Event
from typing import BinaryIO, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from coldstream.archive.format.rows import SCHEMA
from coldstream.archive.storage.ahead import Stopped
from coldstream.archive.storage.faults import reported
from coldstream.archive.storage.memory import give_back
from coldstream.archive.storage.spool import spool_file
from coldstream.errors import ArchiveCorrupt

WINDOW_ROWS = 32_768
WINDOW_BYTES = 64 * 1024 * 1024
_MESSAGES = 4_096  # made at once
_PASSES = 3  # a pass takes less than a third of what a temporary file does
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
        keep: bool = False,
    ) -> Iterator[pa.RecordBatch]: ...


def pieces(table: pa.Table) -> list[pa.RecordBatch]:
    """A sorted table as batches of which messages are made at once."""
    batches: list[pa.RecordBatch] = table.to_batches(max_chunksize=_MESSAGES)
    return batches


def tables_in_global_order(
    source: RowSource,
    category: str | None,
    first: int = 0,
    last: int | None = None,
    *,
    window_rows: int = WINDOW_ROWS,
    spool_dir: Path | None = None,
    reading_on: bool = False,
    head: int | None = None,
    stop: Event | None = None,
) -> Generator[pa.Table]:
    """Rows by global position, ``first`` and ``last`` inclusive; ``category=None``: all. As tables
    of one window each, sorted and without an empty one: about ``window_rows`` rows are in memory,
    fewer where they are large.

    ``reading_on``: all of it is wanted, so the first window need not come before the others are
    dealt. ``head``: that many rows may be all that is wanted, and are the first table; what is
    decoded for them is kept, because others ask for the pages around them. ``stop``, once set,
    ends it by Stopped.
    """
    source = source if stop is None else _Stoppable(source, stop)
    rows = max(1, min(window_rows, WINDOW_BYTES // max(1, source.row_bytes)))
    if head is not None and not reading_on:
        end = _end_of_head(source, category, first, last, min(head, rows))
        yield from _sorted(source.batches(category=category, first=first, last=end, keep=True))
        if end is None or end == last:
            return
        first, reading_on = end + 1, True
    ranges = windows(source, category, first, last, rows=rows)
    few = len(ranges) <= _PASSES
    alone = len(ranges) if few else 0 if reading_on else 1
    for low, high in ranges[:alone]:
        yield from _sorted(source.batches(category=category, first=low, last=high))
    if ranges[alone:]:
        yield from _dealt(source, category, ranges[alone:], rows, spool_dir)


class _Stoppable:
    """Rows as long as nobody says stop."""

    def __init__(self, source: RowSource, stop: Event) -> None:
        self._source = source
        self._stop = stop

    @property
    def row_bytes(self) -> int:
        return self._source.row_bytes

    def batches(
        self,
        *,
        columns: Iterable[str] | None = None,
        category: str | None = None,
        first: int | None = None,
        last: int | None = None,
        keep: bool = False,
    ) -> Iterator[pa.RecordBatch]:
        found = self._source.batches(
            columns=columns, category=category, first=first, last=last, keep=keep
        )
        for batch in found:
            if self._stop.is_set():
                raise Stopped
            yield batch


def _end_of_head(
    source: RowSource, category: str | None, first: int, last: int | None, head: int
) -> int | None:
    """The global position that the first ``head`` rows end with; ``last`` where they are fewer."""
    columns = ["global_position"] if category is None else ["global_position", "category"]
    lowest: list[pa.Array] = []
    count, end = 0, last
    found = source.batches(columns=columns, category=category, first=first, last=last)
    for batch in found:
        positions = batch["global_position"]
        if end is not None:
            positions = positions.filter(pc.less_equal(positions, end))
        lowest.append(positions)
        count += len(positions)
        # Not after every batch: most of what comes is above the end that is known by then.
        if count >= 4 * head:
            lowest, count = [_lowest(lowest, head)], head
            end = lowest[0][-1].as_py()
    if count < head:
        return last
    lowest_end: int = _lowest(lowest, head)[-1].as_py()
    return lowest_end


def _lowest(positions: list[pa.Array], count: int) -> pa.Array:
    """The lowest of them, in order."""
    every = pa.concat_arrays(positions)
    return every.take(pc.sort_indices(every)[:count])


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


def _sorted(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """One table of them all, or none where there are no rows."""
    table = pa.Table.from_batches(batches, SCHEMA)
    if table.num_rows:
        table = _in_order(table)
        _check_unique(table["global_position"])
        yield table


def _in_order(table: pa.Table) -> pa.Table:
    return table.take(pc.sort_indices(table["global_position"])).combine_chunks()


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
) -> Iterator[pa.Table]:
    """The rows of these windows, by way of a temporary file."""
    starts = [low for low, _ in ranges]
    parts: list[list[tuple[int, int]]] = [[] for _ in ranges]  # where, and how long, in the file
    with spool_file(spool_dir) as spool:
        found = source.batches(category=category, first=ranges[0][0], last=ranges[-1][1])
        for table in _gathered(found, rows):
            # Sorted first, so that a window's rows of this table are one slice.
            table = _in_order(table)
            positions = table["global_position"]
            at = 0
            slices: list[tuple[int, pa.Table]] = []
            while at < table.num_rows:
                window = bisect_right(starts, positions[at].as_py()) - 1
                end = _end_of(positions, ranges[window][1], at)
                slices.append((window, table.slice(at, end - at)))
                at = end
            _write(spool, slices, parts)
        for places in parts:
            yield from _sorted(_read(spool, places))


def _end_of(positions: pa.ChunkedArray, last: int, at: int) -> int:
    """Behind the positions up to ``last``, in order, from ``at`` on."""
    return bisect_right(range(len(positions)), last, at, key=lambda n: positions[n].as_py())


def _write(
    spool: BinaryIO, slices: list[tuple[int, pa.Table]], parts: list[list[tuple[int, int]]]
) -> None:
    # All in one buffer first: the file is Python's, and the many small writes that Arrow makes
    # would each wait for the thread that makes messages meanwhile.
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    start = spool.tell()
    with pa.ipc.new_stream(sink, SCHEMA, options=options) as writer:
        # The schema goes before the first batch, where nobody is to look for a row.
        writer.write_batch(pa.RecordBatch.from_pylist([], SCHEMA))
        for window, part in slices:
            for batch in part.to_batches():
                before = sink.tell()
                writer.write_batch(batch)
                parts[window].append((start + before, sink.tell() - before))
    with reported("write temporary files"):
        spool.write(sink.getvalue())
    give_back()


def _read(spool: BinaryIO, places: list[tuple[int, int]]) -> Iterator[pa.RecordBatch]:
    for start, length in places:
        spool.seek(start)
        yield pa.ipc.read_record_batch(pa.py_buffer(spool.read(length)), SCHEMA)


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
