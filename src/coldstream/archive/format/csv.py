"""Archive files as CSV: readable by anything, larger and slower than Parquet.

Message DB's eight columns under a header, comma separated, RFC 4180 quoting, line feeds at line
ends, UTF-8. Texts are always quoted; NULL is an unquoted empty field and an empty text is ``""``,
as PostgreSQL's ``COPY ... CSV`` has it, so this loads a file::

    \\copy message_store.messages (global_position, position, time, stream_name, type, data,
        metadata, id) FROM 'file.csv' WITH (FORMAT csv, HEADER)

``time`` is ISO 8601 in UTC with a ``Z``. The category is not stored: it follows from the name.
A CSV file has no checksums of its own; readers check the grammar and the order of rows only.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import islice, takewhile
from pathlib import Path
from typing import BinaryIO, TypeAlias
from uuid import UUID

import pyarrow as pa

from coldstream.archive.format.row_groups import RowGroups
from coldstream.archive.format.rows import COLUMNS, Row, to_batches, to_messages, to_rows
from coldstream.archive.format.summary import FileStats, Summing
from coldstream.archive.storage.remote_file import SeekableFile
from coldstream.archive.storage.sink import HashingSink
from coldstream.errors import ArchiveCorrupt
from coldstream.messages.message import Message
from coldstream.messages.names import category as category_of

_HEADER = ",".join(COLUMNS[:-1]) + "\n"
_TEXT = r'"((?>[^"]*+(?:""[^"]*+)*+))"'
# One whole record; atomic groups, so that a half-read one fails in linear time.
_RECORD = re.compile(
    rf"(-?\d++),(-?\d++),([0-9T:.-]++)Z,{_TEXT},{_TEXT},(?:{_TEXT})?,(?:{_TEXT})?,([0-9a-f-]{{36}})\n"
)
_READ = 1024 * 1024
_BATCH = 5_000
_Record: TypeAlias = "tuple[str, str, str, str, str, str | None, str | None, str]"


def write_file(target: Path | BinaryIO, groups: RowGroups, summing: Summing) -> FileStats:
    """Write the next file, a row group's rows in memory; fsync when given a path. As there are no
    row groups in CSV, this is what bounds the file: readers fetch it whole."""
    sink = HashingSink(target)
    try:
        sink.write(_HEADER.encode())
        for group in groups.file():
            before = sink.bytes
            for batch in group:
                summing.add(batch)
                for piece in range(0, batch.num_rows, _BATCH):
                    rows = to_rows(batch.slice(piece, _BATCH))
                    sink.write("".join(map(_line, rows)).encode())
            groups.written(sink.bytes - before)
    finally:
        sink.close()
    return summing.file_stats(sink)


def _line(row: Row) -> str:
    g, p, t, s, y, d, m, i, _ = row
    time = t.replace(tzinfo=None).isoformat(timespec="microseconds")
    return f"{g},{p},{time}Z,{_quoted(s)},{_quoted(y)},{_quoted(d)},{_quoted(m)},{i}\n"


def _quoted(text: str | None) -> str:
    return "" if text is None else '"' + text.replace('"', '""') + '"'


def _plain(text: str) -> str:
    return text.replace('""', '"')


def read_rows(file: SeekableFile, count: int | None = None) -> Iterator[list[Row]]:
    """All rows in file order, some thousand at a time.

    ``count``: how many there have to be, where that is known; the file is not read on after them.

    Raises:
        ArchiveCorrupt: not a whole file of this format.
    """
    done = 0
    for rows in _lists(map(_row, _records(file))):
        done += len(rows)
        if count is not None and done > count:
            raise ArchiveCorrupt(f"The file has more rows than {count}")
        yield rows
    if count is not None and done != count:
        raise ArchiveCorrupt(f"The file has {done} rows, not {count}")


def read_batches(file: SeekableFile, count: int | None = None) -> Iterator[pa.RecordBatch]:
    """The same as record batches of :data:`coldstream.archive.format.rows.SCHEMA`."""
    for rows in read_rows(file, count):
        yield from to_batches(rows)


def _lists(rows: Iterable[Row]) -> Iterator[list[Row]]:
    rows = iter(rows)
    while batch := list(islice(rows, _BATCH)):
        yield batch


def _records(file: SeekableFile) -> Iterator[_Record]:
    """The fields of every record as text, quotes still doubled."""
    with _opened(file) as source:
        decoder = codecs.getincrementaldecoder("utf-8")()
        text, at, size, ended = "", 0, _READ, False
        headed = False
        while True:
            if headed and (found := _RECORD.match(text, at)):
                at = found.end()
                yield found.groups()  # type: ignore[misc]
            elif not headed and text.startswith(_HEADER):
                at, headed = len(_HEADER), True
            elif not ended:
                # Nothing in what was read: a long record. Doubling keeps the whole work linear.
                size = _READ if at else size * 2
                data = source.read(size) or b""
                ended = not data
                try:
                    text = text[at:] + decoder.decode(data, final=ended)
                except UnicodeDecodeError as error:
                    raise ArchiveCorrupt(f"Not an archive CSV file: {error}") from error
                at = 0
            else:
                break
        if not headed or at != len(text):
            raise ArchiveCorrupt("Not a whole archive CSV file: it goes on as no row does")


def _row(record: _Record) -> Row:
    g, p, t, s, y, d, m, i = record
    name = _plain(s)
    try:
        return (
            int(g),
            int(p),
            datetime.fromisoformat(t + "+00:00"),
            name,
            _plain(y),
            None if d is None else _plain(d),
            None if m is None else _plain(m),
            UUID(i),
            category_of(name),
        )
    except ValueError as error:
        raise ArchiveCorrupt(f"Not an archive CSV file: {error}") from error


class CsvRows:
    """An archive CSV file opened for reading; every question scans it from its start.

    ``file`` is a path or a seekable binary file, which stays the caller's to close.
    """

    def __init__(self, file: SeekableFile) -> None:
        self._file = file

    def close(self) -> None:
        """Nothing is held."""

    @property
    def row_bytes(self) -> int:
        """About how many bytes a row takes in memory, from the first ones."""
        lengths = [sum(map(len, filter(None, record))) for record in islice(self._scan(), 1_000)]
        return sum(lengths) // max(1, len(lengths))

    def _scan(self) -> Iterator[_Record]:
        return _records(self._file)

    def batches(
        self,
        *,
        columns: Iterable[str] | None = None,
        category: str | None = None,
        first: int | None = None,
        last: int | None = None,
        keep: bool = False,
    ) -> Iterator[pa.RecordBatch]:
        """As :meth:`coldstream.archive.format.parquet_rows.ParquetRows.batches`; nothing is
        kept."""
        # Only what is wanted is turned from text into values.
        wanted = (
            _row(record)
            for record in self._scan()
            if (first is None or int(record[0]) >= first)
            and (last is None or int(record[0]) <= last)
            and (category is None or category_of(_plain(record[3])) == category)
        )
        for rows in _lists(wanted):
            for batch in to_batches(rows):
                yield batch if columns is None else batch.select(list(columns))

    def stream(
        self, stream_name: str, position: int = 0, *, certain: bool = False
    ) -> Iterator[Message]:
        """One stream's messages from ``position``; stops reading behind the stream."""
        # Sorted by name (code points order as UTF-8 bytes do): nothing of it follows a later name.
        upto = takewhile(lambda record: _plain(record[3]) <= stream_name, self._scan())
        wanted = (
            _row(record)
            for record in upto
            if _plain(record[3]) == stream_name and int(record[1]) >= position
        )
        for rows in _lists(wanted):
            for batch in to_batches(rows):
                yield from to_messages(batch)


@contextmanager
def _opened(file: SeekableFile) -> Iterator[BinaryIO | io.RawIOBase]:
    if isinstance(file, Path):
        with file.open("rb") as opened:
            yield opened
    else:
        file.seek(0)
        yield file
