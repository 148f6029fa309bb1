"""Proving files in storage to be what their manifest says."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from coldstream.archive.format import csv, parquet_rows
from coldstream.archive.format.summary import Summing, check_range
from coldstream.archive.manifest.manifest import ArchiveFile, Manifest
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.archive.storage.progress import Progress, progress_after
from coldstream.archive.storage.spool import hash_of, spool_file
from coldstream.errors import ArchiveCorrupt


def verify_files(
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
            location,
            file,
            spool_dir,
            progress_after(sum(each.bytes for each in before), "download", progress),
        ) as spool:
            if not deep:
                continue
            summing = Summing()
            done = sum(file.rows for file in before)
            reader = parquet_rows if manifest.format == "parquet" else csv
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
        check_range(whole.summary(), manifest.range_start, manifest.range_end)


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
