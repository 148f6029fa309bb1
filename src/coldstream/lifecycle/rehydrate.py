"""Back into the database, for a while, where every SQL client sees it."""

from __future__ import annotations

from datetime import datetime, timedelta

from coldstream.archive.location import ArchiveLocation
from coldstream.archive.manifest import Manifest
from coldstream.archive.restore import archived_rows
from coldstream.client._errors import mapped
from coldstream.client._sync import Store
from coldstream.errors import Archived, InvalidInput
from coldstream.lifecycle.chunk import Chunk
from coldstream.lifecycle.session import Locate, Progress, Session, reporter, working
from coldstream.lifecycle.states import DROPPED


def due(session: Session, start: datetime, end: datetime) -> list[Chunk]:
    """The chunks that a range of time touches and that are only in the archive.

    Raises:
        InvalidInput: the range ends before it starts, or holds nothing.
        Archived: a chunk of it was dropped by force and is nowhere.
    """
    if start.tzinfo is None or end.tzinfo is None:
        raise InvalidInput("A time without a time zone")
    if start >= end:
        raise InvalidInput(f"The range ends before it starts: {start} to {end}")
    chunks = touched(session, start, end)
    if not chunks:
        raise InvalidInput(
            f"The store has no messages from {start} to {end}",
            hint="coldstream chunks shows what there is.",
        )
    for chunk in chunks:
        if chunk.tier == "gone":
            raise Archived(
                f"{chunk.range_start} to {chunk.range_end} was dropped by force"
                " and is not in an archive"
            )
    return [chunk for chunk in chunks if chunk.state == DROPPED]


def touched(session: Session, start: datetime, end: datetime) -> list[Chunk]:
    """The chunks that a range of time touches, whatever their tier."""
    return [
        chunk for chunk in session.chunks() if chunk.range_start < end and chunk.range_end > start
    ]


def rehydrate(
    store: Store,
    locate: Locate,
    start: datetime,
    end: datetime,
    *,
    keep_for: timedelta | None,
    dry_run: bool,
    progress: Progress,
) -> list[Chunk]:
    """Load the archived chunks of a range back, one transaction a chunk; gives them as they are
    afterwards. What is in the database already is kept there as long as they are."""
    with working(store) as session:
        chunks = due(session, start, end)
        if dry_run:
            return chunks
        manifests = {
            row[0]: row[3] for row in session.rows("archived_manifests", [end, start]) if row[3]
        }
        for chunk in chunks:
            _rehydrate(
                session,
                locate(chunk.archive_url),
                chunk,
                manifests[chunk.range_start],
                keep_for,
                progress,
            )
        for chunk in touched(session, start, end):
            session.rows("keep_range", [chunk.range_start, keep_for])
        done = {chunk.range_start for chunk in chunks}
        return [chunk for chunk in session.chunks() if chunk.range_start in done]


def _rehydrate(
    session: Session,
    location: ArchiveLocation,
    chunk: Chunk,
    manifest_key: str,
    keep_for: timedelta | None,
    progress: Progress,
) -> None:
    manifest = Manifest.from_json(location.get(manifest_key), name=location.url_of(manifest_key))
    report = reporter(progress, chunk)
    # One transaction: a reader sees the whole chunk or none of it, and a killed run leaves none.
    with mapped(session.schema), session.connection.transaction():
        session.rows("begin_rehydrate", [chunk.range_start])
        done = 0
        for rows in archived_rows(location, manifest, progress=report):
            columns = zip(*(row[:8] for row in rows), strict=True)
            session.rows("rehydrate_rows", [list(column) for column in columns])
            done += len(rows)
            report("rows", done, manifest.rows)
        session.rows("finish_rehydrate", [chunk.range_start, keep_for])
