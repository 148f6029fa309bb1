"""The steps from rows to a committed, verified archive object. Each can be killed and run again.

1. :meth:`Export.chunk` writes a local spool file and uploads it under a key that contains its hash;
   one after another, where the rows are too many for one file.
2. ``read.verify`` reads the files back from storage and proves them.
3. ``manifest.commit`` makes them the truth about their range. A file that no manifest names is
   an orphan: nobody reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from coldstream.archive.format import csv, parquet
from coldstream.archive.format.row_groups import FILE_ROWS, RowGroups
from coldstream.archive.format.rows import COLUMNS, Batch
from coldstream.archive.format.summary import Summing, check_range
from coldstream.archive.manifest import layout
from coldstream.archive.manifest.manifest import ArchiveFile, Manifest
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.archive.storage.progress import Progress, progress_after
from coldstream.archive.storage.spool import spool_file
from coldstream.errors import InvalidInput
from coldstream.settings import FORMATS, Format


@dataclass(frozen=True)
class Files:
    """What files an export makes.

    ``file_rows``: rows that one has at most (``None``: a default), and fewer where they are large
    (:data:`.format.row_groups.FILE_ROW_GROUPS`). ``spool_dir`` (the system's temporary folder by
    default) holds one of them until it is uploaded. It has no name there, so not even SIGKILL
    leaves it behind.

    Raises:
        InvalidInput: no such format or number.
    """

    format: Format = "parquet"
    file_rows: int | None = None
    spool_dir: Path | None = None

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise InvalidInput(f"No archive format {self.format!r}: choose {' or '.join(FORMATS)}")
        if self.file_rows is not None and self.file_rows < 1:
            raise InvalidInput(f"A file of {self.file_rows} rows")


@dataclass(frozen=True)
class Export:
    """Where the chunks of one store are exported to, and as what."""

    location: ArchiveLocation
    schema: str
    files: Files = field(default_factory=Files)
    store_id: str | None = None

    def chunk(
        self,
        batches: Iterable[Batch],
        name: str,
        range_start: datetime,
        range_end: datetime,
        progress: Progress | None = None,
    ) -> Manifest:
        """Write the rows of one time range as files; gives their manifest, not yet committed.

        ``batches`` hold tuples (:data:`.format.rows.Row`) or record batches, ordered by
        ``stream_name COLLATE "C", position``. A range without rows has one file too.

        Raises:
            ArchiveCorrupt: rows out of order, or outside the range.
            ArchiveUnavailable: the location or the spool cannot be written.
            InvalidInput: a range that ends before it starts.
            ValueError: a row that cannot be archived.
        """
        if range_start >= range_end:
            raise InvalidInput("The range ends before it starts")
        format = self.files.format
        metadata = {
            "coldstream.schema": self.schema,
            "coldstream.chunk": name,
            "coldstream.range_start": layout.compact_time(range_start),
            "coldstream.range_end": layout.compact_time(range_end),
        }
        file_rows = FILE_ROWS if self.files.file_rows is None else self.files.file_rows
        groups = RowGroups(_counted(batches, progress), file_rows=file_rows)
        whole = Summing()
        files: list[ArchiveFile] = []
        while not files or groups.more:
            summing = Summing()
            with spool_file(self.files.spool_dir) as spool:
                if format == "parquet":
                    stats = parquet.write_file(spool, groups, summing, metadata=metadata)
                else:
                    stats = csv.write_file(spool, groups, summing)
                check_range(stats, range_start, range_end)
                whole.add_file(summing)
                key = layout.object_key(
                    self.schema, range_start, range_end, sha256=stats.sha256, format=format
                )
                before = sum(file.bytes for file in files)
                self.location.put_file(key, spool, progress_after(before, "upload", progress))
            values = {"key": key, **vars(stats)}
            files.append(
                ArchiveFile(**{each.name: values[each.name] for each in fields(ArchiveFile)})
            )
        return Manifest(
            schema=self.schema,
            chunk=name,
            range_start=range_start.astimezone(UTC),
            range_end=range_end.astimezone(UTC),
            format=format,
            files=tuple(files),
            columns=COLUMNS if format == "parquet" else COLUMNS[:-1],
            created_at=datetime.now(UTC),
            store_id=self.store_id,
            **vars(whole.summary()),
        )


def _counted(batches: Iterable[Batch], progress: Progress | None) -> Iterator[Batch]:
    done = 0
    for batch in batches:
        yield batch
        done += batch.num_rows if isinstance(batch, pa.RecordBatch) else len(batch)
        if progress:
            progress("rows", done, None)
