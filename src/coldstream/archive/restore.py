"""From an archived object back to rows."""

from __future__ import annotations

from collections.abc import Iterator

from coldstream.archive import csv, parquet
from coldstream.archive.export import Progress
from coldstream.archive.location import ArchiveLocation
from coldstream.archive.manifest import Manifest
from coldstream.archive.rows import Row
from coldstream.archive.spool import hash_of, spool_file
from coldstream.errors import ArchiveCorrupt

_BATCH = 1000


def archived_rows(
    location: ArchiveLocation, manifest: Manifest, *, progress: Progress | None = None
) -> Iterator[list[Row]]:
    """The rows of an object in the archive's order, at most 1,000 a list.

    Raises:
        ArchiveCorrupt: the object is not the one of the manifest; before any row is given.
        ArchiveUnavailable: it cannot be read.
    """
    with spool_file() as spool:
        location.download(
            manifest.key,
            spool,
            progress and (lambda done, total: progress("download", done, total)),
        )
        sha256, _ = hash_of(spool)
        if sha256 != manifest.sha256:
            raise ArchiveCorrupt(
                f"{location.url_of(manifest.key)} has the SHA-256 {sha256}, not {manifest.sha256}"
            )
        for rows in (parquet if manifest.format == "parquet" else csv).read_rows(spool):
            for start in range(0, len(rows), _BATCH):
                yield rows[start : start + _BATCH]
