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
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import pyarrow as pa

from coldstream.archive.ordering import in_global_order
from coldstream.archive.ranges import SeekableFile
from coldstream.archive.rows import COLUMNS, Batch, Row, to_batches, to_messages, to_rows
from coldstream.archive.sink import HashingSink
from coldstream.archive.summary import FileStats, Summing
from coldstream.errors import ArchiveCorrupt
from coldstream.message import Message, category

_HEADER = ",".join(COLUMNS[:-1]) + "\n"
_TEXT = r'"((?>[^"]*+(?:""[^"]*+)*+))"'
# One whole record; atomic groups, so that a half-read one fails in linear time.
_RECORD = re.compile(
    rf"(\d++),(\d++),([0-9T:.-]++)Z,{_TEXT},{_TEXT},(?:{_TEXT})?,(?:{_TEXT})?,([0-9a-f-]{{36}})\n"
)
_READ = 1024 * 1024
_BATCH = 5_000


def write_csv(target: Path | BinaryIO, batches: Iterable[Batch]) -> FileStats:
    """Write rows in file order, a few thousand in memory; fsync when given a path.

    Raises:
        ArchiveCorrupt: rows out of order.
        ValueError: a row that cannot be archived.
    """
    summing = Summing()
    sink = HashingSink(target)
    try:
        sink.write(_HEADER.encode())
        for given in batches:
            for batch in to_batches(given):
                summing.add(batch)
                for piece in range(0, batch.num_rows, _BATCH):
                    rows = to_rows(batch.slice(piece, _BATCH))
                    sink.write("".join(map(_line, rows)).encode())
    finally:
        sink.close()
    return summing.file_stats(bytes=sink.bytes, sha256=sink.sha256)


def _line(row: Row) -> str:
    g, p, t, s, y, d, m, i, _ = row
    time = t.replace(tzinfo=None).isoformat(timespec="microseconds")
    return f"{g},{p},{time}Z,{_quoted(s)},{_quoted(y)},{_quoted(d)},{_quoted(m)},{i}\n"


def _quoted(text: str | None) -> str:
    return "" if text is None else '"' + text.replace('"', '""') + '"'


def _plain(text: str | None) -> str | None:
    return text if text is None or '"' not in text else text.replace('""', '"')


def read_rows(file: SeekableFile) -> Iterator[list[Row]]:
    """All rows in file order, some thousand at a time.

    Raises:
        ArchiveCorrupt: not a whole file of this format.
    """
    with _opened(file) as source:
        rows: list[Row] = []
        for row in _parse(source):
            rows.append(row)
            if len(rows) == _BATCH:
                yield rows
                rows = []
        if rows:
            yield rows


def read_batches(file: SeekableFile) -> Iterator[pa.RecordBatch]:
    """The same as record batches of :data:`coldstream.archive.rows.SCHEMA`."""
    for rows in read_rows(file):
        yield from to_batches(rows)


def _parse(source: BinaryIO | io.RawIOBase) -> Iterator[Row]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    text, at, size, ended = "", 0, _READ, False
    seen_header = False
    try:
        while True:
            if seen_header and (found := _RECORD.match(text, at)):
                at = found.end()
                g, p, t, s, y, d, m, i = found.groups()
                name = _plain(s) or ""
                yield (
                    int(g),
                    int(p),
                    datetime.fromisoformat(t + "+00:00"),
                    name,
                    _plain(y) or "",
                    _plain(d),
                    _plain(m),
                    UUID(i),
                    category(name),
                )
            elif not seen_header and text.startswith(_HEADER):
                at, seen_header = len(_HEADER), True
            elif not ended:
                # A record longer than what was read so far: double, or it would cost its square.
                size = _READ if at else size * 2
                data = source.read(size) or b""
                ended = not data
                text = text[at:] + decoder.decode(data, final=ended)
                at = 0
            else:
                break
    except ValueError as error:
        raise ArchiveCorrupt(f"Not an archive CSV file: {error}") from error
    if not seen_header or at != len(text):
        raise ArchiveCorrupt("Not a whole archive CSV file: it ends or continues as no row does")


class CsvRows:
    """An archive CSV file opened for reading; every question scans it from its start.

    ``file`` is a path or a seekable binary file, which stays the caller's to close.
    """

    def __init__(self, file: SeekableFile) -> None:
        self._file = file

    def close(self) -> None:
        """Nothing is held."""

    def batches(
        self,
        *,
        columns: Iterable[str] | None = None,
        category: str | None = None,
        first: int | None = None,
        last: int | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """As :meth:`coldstream.archive.parquet.ParquetRows.batches`."""
        for rows in read_rows(self._file):
            wanted = [
                row
                for row in rows
                if (category is None or row[8] == category)
                and (first is None or row[0] >= first)
                and (last is None or row[0] <= last)
            ]
            for batch in to_batches(wanted):
                yield batch if columns is None else batch.select(list(columns))

    def stream(self, stream_name: str, position: int = 0) -> Iterator[Message]:
        """One stream's messages from ``position``; stops reading behind the stream."""
        for rows in read_rows(self._file):
            found = [row for row in rows if row[3] == stream_name and row[1] >= position]
            for batch in to_batches(found):
                yield from to_messages(batch)
            # Sorted by name (code points order as UTF-8 bytes do): nothing of it can follow.
            if rows[-1][3] > stream_name:
                return


def read_stream(file: SeekableFile, stream_name: str, position: int = 0) -> Iterator[Message]:
    """One stream's messages from ``position`` on, in position order."""
    return CsvRows(file).stream(stream_name, position)


def read_category(
    file: SeekableFile,
    category: str | None,
    from_global_position: int = 0,
    to_global_position: int | None = None,
) -> Iterator[Message]:
    """One category's messages (``None``: all) in global order, both bounds inclusive."""
    return in_global_order(CsvRows(file), category, from_global_position, to_global_position)


@contextmanager
def _opened(file: SeekableFile) -> Iterator[BinaryIO | io.RawIOBase]:
    if isinstance(file, Path):
        with file.open("rb") as opened:
            yield opened
    else:
        file.seek(0)
        yield file
