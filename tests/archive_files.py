"""Archive files as exports write them and as readers read them, for tests of one part of that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

from coldstream.archive.export import Export, Files
from coldstream.archive.format import csv, parquet, parquet_rows
from coldstream.archive.format.row_groups import RowGroups
from coldstream.archive.format.rows import Batch, Row, to_messages
from coldstream.archive.format.summary import FileStats, Summing
from coldstream.archive.manifest.commit import newest_of_range
from coldstream.archive.manifest.manifest import Manifest
from coldstream.archive.read.filters import correlation_category, in_consumer_group
from coldstream.archive.read.ordering import RowSource, pieces, tables_in_global_order
from coldstream.archive.read.reader import ArchiveReader
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.archive.storage.progress import Progress
from coldstream.messages.message import Message
from coldstream.settings import Format

FILE_ROWS: int | None = None
"""Of :func:`export_rows`, where nothing is said."""


def write_parquet(
    target: Any, batches: Iterable[Batch], metadata: Mapping[str, str] | None = None
) -> FileStats:
    """All of the rows in one file, which is to hold them."""
    groups = RowGroups(batches)
    stats = parquet.write_file(target, groups, Summing(), metadata=metadata or {})
    assert not groups.more
    return stats


def write_csv(target: Any, batches: Iterable[Batch]) -> FileStats:
    groups = RowGroups(batches)
    stats = csv.write_file(target, groups, Summing())
    assert not groups.more
    return stats


class Kind:
    """One kind of file."""

    def __init__(self, format: Format) -> None:
        self.format = format

    def write(self, target: Any, batches: Iterable[Batch]) -> FileStats:
        if self.format == "csv":
            return write_csv(target, batches)
        return write_parquet(target, batches, {"made": "by a test"})

    def open(self, file: Any) -> parquet_rows.ParquetRows | csv.CsvRows:
        return csv.CsvRows(file) if self.format == "csv" else parquet_rows.open_parquet(file)

    def read_rows(self, file: Any) -> Iterator[list[Row]]:
        return csv.read_rows(file) if self.format == "csv" else parquet_rows.read_rows(file)

    def read_stream(self, file: Any, stream_name: str, position: int = 0) -> Iterator[Message]:
        with closing(self.open(file)) as rows:
            yield from rows.stream(stream_name, position)

    def read_category(
        self, file: Any, category: str | None, first: int = 0, last: int | None = None
    ) -> Iterator[Message]:
        with closing(self.open(file)) as rows:
            yield from chain.from_iterable(in_global_order(rows, category, first, last))


def in_global_order(
    source: RowSource, category: str | None, first: int = 0, last: int | None = None, **given: Any
) -> Iterator[list[Message]]:
    """The messages of one file, some thousands at a time."""
    with closing(tables_in_global_order(source, category, first, last, **given)) as tables:
        for table in tables:
            for batch in pieces(table):
                yield to_messages(batch)


def read_category(reader: ArchiveReader, *arguments: Any, **given: Any) -> Iterator[Message]:
    """The messages of :meth:`ArchiveReader.read_category_batches`, one by one."""
    with closing(reader.read_category_batches(*arguments, **given)) as batches:
        yield from chain.from_iterable(batches)


def find_manifest(
    location: ArchiveLocation, schema: str, range_start: datetime, range_end: datetime
) -> Manifest | None:
    """The committed manifest of a range."""
    found = newest_of_range(location, schema, range_start, range_end)
    return found[1] if found else None


def matches(
    message: Message,
    *,
    correlation: str | None = None,
    consumer_group_member: int | None = None,
    consumer_group_size: int | None = None,
) -> bool:
    """Whether ``get_category_messages`` with these arguments keeps the message."""
    if (
        consumer_group_member is not None
        and consumer_group_size is not None
        and not in_consumer_group(message.stream_name, consumer_group_member, consumer_group_size)
    ):
        return False
    return correlation is None or correlation_category(message.metadata_text) == correlation


def export_rows(
    location: ArchiveLocation,
    batches: Iterable[Batch],
    *,
    schema: str,
    chunk_name: str,
    range_start: datetime,
    range_end: datetime,
    format: Format = "parquet",
    spool_dir: Path | None = None,
    store_id: str | None = None,
    file_rows: int | None = None,
    progress: Progress | None = None,
) -> Manifest:
    """The files of one range; their manifest is not committed."""
    file_rows = FILE_ROWS if file_rows is None else file_rows
    export = Export(location, schema, Files(format, file_rows, spool_dir), store_id)
    return export.chunk(batches, chunk_name, range_start, range_end, progress)
