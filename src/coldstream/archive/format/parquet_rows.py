"""A Parquet file of the archive opened for reading: what holds a stream, checked page by page."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from contextlib import closing
from itertools import zip_longest
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from coldstream.archive.format.footers import Footer
from coldstream.archive.format.pages import MOST_BYTES, check
from coldstream.archive.format.row_groups import ROW_GROUP_ROWS
from coldstream.archive.format.rows import (
    COLUMNS,
    SCHEMA,
    Row,
    to_messages,
    to_rows,
)
from coldstream.archive.storage.ahead import one_ahead
from coldstream.archive.storage.memory import give_back
from coldstream.archive.storage.remote_file import RemoteFile, SeekableFile, Span
from coldstream.errors import ArchiveCorrupt
from coldstream.messages.message import Message

_KEPT = 4  # row groups: the caches are not for a longer stream, which would push out all others

_HOLE, _TOGETHER = 8192, 32 * 1024 * 1024  # bytes: pyarrow's own for reads ahead

_SMALL = 64 * 1024  # bytes: not worth a request that may save them

_AT_ONCE = 4 * 1024 * 1024  # bytes of row groups that a read of the whole file asks for together


class DecodedGroups(Protocol):
    """Row groups of one file, by their number, for another time."""

    @property
    def limit(self) -> int: ...
    def get(self, number: int) -> pa.Table | None: ...
    def put(self, number: int, table: pa.Table) -> None: ...


class ParquetRows:
    """An archive file opened for reading; every page read is checked against its checksum.

    ``file`` is a path or a seekable binary file (which stays the caller's to close). ``footer``, a
    file's ``footer`` from an earlier opening, saves reading it again. Page checksums do not cover
    the footer: where the file may be damaged, prove it first; see :func:`parse_footer`.
    ``decoded`` keeps the row groups that hold a stream or a page that somebody asked for, by their
    number, ``limit`` bytes of them at most.
    """

    def __init__(
        self, file: SeekableFile, footer: Footer | None = None, decoded: DecodedGroups | None = None
    ) -> None:
        self._opened = file.open("rb") if isinstance(file, Path) else None
        self._source: Any = self._opened or file
        self._checked: set[tuple[int, str]] = set()
        self._file = pq.ParquetFile(
            file,
            metadata=footer.metadata if footer else None,
            page_checksum_verification=True,
            pre_buffer=True,
        )
        self._ranges = file if isinstance(file, RemoteFile) else None
        self._groups = footer or Footer(self._file.metadata)
        self._decoded = decoded
        self.footer: pq.FileMetaData = self._file.metadata
        names = self._file.schema_arrow.names
        # A column inside of another one is a column of the file, too.
        if names != list(COLUMNS) or self.footer.num_columns != len(COLUMNS):
            self.close()
            raise ArchiveCorrupt(f"Not an archive file: its columns are {', '.join(names)[:200]}")
        for field, type in zip(SCHEMA, self._file.schema_arrow.types, strict=True):
            if field.type != type:
                self.close()
                raise ArchiveCorrupt(
                    f"Not an archive file of this version: its {field.name} is {type}, not"
                    f" {field.type}",
                    hint="Rehydrate the range with the version of Coldstream that archived it, then"
                    " archive it again.",
                )

        # What a row group takes in memory is bounded by these, whatever its size in the file, and
        # by what _check finds in its pages.
        groups = [self.footer.row_group(number) for number in range(self.footer.num_row_groups)]
        if any(group.num_rows > ROW_GROUP_ROWS for group in groups):
            self.close()
            raise ArchiveCorrupt(f"Not an archive file: more than {ROW_GROUP_ROWS} rows together")
        if any(group.total_byte_size > MOST_BYTES for group in groups):
            self.close()
            raise ArchiveCorrupt("Not an archive file: more than a gigabyte together, unpacked")

    def close(self) -> None:
        self._file.close()
        if self._opened is not None:
            self._opened.close()

    @property
    def row_bytes(self) -> int:
        """About how many bytes a row takes in memory."""
        groups = (self.footer.row_group(i) for i in range(self.footer.num_row_groups))
        size = sum(group.total_byte_size for group in groups)
        return int(size // max(1, self.footer.num_rows))

    def batches(
        self,
        *,
        columns: Iterable[str] | None = None,
        category: str | None = None,
        first: int | None = None,
        last: int | None = None,
        keep: bool = False,
    ) -> Iterator[pa.RecordBatch]:
        """Rows in file order, filtered by category and global position. One row group is in memory,
        and the next one is read meanwhile; of an object in a store, a few of them in one request.

        ``first`` and ``last`` are inclusive. ``columns`` must name what is filtered by; where all
        of a row group are of the category, that column is left out. ``keep``: the row groups are
        kept for another time, where all of them are a part of what is kept.
        """
        numbers = [
            number
            for number in range(self.footer.num_row_groups)
            if self._may_hold(number, "category", category, category)
            and self._may_hold(number, "global_position", first, last)
        ]

        decoded = self._decoded
        unpacked = sum(self.footer.row_group(number).total_byte_size for number in numbers)
        keeps = keep and columns is None and decoded is not None and 2 * unpacked <= decoded.limit
        known = {n for n in numbers if decoded and decoded.get(n) is not None}
        missing = [number for number in numbers if number not in known]
        together = self._together(missing) if columns is None and self._ranges else {}

        def read(number: int) -> pa.Table:
            if self._ranges and number in together:
                # What is kept comes right back: a page alone takes longer by half with this.
                if not keep:
                    give_back()
                self._ranges.release()
                self._ranges.hold(together[number], keep=False)
            alone = self._is_all_of(number, category)
            names = columns
            if alone and columns is not None:
                names = [name for name in columns if name != "category"]
            table = decoded.get(number) if decoded and number in known else None
            if table is None:
                table = self._read(number, names)
                if decoded and keeps:
                    decoded.put(number, table)
            elif names is not None:
                table = table.select(list(names))
            wanted = None
            for condition in (
                None if alone or category is None else pc.equal(table["category"], category),
                None if first is None else pc.greater_equal(table["global_position"], first),
                None if last is None else pc.less_equal(table["global_position"], last),
            ):
                if condition is not None:
                    wanted = condition if wanted is None else pc.and_(wanted, condition)
            return table if wanted is None else table.filter(wanted)

        with closing(one_ahead(read, numbers)) as tables:
            for table in tables:
                yield from _whole(table)

    def _together(self, numbers: list[int]) -> dict[int, list[Span]]:
        """For the first of several row groups: where all of them are."""
        found: dict[int, list[Span]] = {}
        size = _AT_ONCE
        for number in numbers:
            ranges = [self._groups.head(number), self._groups.body(number)]
            length = sum(length for _, length in ranges)
            if size + length > _AT_ONCE:
                first, size = found.setdefault(number, []), 0
            first += ranges
            size += length
        return found

    def stream(
        self, stream_name: str, position: int = 0, *, certain: bool = False
    ) -> Iterator[Message]:
        """One stream's messages from ``position``, reading only row groups that may hold them.

        Of an object in a store, a row group that the stream begins or ends, or fills, is fetched
        whole, and so is a small one. Of another one the stream names come first, and the rest only
        where it is among them: its name may lie between two others and be none of them. Not so
        where it is ``certain`` that the file has the stream: that saves a request.
        """
        numbers = self._groups.groups_of(stream_name, position)
        keep = len(numbers) <= _KEPT
        for number, following in zip_longest(numbers, numbers[1:]):
            table = self._decoded.get(number) if self._decoded else None
            if table is None:
                table = self._group_of(number, following, stream_name, certain, keep)
                if table is None:
                    continue
                if self._decoded and keep:
                    self._decoded.put(number, table)
            found = _slice(table, stream_name)
            found = found.filter(pc.greater_equal(found["position"], position))
            for batch in _whole(found):
                yield from to_messages(batch)

    def _group_of(
        self, number: int, following: int | None, stream_name: str, certain: bool, keep: bool
    ) -> pa.Table | None:
        """A row group, or ``None`` where the stream is not in it. What is held of the next one, if
        both have the stream, stays held."""
        if self._ranges is None:
            return self._read(number, None)
        groups, file = self._groups, self._ranges
        both = [groups.head(number), groups.body(number)]
        certain = certain or groups.surely_in(number, stream_name)
        if not certain and both[1][1] > _SMALL:
            file.hold(both[:1], keep=keep)
            names = self._read(number, ["stream_name"])["stream_name"]
            if pc.index(names, stream_name).as_py() < 0:
                file.release()
                return None
        elif following is not None and groups.surely_in(following, stream_name):
            both += [groups.head(following), groups.body(following)]
        file.hold(both, keep=keep)
        table = self._read(number, None)
        file.release(before=groups.head(following)[0] if following is not None else None)
        return table

    def _read(self, number: int, columns: Iterable[str] | None) -> pa.Table:
        names = None if columns is None else list(columns)
        held: list[Span] = []
        try:
            held = self._check(number, names or COLUMNS)
            table = self._file.read_row_group(number, columns=names, use_threads=False)
        except (OSError, pa.ArrowException) as error:
            raise ArchiveCorrupt(f"Row group {number} cannot be read: {_line(error)}") from error
        finally:
            if self._ranges:
                self._ranges.let_go(held)
        if table.num_rows != self.footer.row_group(number).num_rows:
            raise ArchiveCorrupt(f"Row group {number} has {table.num_rows} rows")
        return table

    def _check(self, number: int, names: Container[str]) -> list[Span]:
        """Prove that what is about to be read unpacks to what the footer says. Of an object, what
        the library will ask for is held from here on; gives that."""
        chunks = [each for name, each in self._groups.chunks(number).items() if name in names]
        if sum(chunk.unpacked for chunk in chunks) > MOST_BYTES:
            raise ArchiveCorrupt("Not an archive file: more than a gigabyte together, unpacked")
        held: list[Span] = []
        if self._ranges:
            missing = [
                (c.start, c.length) for c in chunks if not self._ranges.holds(c.start, c.length)
            ]
            held = _near(missing)
            self._ranges.hold(held, keep=False)
        for chunk in chunks:
            if (number, chunk.name) in self._checked:
                continue
            dictionary = check(self._bytes, chunk)
            # Each row may have the longest text of it.
            if dictionary * chunk.rows > MOST_BYTES:
                self._check_dictionary(number, chunk.name)
            self._checked.add((number, chunk.name))
        return held

    def _check_dictionary(self, number: int, name: str) -> None:
        """Prove that the texts of a dictionary, each as often as it is used, are not too many."""
        file = pq.ParquetFile(
            self._source,
            metadata=self.footer,
            read_dictionary=[name],
            page_checksum_verification=True,
        )
        table = file.read_row_group(number, columns=[name], use_threads=False)
        size = 0
        for texts in table[name].chunks:
            lengths = pc.binary_length(texts.dictionary.cast(pa.binary()))
            size += pc.sum(lengths.take(texts.indices).cast(pa.int64())).as_py() or 0
        if size > MOST_BYTES:
            raise ArchiveCorrupt(
                f"Not an archive file: the column {name} has {size} bytes together"
            )

    def _bytes(self, start: int, length: int) -> bytes:
        self._source.seek(start)
        return bytes(self._source.read(length) or b"")

    def _may_hold(self, number: int, column: str, low: Any, high: Any) -> bool:
        """Whether a row group's range of a column meets ``low``..``high`` (``None``: no bound)."""
        statistics = self._statistics(number, column)
        # A range that was not recorded (a very long name) excludes nothing.
        if statistics is None:
            return True
        return (low is None or statistics.max >= low) and (high is None or statistics.min <= high)

    def _is_all_of(self, number: int, category: str | None) -> bool:
        statistics = self._statistics(number, "category")
        return statistics is not None and statistics.min == statistics.max == category

    def _statistics(self, number: int, column: str) -> pq.Statistics | None:
        """A row group's range of a column, where it was recorded."""
        statistics = self.footer.row_group(number).column(COLUMNS.index(column)).statistics
        return statistics if statistics is not None and statistics.has_min_max else None


def _near(ranges: list[Span]) -> list[Span]:
    """Ranges, ascending, as the library asks for them: those that lie near together in one."""
    found: list[Span] = []
    for start, length in ranges:
        if found and start - sum(found[-1]) <= _HOLE and start + length - found[-1][0] <= _TOGETHER:
            found[-1] = found[-1][0], start + length - found[-1][0]
        else:
            found.append((start, length))
    return found


def _slice(table: pa.Table, stream_name: str) -> pa.Table:
    """The rows of one stream: they lie together."""
    first = pc.index(table["stream_name"], stream_name).as_py()
    if first < 0:
        return table.slice(0, 0)
    return table.slice(first, pc.sum(pc.equal(table["stream_name"], stream_name)).as_py())


def _whole(table: pa.Table) -> Iterator[pa.RecordBatch]:
    """The table as one record batch of plain or extension columns, or none when it is empty."""
    if table.num_rows:
        yield from table.combine_chunks().to_batches()


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def open_parquet(
    file: SeekableFile, footer: Footer | None = None, decoded: DecodedGroups | None = None
) -> ParquetRows:
    """Open an archive file; the arguments are those of :class:`ParquetRows`.

    Raises:
        ArchiveCorrupt: truncated, or not a Parquet file.
    """
    try:
        return ParquetRows(file, footer, decoded)
    except (OSError, pa.ArrowException) as error:
        raise ArchiveCorrupt(f"Not a whole Parquet file: {_line(error)}") from error


def read_batches(file: SeekableFile, count: int | None = None) -> Iterator[pa.RecordBatch]:
    """All rows in file order as record batches, one row group in memory at a time.

    ``count``: how many there have to be, where that is known; none is decoded of a file that says
    otherwise.

    Raises:
        ArchiveCorrupt: a page whose checksum is wrong, a truncated file, or another kind of file.
    """
    rows = open_parquet(file)
    try:
        if count is not None and rows.footer.num_rows != count:
            raise ArchiveCorrupt(f"The file has {rows.footer.num_rows} rows, not {count}")
        yield from rows.batches()
    finally:
        rows.close()


def read_rows(file: SeekableFile, count: int | None = None) -> Iterator[list[Row]]:
    """The same as lists of tuples."""
    for batch in read_batches(file, count):
        yield to_rows(batch)
