"""What a footer says of its row groups, as a reader of one stream asks for it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from coldstream.archive.format.pages import Chunk
from coldstream.archive.format.rows import COLUMNS, DICTIONARY
from coldstream.archive.storage.remote_file import Span
from coldstream.errors import ArchiveCorrupt

_STREAM_NAME = COLUMNS.index("stream_name")
_POSITION = COLUMNS.index("position")


class Footer:
    """The footer of an archive file. Safe to share between threads."""

    def __init__(self, metadata: pq.FileMetaData) -> None:
        self.metadata = metadata
        self._known: dict[int, tuple[str, str] | None] = {}
        self._chunks: dict[int, dict[str, Chunk]] = {}

    @cached_property
    def nbytes(self) -> int:
        """About how many bytes it takes in memory."""
        size: int = self.metadata.serialized_size
        return 4 * size

    def groups_of(self, stream_name: str, position: int = 0) -> list[int]:
        """The row groups, one after another, in which the stream may have messages from a position
        on."""
        found: list[int] = []
        for at in range(self._first_of(stream_name), self.metadata.num_row_groups):
            names = self._names(at)
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

    def _first_of(self, stream_name: str) -> int:
        """A row group before which the stream has no message: the file is in order of names. Only
        a few ranges are looked at, because each takes a while to be read from a footer."""
        low, high = 0, self.metadata.num_row_groups
        while low < high:
            middle = (low + high) // 2
            names = self._names(middle)
            if names is None:
                return low
            if names[1] < stream_name:
                low = middle + 1
            else:
                high = middle
        return low

    def _names(self, number: int) -> tuple[str, str] | None:
        """The first and the last stream name of a row group, where they were recorded."""
        if number not in self._known:
            self._known[number] = self._range(number, _STREAM_NAME)
        return self._known[number]

    def surely_in(self, number: int, stream_name: str) -> bool:
        """Whether the row group has messages of the stream without a look at them."""
        return stream_name in (self._names(number) or ())

    def head(self, number: int) -> Span:
        """Where the row group's first columns are, up to that of the stream names."""
        start = self._column(number, 0)[0]
        name, length = self._column(number, _STREAM_NAME)
        return start, name + length - start

    def body(self, number: int) -> Span:
        """Where the columns after them are."""
        start = sum(self.head(number))
        last, length = self._column(number, len(COLUMNS) - 1)
        return start, last + length - start

    def chunks(self, number: int) -> dict[str, Chunk]:
        """What it says of the columns of a row group, by their names."""
        found = self._chunks.get(number)
        if found is None:
            group = self.metadata.row_group(number)
            rows = group.num_rows
            found = {}
            for at, name in enumerate(COLUMNS):
                column = group.column(at)
                start = column.dictionary_page_offset
                found[name] = Chunk(
                    name,
                    column.data_page_offset if start is None else start,
                    column.total_compressed_size,
                    column.total_uncompressed_size,
                    rows,
                    name in DICTIONARY,
                )
            self._chunks[number] = found
        return found

    def _column(self, number: int, column: int) -> Span:
        chunk = self.metadata.row_group(number).column(column)
        start = chunk.dictionary_page_offset
        return chunk.data_page_offset if start is None else start, chunk.total_compressed_size

    def _range(self, number: int, column: int) -> tuple[Any, Any] | None:
        statistics = self.metadata.row_group(number).column(column).statistics
        if statistics is None or not statistics.has_min_max:
            return None
        return statistics.min, statistics.max


def parse_footer(tail: bytes) -> Footer:
    """The footer from a file's last bytes, for :func:`.parquet_rows.open_parquet`.

    Only for bytes whose hash was proved: the Parquet library ends the whole process on some
    single-bit changes of a footer (seen with pyarrow 26).

    Raises:
        ArchiveCorrupt: no footer.
    """
    try:
        # The magic makes it a file; a footer is parsed without looking at what it points to.
        return Footer(pq.read_metadata(pa.BufferReader(b"PAR1" + tail)))
    except (OSError, pa.ArrowException) as error:
        reason = str(error).partition("\n")[0]
        raise ArchiveCorrupt(f"Not a Parquet footer: {reason}") from error
