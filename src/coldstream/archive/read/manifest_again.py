"""A manifest that was lost, from the files that it named: all that it says of them is in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from coldstream.archive.format import csv, parquet_rows
from coldstream.archive.format.rows import COLUMNS
from coldstream.archive.format.summary import Summing
from coldstream.archive.manifest import layout
from coldstream.archive.manifest.manifest import ArchiveFile, Manifest
from coldstream.archive.read.verify import proved
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.errors import ArchiveCorrupt
from coldstream.settings import Format


def manifest_again(
    location: ArchiveLocation,
    files: Sequence[ArchiveFile],
    *,
    schema: str,
    chunk: str,
    range_start: datetime,
    range_end: datetime,
    format: Format,
    digest: str,
    created_at: datetime,
    store_id: str,
    progress: Callable[[str, int, int | None], None],
) -> Manifest:
    """The manifest of these files, each of which is read whole and proved to be the one that was
    written, and its rows to be those of ``digest``. Of a file its own digest need not be known.

    It differs from the lost one in ``created_at`` and ``software`` at most, and in ``chunk`` where
    no Parquet file says it.

    Raises:
        ArchiveCorrupt: a file is missing or another, or the rows are.
        ArchiveUnavailable: the location cannot be read, or the spool cannot be written.
    """
    whole = Summing()
    again: list[ArchiveFile] = []
    rows = sum(file.rows for file in files)
    for file in files:
        summing = Summing()
        with proved(location, file, None, None) as spool:
            reader = parquet_rows if format == "parquet" else csv
            done = sum(each.rows for each in again)
            for batch in reader.read_batches(spool, file.rows):
                summing.add(batch)
                done += batch.num_rows
                progress("check", done, rows)
            if format == "parquet":
                chunk = _chunk(spool) or chunk
        whole.add_file(summing)
        found = vars(summing.summary()) | summing.stream_names()
        _compare(location.url_of(file.key), file, found)
        again.append(replace(file, digest=found["digest"]))
    found = vars(whole.summary())
    if found["digest"] != digest:
        raise ArchiveCorrupt(
            f"{location.url_of(layout.range_prefix(schema, range_start, range_end))} has other"
            " messages than the ledger knows"
        )
    manifest = Manifest(
        schema=schema,
        chunk=chunk,
        range_start=range_start.astimezone(UTC),
        range_end=range_end.astimezone(UTC),
        format=format,
        files=tuple(again),
        columns=COLUMNS if format == "parquet" else COLUMNS[:-1],
        created_at=created_at.astimezone(UTC),
        store_id=store_id,
        **found,
    )
    # As a reader will look at it: a range that its files do not lie in is no range.
    return Manifest.from_json(manifest.to_json())


def _chunk(file: Any) -> str:
    """The chunk that a Parquet file was written from, by its own word."""
    file.seek(0)
    try:
        metadata = pq.read_metadata(file).metadata or {}
    except (OSError, pa.ArrowException) as error:
        raise ArchiveCorrupt(f"Not a whole Parquet file: {error}") from error
    return bytes(metadata.get(b"coldstream.chunk", b"")).decode(errors="replace")


def _compare(url: str, file: ArchiveFile, found: dict[str, Any]) -> None:
    for each in fields(file):
        if each.name == "digest" or each.name not in found:
            continue
        said = getattr(file, each.name)
        if said is not None and said != found[each.name]:
            raise ArchiveCorrupt(
                f"{url} differs from the ledger in {each.name}: {found[each.name]}, not {said}"
            )
