"""From archived files back to rows."""

from __future__ import annotations

from collections.abc import Iterator

from coldstream.archive.format import csv, parquet_rows
from coldstream.archive.format.rows import Row
from coldstream.archive.manifest.manifest import Manifest
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.archive.storage.progress import Progress, progress_after
from coldstream.archive.storage.spool import hash_of, spool_file
from coldstream.errors import ArchiveCorrupt

_BATCH = 1000


def archived_rows(
    location: ArchiveLocation, manifest: Manifest, *, progress: Progress | None = None
) -> Iterator[list[Row]]:
    """The rows of a range in the archive's order, at most 1,000 a list.

    Raises:
        ArchiveCorrupt: a file is not the one of the manifest; before any row of it is given.
        ArchiveUnavailable: it cannot be read.
    """
    for number, file in enumerate(manifest.files):
        report = progress_after(
            sum(each.bytes for each in manifest.files[:number]), "download", progress
        )
        with spool_file() as spool:
            location.download(file.key, spool, report)
            sha256, _ = hash_of(spool)
            if sha256 != file.sha256:
                url = location.url_of(file.key)
                raise ArchiveCorrupt(f"{url} has the SHA-256 {sha256}, not {file.sha256}")
            reader = parquet_rows if manifest.format == "parquet" else csv
            for rows in reader.read_rows(spool, file.rows):
                for start in range(0, len(rows), _BATCH):
                    yield rows[start : start + _BATCH]
