"""Where a file's rows are cut into row groups.

A row group is what a reader of one stream fetches, and what one compression works on. So it is cut
by its size in the file, judged by how well the rows before it compressed, and is bounded in rows
and in memory. It ends where a stream ends, so that a small stream is in one of them.

A reader fetches a file's footer first. So a file has only a limited number of row groups, and what
does not fit goes into the next file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from coldstream.archive.format.rows import Batch, to_batches

ROW_GROUP_ROWS = 10_000
ROW_GROUP_MEMORY = 32 * 1024 * 1024
ROW_GROUP_BYTES = 350_000
"""In the file: smaller ones compress less well, and a reader of one stream decodes a larger one
whole."""
FILE_ROW_GROUPS = 250
"""Of a file at most. Its footer takes about 200 kB then, and a reader of one stream, who fetches
that and one row group or two, takes no more than a megabyte."""
FILE_ROWS = ROW_GROUP_ROWS * FILE_ROW_GROUPS
"""Of a file at most, where nobody says otherwise."""

_NEARLY_FULL = 0.95  # a file, which then ends with the next stream that does
_LARGE = 4  # a stream that is such a part of a row group may be cut
_FIRST_GUESS = 1 / 2  # bytes in the file for a byte in memory, before anything is known


class RowGroups:
    """Cuts batches into row groups, and these into files. The caller tells, with :meth:`written`,
    what each took; before the next but one is cut, or the cuts would depend on who is faster."""

    def __init__(self, batches: Iterable[Batch], *, file_rows: int = FILE_ROWS) -> None:
        self._ratio = _FIRST_GUESS
        self._sizes: list[int] = []
        self._rows = min(ROW_GROUP_ROWS, file_rows)
        self._file_rows = file_rows
        self._groups = self._cut(batches)
        self._next: list[pa.RecordBatch] | None = None

    def file(self) -> Iterator[list[pa.RecordBatch]]:
        """The batches of one row group after another, of one file; :attr:`more` may follow."""
        rows = number = 0
        while number < FILE_ROW_GROUPS and self.more:
            assert self._next is not None
            # None has more rows than a file may have, so the first one fits.
            if rows + _rows(self._next) > self._file_rows:
                return
            group, self._next = self._next, None
            rows += _rows(group)
            number += 1
            yield group
            full = max(number / FILE_ROW_GROUPS, rows / self._file_rows)
            # A reader of a stream that is in two files pays for two footers.
            if full >= _NEARLY_FULL and self.more and not self._goes_on(group):
                return

    @property
    def more(self) -> bool:
        """Whether rows are left. Cuts the next row group."""
        if self._next is None:
            self._next = next(self._groups, None)
        return self._next is not None

    def _goes_on(self, group: list[pa.RecordBatch]) -> bool:
        """Whether the last stream of a row group is in the next one too."""
        last, first = group[-1]["stream_name"], (self._next or group)[0]["stream_name"]
        return bool(last[-1].as_py() == first[0].as_py())

    def _cut(self, batches: Iterable[Batch]) -> Iterator[list[pa.RecordBatch]]:
        group: list[pa.RecordBatch] = []
        rows = size = 0
        limit = self._limit()
        for given in batches:
            for batch in to_batches(given):
                at = 0
                while at < batch.num_rows:
                    # As many rows as still fit, judged by the batch's average row; at least one.
                    average = max(1, batch.nbytes // batch.num_rows)
                    fit = min(self._rows - rows, max(1, (limit - size) // average))
                    piece = batch.slice(at, fit)
                    # An average says nothing of the one row that is large.
                    while piece.num_rows > 1 and piece.nbytes > ROW_GROUP_MEMORY:
                        piece = piece.slice(0, piece.num_rows // 2)
                    group.append(piece)
                    at += piece.num_rows
                    rows += piece.num_rows
                    size += piece.num_rows * average
                    if rows >= self._rows or size >= limit - average:
                        group, rest = _at_a_border(group, rows)
                        left = _rows(rest)
                        # The same share of the bytes: what is left counts for the next one.
                        carried = size * left // rows
                        self._sizes.append(size - carried)
                        yield group
                        group, rows, size = rest, left, carried
                        limit = self._limit()
        if group:
            self._sizes.append(size)
            yield group

    def written(self, file_bytes: int) -> None:
        """The oldest row group that was cut and not yet reported took ``file_bytes``."""
        self._ratio = max(file_bytes, 1) / max(self._sizes.pop(0), 1)

    def _limit(self) -> int:
        """Bytes in memory that make a row group of the right size in the file."""
        return min(ROW_GROUP_MEMORY, int(ROW_GROUP_BYTES / self._ratio))


def _rows(group: list[pa.RecordBatch]) -> int:
    return sum(batch.num_rows for batch in group)


def _at_a_border(
    group: list[pa.RecordBatch], rows: int
) -> tuple[list[pa.RecordBatch], list[pa.RecordBatch]]:
    """The row group without the rows of its last stream, and these: they go into the next one,
    whole. A stream that is a quarter of a row group or more is cut where the limit is."""
    rest: list[pa.RecordBatch] = []
    left = 0
    last = group[-1]["stream_name"][-1]
    for number in range(len(group) - 1, -1, -1):
        piece = group[number]
        others = piece.num_rows - _equal_at_the_end(piece["stream_name"], last)
        left += piece.num_rows - others
        if left * _LARGE >= rows:
            return group, []
        if others < piece.num_rows:
            rest.insert(0, piece.slice(others))
        if others:
            return [*group[:number], piece.slice(0, others)], rest
    return group, []


def _equal_at_the_end(names: pa.StringArray, last: pa.StringScalar) -> int:
    """Of names in order, how many are the last one."""
    found: int = pc.sum(pc.equal(names, last)).as_py()
    return found
