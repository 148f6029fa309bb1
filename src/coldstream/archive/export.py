"""The steps from rows to a committed, verified archive object. Each can be killed and run again.

1. :func:`export_rows` writes a local spool file and uploads it under a key that contains its hash;
   one after another, where the rows are too many for one file.
2. :func:`verify_object` reads the files back from storage and proves them.
3. :func:`commit_manifest` makes them the truth about their range. A file that no manifest names is
   an orphan: nobody reads it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import pyarrow as pa

from coldstream.archive.format import csv, parquet
from coldstream.archive.format.row_groups import FILE_ROWS, RowGroups
from coldstream.archive.format.rows import COLUMNS, Batch
from coldstream.archive.format.summary import RowsSummary, Summing
from coldstream.archive.manifest import layout
from coldstream.archive.manifest.inventory import read_manifest
from coldstream.archive.manifest.manifest import FORMATS, ArchiveFile, Format, Manifest
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.archive.storage.spool import hash_of, spool_file
from coldstream.errors import ArchiveConflict, ArchiveCorrupt, InvalidInput
from coldstream.settings import archive_file_rows

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
    file_rows: int | None = None,
    progress: Progress | None = None,
) -> Manifest:
    """Write the rows of one time range as files; gives their manifest, not yet committed.

    ``batches`` hold tuples (:data:`.format.rows.Row`) or record batches, ordered by
    ``stream_name COLLATE "C", position``. A file has ``file_rows`` rows at most (``None``: what
    the environment says, or else a default), and fewer where they are large
    (:data:`.format.row_groups.FILE_ROW_GROUPS`); a range without rows has one file too.
    The spool (a file's size, in ``spool_dir`` or the system's temporary folder) has no name, so not
    even SIGKILL leaves it behind.

    Raises:
        ArchiveCorrupt: rows out of order, or outside the range.
        ArchiveUnavailable: the location or the spool cannot be written.
        InvalidInput: no such format or number, or a range that ends before it starts.
        ValueError: a row that cannot be archived.
    """
    if format not in FORMATS:
        raise InvalidInput(f"No archive format {format!r}: choose {' or '.join(FORMATS)}")
    if range_start >= range_end:
        raise InvalidInput("The range ends before it starts")
    file_rows = checked_file_rows(file_rows)
    metadata = {
        "coldstream.schema": schema,
        "coldstream.chunk": chunk_name,
        "coldstream.range_start": layout.compact_time(range_start),
        "coldstream.range_end": layout.compact_time(range_end),
    }
    groups = RowGroups(_counted(batches, progress), file_rows=file_rows)
    whole = Summing()
    files: list[ArchiveFile] = []
    while not files or groups.more:
        summing = Summing()
        with spool_file(spool_dir) as spool:
            if format == "parquet":
                stats = parquet.write_file(spool, groups, summing, metadata=metadata)
            else:
                stats = csv.write_file(spool, groups, summing)
            _check_range(stats, range_start, range_end)
            whole.add_file(summing)
            key = layout.object_key(
                schema, range_start, range_end, sha256=stats.sha256, format=format
            )
            location.put_file(key, spool, progress_after(files, "upload", progress))
        values = {"key": key, **vars(stats)}
        files.append(ArchiveFile(**{each.name: values[each.name] for each in fields(ArchiveFile)}))
    return Manifest(
        schema=schema,
        chunk=chunk_name,
        range_start=range_start.astimezone(UTC),
        range_end=range_end.astimezone(UTC),
        format=format,
        files=tuple(files),
        columns=COLUMNS if format == "parquet" else COLUMNS[:-1],
        created_at=datetime.now(UTC),
        store_id=store_id,
        **vars(whole.summary()),
    )


def checked_file_rows(file_rows: int | None) -> int:
    """How many rows a file may have: ``None`` is what the environment says, or else a default.

    Raises:
        InvalidInput: less than one.
    """
    if file_rows is None:
        file_rows = archive_file_rows() or FILE_ROWS
    if file_rows < 1:
        raise InvalidInput(f"A file of {file_rows} rows")
    return file_rows


def progress_after(
    files: Iterable[ArchiveFile], step: str, progress: Progress | None
) -> Callable[[int, int], None] | None:
    """The progress in bytes of the file that comes after these."""
    if progress is None:
        return None
    before = sum(file.bytes for file in files)
    return lambda done, total: progress(step, before + done, before + total)


def find_manifest(
    location: ArchiveLocation, schema: str, range_start: datetime, range_end: datetime
) -> Manifest | None:
    """The committed manifest of a range: the one with the highest number, or ``None``.

    Raises:
        ArchiveCorrupt: it is damaged, or about something else.
    """
    found = _latest(location, schema, range_start, range_end)
    return found[1] if found else None


@dataclass(frozen=True)
class KnownManifest:
    """What a database knows of a range's newest manifest: its key and the digest of its rows; and
    whether it was there once, or was only about to be."""

    key: str
    digest: str
    is_committed: bool = field(default=True, compare=False)


def next_manifest_key(
    location: ArchiveLocation, manifest: Manifest, known: Sequence[KnownManifest]
) -> tuple[str, bool]:
    """Under which key a manifest may be committed, and whether it is there already.

    Only over nothing, over a manifest that is ``known``, or over one of the same rows: whatever
    else is the newest is history that another database wrote, and nobody would find it any more.

    Raises:
        ArchiveConflict: the newest one is another, or the range belongs to another store.
        ArchiveCorrupt: the newest one is damaged.
    """
    range_ = _range_of(manifest)
    found = _latest(location, *range_)
    prefix = layout.range_prefix(*range_)
    # A number that was given once is not given to other rows, also where its manifest was deleted.
    ours = max(
        (layout.manifest_generation(each.key) or 0 for each in known if each.is_committed),
        default=0,
    )
    if found is None:
        return layout.manifest_key(*range_, ours + 1), False
    generation, committed = found
    key = layout.manifest_key(*range_, generation)
    if manifest.store_id != committed.store_id:
        raise ArchiveConflict(
            f"{location.url_of(prefix)} belongs to another store",
            hint="Give every store its own archive URL.",
        )
    if (committed.keys, committed.digest) == (manifest.keys, manifest.digest):
        return key, True
    # Where ours came after it and was deleted, it is one that we have replaced before.
    is_known = ours > generation or KnownManifest(key, committed.digest) in known
    if committed.digest != manifest.digest and not is_known:
        raise ArchiveConflict(
            f"{location.url_of(key)} is not known to this database: the archive has"
            f" {committed.rows} messages of that range, and {manifest.rows} would replace them",
            hint="Was the database restored, or does a copy of it write here? "
            "coldstream archive rebuild takes in what the archive has more.",
        )
    return layout.manifest_key(*range_, max(generation, ours) + 1), False


def commit_manifest(
    location: ArchiveLocation,
    manifest: Manifest,
    *,
    known: Sequence[KnownManifest] = (),
    before: Callable[[str], None] = lambda key: None,
) -> str:
    """Make the manifest the truth about its range; gives its key. Run again for the same files it
    changes nothing and gives the first key.

    ``known``: what the caller's database may replace (see :func:`next_manifest_key`). ``before`` is
    called with the key just before it is written.

    Raises:
        ArchiveConflict: another process committed first, the newest manifest is not a known one, or
            the range belongs to another store.
    """
    key, is_there = next_manifest_key(location, manifest, known)
    if is_there:
        return key
    before(key)
    data = manifest.to_json()
    try:
        location.create(key, data)
    except ArchiveConflict:
        # A request whose answer was lost is sent again and then meets its own first success.
        if location.get(key) != data:
            raise
    return key


def _range_of(manifest: Manifest) -> tuple[str, datetime, datetime]:
    return manifest.schema, manifest.range_start, manifest.range_end


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
    return max(generations), read_manifest(location, key)


def verify_object(
    location: ArchiveLocation,
    manifest: Manifest,
    *,
    deep: bool = True,
    with_rows: Callable[[pa.RecordBatch], None] | None = None,
    spool_dir: Path | None = None,
    progress: Progress | None = None,
) -> None:
    """Read the files back from storage and prove them equal to what the manifest says.

    Of each file, in this order: bytes, SHA-256 of all of them; and ``deep``, page checksums, order
    of rows, their number, ranges and digest; then of all together, categories too. Bytes that were
    once proved deep are proved by their SHA-256. ``with_rows`` is called with the rows, in order;
    they are proved when this returns.

    Raises:
        ArchiveCorrupt: something differs; the message names what does.
        ArchiveUnavailable: the location cannot be read, or the spool cannot be written.
    """
    whole = Summing()
    url = ""
    for number, file in enumerate(manifest.files):
        url = location.url_of(file.key)
        before = manifest.files[:number]
        with proved(
            location, file, spool_dir, progress_after(before, "download", progress)
        ) as spool:
            if not deep:
                continue
            summing = Summing()
            done = sum(file.rows for file in before)
            reader = parquet if manifest.format == "parquet" else csv
            for batch in reader.read_batches(spool, file.rows):
                summing.add(batch)
                if with_rows:
                    with_rows(batch)
                done += batch.num_rows
                if progress:
                    progress("check", done, manifest.rows)
        whole.add_file(summing)
        _compare(url, file, vars(summing.summary()) | summing.stream_names())
    if deep:
        # Where there is one file, it is the one that differs.
        url = url if len(manifest.files) == 1 else url.rpartition("/")[0]
        _compare(url, manifest, vars(whole.summary()))
        _check_range(whole.summary(), manifest.range_start, manifest.range_end)


@contextmanager
def proved(
    location: ArchiveLocation,
    file: ArchiveFile,
    spool_dir: Path | None,
    progress: Callable[[int, int], None] | None,
) -> Iterator[BinaryIO]:
    """The bytes of a file on this machine, once they are those that were written."""
    url = location.url_of(file.key)
    info = location.head(file.key)
    if info is None:
        raise ArchiveCorrupt(f"{url} is missing")
    if info.bytes != file.bytes:
        raise ArchiveCorrupt(f"{url} has {info.bytes} bytes, not {file.bytes}")
    with spool_file(spool_dir) as spool:
        location.download(file.key, spool, progress)
        hash, size = hash_of(spool)
        if size != file.bytes:
            raise ArchiveCorrupt(f"{url} gives {size} bytes, not {file.bytes}")
        if hash != file.sha256:
            raise ArchiveCorrupt(f"{url} has the SHA-256 {hash}, not {file.sha256}")
        if file.footer_bytes is not None:
            spool.seek(-file.footer_bytes, os.SEEK_END)
            footer = sha256(spool.read()).hexdigest()
            if footer != file.footer_sha256:
                raise ArchiveCorrupt(f"{url} has another footer than its manifest says")
        yield spool


def _compare(url: str, ours: ArchiveFile | Manifest, found: Mapping[str, Any]) -> None:
    for each in fields(ours):
        if each.name not in found:
            continue
        said, theirs = getattr(ours, each.name), found[each.name]
        if said != theirs:
            told = "" if each.name == "categories" else f": {theirs}, not {said}"
            raise ArchiveCorrupt(f"{url} differs from its manifest in {each.name}{told}")


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
