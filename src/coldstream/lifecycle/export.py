"""From the database to the archive: seal, export, commit the manifest. Proves nothing yet."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace

from coldstream import tracing
from coldstream.archive.export import Export, Files
from coldstream.client._sync import Client
from coldstream.errors import LifecycleError
from coldstream.lifecycle.chunk import Chunk
from coldstream.lifecycle.chunk_rows import ChunkRows
from coldstream.lifecycle.incarnation import claim, commit, own_location
from coldstream.lifecycle.planned import as_closed, check_rest, only
from coldstream.lifecycle.session import (
    OlderThan,
    Progress,
    Session,
    again_one,
    each,
    looking,
    reading,
    reporter,
    working,
)
from coldstream.lifecycle.states import DROPPED, EXPORTABLE, EXPORTED_ALREADY, REHYDRATED


def due(session: Session, older_than: OlderThan, *, again: bool, sizes: bool) -> list[Chunk]:
    """The chunks that ended before, and are not in the archive; with ``again``, those too that
    are, and are still in the database."""
    states = EXPORTABLE | (EXPORTED_ALREADY if again else frozenset())
    cutoff = session.cutoff(older_than)
    return [
        chunk
        for chunk in session.chunks(sizes=sizes)
        if chunk.range_end <= cutoff and chunk.state in states
    ]


def archive(
    store: Client,
    older_than: OlderThan,
    *,
    files: Files,
    again: bool,
    dry_run: bool,
    planned: Iterable[Chunk] | None,
    progress: Progress,
) -> list[Chunk]:
    """Export the chunks that ended before; gives them as they are afterwards."""
    if dry_run:
        with looking(store) as session:
            own_location(store, session, make=False)
            session.rows("check_no_retention_policy")
            return as_closed(session, due(session, older_than, again=again, sizes=True))
    shown = None if planned is None else list(planned)
    with reading(store) as session:
        location = own_location(store, session)
    with working(store) as session:
        session.rows("check_no_retention_policy")
        chunks = only(due(session, older_than, again=again, sizes=False), shown)
        if not chunks and not shown:
            return []
        if chunks:
            export = Export(location, store.schema, files)
            _export(session, store, export, chunks, again, progress)
        now = session.chunks(sizes=True)
        archived = {DROPPED, REHYDRATED} | EXPORTED_ALREADY
        check_rest(shown or (), chunks, now, lambda chunk: chunk.state in archived and not again)
        done = {chunk.range_start for chunk in shown or chunks}
        return [chunk for chunk in now if chunk.range_start in done]


def _export(
    session: Session,
    store: Client,
    export: Export,
    chunks: list[Chunk],
    again: bool,
    progress: Progress,
) -> None:
    # Before anything is sealed: a location that may not or cannot be written changes nothing.
    claim(session, export.location)
    export = replace(export, store_id=str(session.one("store_id")[0]))
    try:
        with ChunkRows(session, store.dsn) as rows:
            each(
                chunks,
                lambda chunk: export_chunk(session, rows, export, chunk, progress, again=again),
            )
    except LifecycleError:
        claim(session, export.location, probe=False)
        raise
    # What was exported is in the list of what has to be there.
    claim(session, export.location, probe=False)


@tracing.step("archive")
def export_chunk(
    session: Session,
    rows: ChunkRows,
    export: Export,
    chunk: Chunk,
    progress: Progress,
    *,
    again: bool = False,
) -> None:
    """Export one chunk and commit its manifest."""
    started = time.monotonic()
    progress(chunk, "seal", 0, None)
    _, chunk_name, messages = again_one(session, "begin_export", [chunk.range_start, again])
    report = reporter(progress, chunk)
    manifest = export.chunk(
        rows.of(chunk),
        chunk_name.rpartition(".")[2].strip('"'),
        chunk.range_start,
        chunk.range_end,
        lambda step, done, total: report(step, done, messages if step == "rows" else total),
    )
    # Before anybody can take it for the truth.
    session.rows("check_manifest", [chunk.range_start, manifest.to_json().decode()])
    manifest_key = commit(session, export.location, manifest)
    session.record(
        "record_export",
        [chunk.range_start, export.location.url, manifest_key, manifest.to_json().decode()],
        seconds=time.monotonic() - started,
    )
    session.rows("finish_export", [chunk.range_start, export.location.url])
