"""The steps from rows to a committed, verified archive object. Each can be killed and run again.

1. :func:`export_rows` writes a local spool file and uploads it under a key that contains its hash.
2. :func:`verify_object` reads the object back from storage and proves it.
3. :func:`commit_manifest` makes it the truth about its range. An object without a manifest is an
   orphan: nobody reads it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa

from coldstream.archive import csv, layout, parquet
from coldstream.archive.location import ArchiveLocation
from coldstream.archive.manifest import FORMATS, Format, Manifest
from coldstream.archive.rows import COLUMNS, Batch
from coldstream.archive.spool import hash_of, spool_file
from coldstream.archive.summary import RowsSummary, Summing
from coldstream.errors import ArchiveConflict, ArchiveCorrupt, InvalidInput

Progress: TypeAlias = Callable[[str, int, int | None], None]
"""Called with a step's name, what is done so far and what there is in all, where that is known.

``rows`` counts rows; ``upload`` and ``download`` count bytes; ``check`` counts rows.
"""


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
    progress: Progress | None = None,
) -> Manifest:
    """Write the rows of one time range as an object; gives its manifest, not yet committed.

    ``batches`` hold tuples (:data:`coldstream.archive.rows.Row`) or record batches, ordered by
    ``stream_name COLLATE "C", position``. The spool (the object's size, in ``spool_dir`` or the
    system's temporary folder) has no name, so not even SIGKILL leaves it behind.

    Raises:
        ArchiveCorrupt: rows out of order, or outside the range.
        ArchiveUnavailable: the location or the spool cannot be written.
        InvalidInput: no such format, or a range that ends before it starts.
        ValueError: a row that cannot be archived.
    """
    if format not in FORMATS:
        raise InvalidInput(f"No archive format {format!r}: choose {' or '.join(FORMATS)}")
    if range_start >= range_end:
        raise InvalidInput("The range ends before it starts")
    with spool_file(spool_dir) as spool:
        counted = _counted(batches, progress)
        if format == "parquet":
            stats = parquet.write_parquet(
                spool,
                counted,
                metadata={
                    "coldstream.schema": schema,
                    "coldstream.chunk": chunk_name,
                    "coldstream.range_start": layout.compact_time(range_start),
                    "coldstream.range_end": layout.compact_time(range_end),
                },
            )
        else:
            stats = csv.write_csv(spool, counted)
        _check_range(stats, range_start, range_end)
        key = layout.object_key(
            schema, range_start, range_end, chunk=chunk_name, sha256=stats.sha256, format=format
        )
        location.put_file(
            key, spool, progress and (lambda done, total: progress("upload", done, total))
        )
    return Manifest(
        schema=schema,
        chunk=chunk_name,
        range_start=range_start.astimezone(UTC),
        range_end=range_end.astimezone(UTC),
        format=format,
        key=key,
        columns=COLUMNS if format == "parquet" else COLUMNS[:-1],
        created_at=datetime.now(UTC),
        store_id=store_id,
        **vars(stats),
    )


def find_manifest(
    location: ArchiveLocation, schema: str, range_start: datetime, range_end: datetime
) -> Manifest | None:
    """The committed manifest of a range: the one with the highest number, or ``None``.

    Raises:
        ArchiveCorrupt: it is damaged, or about something else.
    """
    found = _latest(location, schema, range_start, range_end)
    return found[1] if found else None


def commit_manifest(location: ArchiveLocation, manifest: Manifest) -> str:
    """Make the manifest the truth about its range; gives its key.

    Run again for the same object it changes nothing and gives the first key.

    Raises:
        ArchiveConflict: another process committed first, or the range belongs to another store.
    """
    range_ = (manifest.schema, manifest.range_start, manifest.range_end)
    found = _latest(location, *range_)
    generation = 0
    if found:
        generation, committed = found
        if manifest.store_id != committed.store_id:
            raise ArchiveConflict(
                f"{location.url_of(layout.range_prefix(*range_))} belongs to another store",
                hint="Give every store its own archive URL.",
            )
        if (committed.key, committed.sha256) == (manifest.key, manifest.sha256):
            return layout.manifest_key(*range_, generation)
    key = layout.manifest_key(*range_, generation + 1)
    data = manifest.to_json()
    try:
        location.create(key, data)
    except ArchiveConflict:
        # A request whose answer was lost is sent again and then meets its own first success.
        if location.get(key) != data:
            raise
    return key


def _latest(
    location: ArchiveLocation, schema: str, range_start: datetime, range_end: datetime
) -> tuple[int, Manifest] | None:
    prefix = layout.range_prefix(schema, range_start, range_end)
    generations = [
        generation
        for info in location.list(prefix)
        if (generation := layout.manifest_generation(info.key)) is not None
    ]
    if not generations:
        return None
    key = layout.manifest_key(schema, range_start, range_end, max(generations))
    url = location.url_of(key)
    manifest = Manifest.from_json(location.get(key), name=url)
    if (manifest.schema, manifest.range_start, manifest.range_end) != (
        schema,
        range_start,
        range_end,
    ):
        raise ArchiveCorrupt(f"{url} is about another range")
    return max(generations), manifest


def verify_object(
    location: ArchiveLocation,
    manifest: Manifest,
    *,
    deep: bool = True,
    with_rows: Callable[[pa.RecordBatch], None] | None = None,
    spool_dir: Path | None = None,
    progress: Progress | None = None,
) -> None:
    """Read the object back from storage and prove it equal to what its manifest says.

    In this order: bytes, SHA-256 of all of them; and ``deep``, page checksums, order of rows, their
    number, ranges, categories and digest. Bytes that were once proved deep are proved by their
    SHA-256. ``with_rows`` is called with
    them, in order; they are proved when this returns.

    Raises:
        ArchiveCorrupt: it differs; the message names what does.
        ArchiveUnavailable: the location cannot be read, or the spool cannot be written.
    """
    url = location.url_of(manifest.key)
    info = location.head(manifest.key)
    if info is None:
        raise ArchiveCorrupt(f"{url} is missing")
    if info.bytes != manifest.bytes:
        raise ArchiveCorrupt(f"{url} has {info.bytes} bytes, not {manifest.bytes}")
    with spool_file(spool_dir) as spool:
        location.download(
            manifest.key,
            spool,
            progress and (lambda done, total: progress("download", done, total)),
        )
        hash, size = hash_of(spool)
        if size != manifest.bytes:
            raise ArchiveCorrupt(f"{url} gives {size} bytes, not {manifest.bytes}")
        if hash != manifest.sha256:
            raise ArchiveCorrupt(f"{url} has the SHA-256 {hash}, not {manifest.sha256}")
        if manifest.footer_bytes is not None:
            spool.seek(-manifest.footer_bytes, os.SEEK_END)
            footer = sha256(spool.read()).hexdigest()
            if footer != manifest.footer_sha256:
                raise ArchiveCorrupt(f"{url} has another footer than its manifest says")
        if not deep:
            return
        summing = Summing()
        batches = (parquet if manifest.format == "parquet" else csv).read_batches(spool)
        done = 0
        for batch in batches:
            summing.add(batch)
            if with_rows:
                with_rows(batch)
            done += batch.num_rows
            if progress:
                progress("check", done, manifest.rows)
    found = summing.summary()
    for each in fields(RowsSummary):
        ours, theirs = getattr(manifest, each.name), getattr(found, each.name)
        if ours != theirs:
            told = "" if each.name == "categories" else f": {theirs}, not {ours}"
            raise ArchiveCorrupt(f"{url} differs from its manifest in {each.name}{told}")
    _check_range(found, manifest.range_start, manifest.range_end)


def _check_range(summary: RowsSummary, range_start: datetime, range_end: datetime) -> None:
    if summary.first_time is None or summary.last_time is None:
        return
    if summary.first_time < range_start or summary.last_time >= range_end:
        raise ArchiveCorrupt(
            f"Messages from {summary.first_time} to {summary.last_time} do not lie in the range"
            f" from {range_start} to {range_end}"
        )


def _counted(batches: Iterable[Batch], progress: Progress | None) -> Iterator[Batch]:
    done = 0
    for batch in batches:
        yield batch
        done += batch.num_rows if isinstance(batch, pa.RecordBatch) else len(batch)
        if progress:
            progress("rows", done, None)
