"""What a footer says of its row groups, as a reader of one stream asks for it."""

from __future__ import annotations

from bisect import bisect_left
from functools import cached_property
from typing import Any

import pyarrow.parquet as pq

from coldstream.archive.ranges import Range
from coldstream.archive.rows import COLUMNS

_STREAM_NAME = COLUMNS.index("stream_name")
_POSITION = COLUMNS.index("position")


class Footer:
    """The footer of an archive file. Safe to share between threads."""

    def __init__(self, metadata: pq.FileMetaData) -> None:
        self.metadata = metadata

    @cached_property
    def nbytes(self) -> int:
        """About how many bytes it takes in memory."""
        size: int = self.metadata.serialized_size
        return 4 * size

    @cached_property
    def _names(self) -> list[tuple[str, str] | None]:
        """The first and the last stream name of every row group, where they were recorded."""
        return [self._range(i, _STREAM_NAME) for i in range(self.metadata.num_row_groups)]

    @cached_property
    def _last_names(self) -> list[str] | None:
        names = [each[1] for each in self._names if each is not None]
        return names if len(names) == len(self._names) else None

    def groups_of(self, stream_name: str, position: int = 0) -> list[int]:
        """The row groups, one after another, in which the stream may have messages from a position
        on."""
        number = bisect_left(self._last_names, stream_name) if self._last_names else 0
        found: list[int] = []
        for at in range(number, len(self._names)):
            names = self._names[at]
            # A range that was not recorded (a very long name) excludes nothing.
            if names is not None and names[0] > stream_name:
                break
            if names is not None and names[1] < stream_name:
                continue
            # Holds for the row group's other streams too, so it only ever skips too little.
            positions = self._range(at, _POSITION)
            if positions is None or positions[1] >= position:
                found.append(at)
        return found

    def surely_in(self, number: int, stream_name: str) -> bool:
        """Whether the row group has messages of the stream without a look at them."""
        return stream_name in (self._names[number] or ())

    def head(self, number: int) -> Range:
        """Where the row group's first columns are, up to that of the stream names."""
        start = self._column(number, 0)[0]
        name, length = self._column(number, _STREAM_NAME)
        return start, name + length - start

    def body(self, number: int) -> Range:
        """Where the columns after them are."""
        start = sum(self.head(number))
        last, length = self._column(number, len(COLUMNS) - 1)
        return start, last + length - start

    def _column(self, number: int, column: int) -> Range:
        chunk = self.metadata.row_group(number).column(column)
        start = chunk.dictionary_page_offset
        return chunk.data_page_offset if start is None else start, chunk.total_compressed_size

    def _range(self, number: int, column: int) -> tuple[Any, Any] | None:
        statistics = self.metadata.row_group(number).column(column).statistics
        if statistics is None or not statistics.has_min_max:
            return None
        return statistics.min, statistics.max
