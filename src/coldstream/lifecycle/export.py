"""From the database to the archive: seal, export, commit the manifest. Proves nothing yet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from psycopg import sql

from coldstream.archive.export import commit_manifest, export_rows
from coldstream.archive.location import ArchiveLocation
from coldstream.client._errors import mapped
from coldstream.client._sync import Store
from coldstream.lifecycle.chunk import Chunk
from coldstream.lifecycle.session import OlderThan, Progress, Session, reporter, working
from coldstream.lifecycle.states import EXPORTABLE, EXPORTED_ALREADY
from coldstream.sql import query

Format = Literal["parquet", "csv"]

_TYPES = ["int8", "int8", "timestamptz", "text", "text", "text", "text", "uuid", "text"]
_BATCH = 2000


def due(session: Session, older_than: OlderThan, *, again: bool) -> list[Chunk]:
    """The chunks that ended before, and are not in the archive; with ``again``, those too that
    are, and are still in the database."""
    states = EXPORTABLE | (EXPORTED_ALREADY if again else frozenset())
    cutoff = session.cutoff(older_than)
    return [
        chunk for chunk in session.chunks() if chunk.range_end <= cutoff and chunk.state in states
    ]


def archive(
    store: Store,
    location: ArchiveLocation,
    older_than: OlderThan,
    *,
    format: Format,
    again: bool,
    spool_dir: Path | None,
    dry_run: bool,
    progress: Progress,
) -> list[Chunk]:
    """Export the chunks that ended before; gives them as they are afterwards."""
    with working(store) as session:
        session.rows("check_no_retention_policy")
        chunks = due(session, older_than, again=again)
        if dry_run or not chunks:
            return chunks
        # Before anything is sealed: a location that cannot be written must change nothing.
        location.check_writable()
        store_id = str(session.one("store_id")[0])
        for chunk in chunks:
            _export(session, location, chunk, store_id, format, again, spool_dir, progress)
        done = {chunk.range_start for chunk in chunks}
        return [chunk for chunk in session.chunks() if chunk.range_start in done]


def _export(
    session: Session,
    location: ArchiveLocation,
    chunk: Chunk,
    store_id: str,
    format: Format,
    again: bool,
    spool_dir: Path | None,
    progress: Progress,
) -> None:
    progress(chunk, "seal", 0, None)
    _, chunk_name, messages = session.one("begin_export", [chunk.range_start, again])
    report = reporter(progress, chunk)
    manifest = export_rows(
        location,
        _rows(session, chunk),
        schema=session.schema,
        chunk_name=chunk_name.rpartition(".")[2].strip('"'),
        range_start=chunk.range_start,
        range_end=chunk.range_end,
        format=format,
        spool_dir=spool_dir,
        store_id=store_id,
        progress=lambda step, done, total: report(
            step, done, messages if step == "rows" else total
        ),
    )
    manifest_key = commit_manifest(location, manifest)
    session.rows(
        "record_export",
        [
            chunk.range_start,
            location.url,
            manifest_key,
            manifest.to_json().decode(),
        ],
    )


def _rows(session: Session, chunk: Chunk) -> Iterator[list[Any]]:
    """The chunk's rows in the archive's order, a batch at a time.

    Through the hypertable and a range of time: a compressed chunk, asked for by its own name,
    gives no rows and no error.
    """
    statement = sql.SQL(query("export_rows", session.schema)).format(
        range_start=sql.Literal(chunk.range_start), range_end=sql.Literal(chunk.range_end)
    )
    batch: list[Any] = []
    with (
        mapped(session.schema),
        session.connection.cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        copy.set_types(_TYPES)
        for row in copy.rows():
            batch.append(row)
            if len(batch) == _BATCH:
                yield batch
                batch = []
    if batch:
        yield batch
