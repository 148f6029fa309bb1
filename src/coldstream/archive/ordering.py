"""Rows that are stored by stream, read in global order with bounded memory.

A light pass over the global positions counts rows in buckets; buckets add up to windows of at most
:data:`WINDOW_ROWS` rows, each then read and sorted by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from coldstream.archive.rows import COLUMNS, to_messages
from coldstream.message import Message

WINDOW_ROWS = 20_000
_BUCKETS = 65_536


class RowSource(Protocol):
    """An open archive file of either format."""

    def batches(
        self,
        *,
        columns: Iterable[str] | None = None,
        category: str | None = None,
        first: int | None = None,
        last: int | None = None,
    ) -> Iterator[pa.RecordBatch]: ...


def in_global_order(
    source: RowSource, category: str | None, first: int = 0, last: int | None = None
) -> Iterator[Message]:
    """Messages by global position, ``first`` and ``last`` inclusive; ``category=None``: all."""
    for low, high in windows(source, category, first, last):
        yield from _sorted_window(source, category, low, high)


def _sorted_window(
    source: RowSource, category: str | None, low: int, high: int
) -> Iterator[Message]:
    batches = list(source.batches(columns=COLUMNS, category=category, first=low, last=high))
    if batches:
        table = pa.Table.from_batches(batches).combine_chunks()
        order = pc.sort_indices(table["global_position"])
        for batch in table.take(order).to_batches(max_chunksize=1_000):
            yield from to_messages(batch)


def windows(
    source: RowSource, category: str | None, first: int = 0, last: int | None = None
) -> list[tuple[int, int]]:
    """Ranges of global positions, ascending and inclusive, of about WINDOW_ROWS rows each."""
    columns = ["global_position"] if category is None else ["global_position", "category"]
    counts: dict[int, int] = {}
    shift = 0
    for batch in source.batches(columns=columns, category=category, first=first, last=last):
        for counted in pc.value_counts(pc.shift_right(batch["global_position"], shift)).to_pylist():
            counts[counted["values"]] = counts.get(counted["values"], 0) + counted["counts"]
        # Global positions are unique, so a bucket 2^14 wide never holds more than a window.
        while len(counts) > _BUCKETS and shift < 14:
            shift += 1
            coarser: dict[int, int] = {}
            for bucket, count in counts.items():
                coarser[bucket >> 1] = coarser.get(bucket >> 1, 0) + count
            counts = coarser
    ranges: list[tuple[int, int]] = []
    rows = 0
    for bucket in sorted(counts):
        low, high = bucket << shift, ((bucket + 1) << shift) - 1
        if ranges and rows + counts[bucket] <= WINDOW_ROWS:
            ranges[-1] = ranges[-1][0], high
            rows += counts[bucket]
        else:
            ranges.append((low, high))
            rows = counts[bucket]
    # The outer buckets may reach past what was asked for.
    if ranges:
        ranges[0] = max(first, ranges[0][0]), ranges[0][1]
        if last is not None:
            ranges[-1] = ranges[-1][0], min(last, ranges[-1][1])
    return ranges
