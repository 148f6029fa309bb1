"""Back into the database, for a while, where every SQL client sees it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from coldstream.client._sync import Client
from coldstream.errors import Archived, InvalidInput
from coldstream.lifecycle.chunk import Chunk
from coldstream.lifecycle.loading import Loading
from coldstream.lifecycle.planned import check_rest, only
from coldstream.lifecycle.session import Locate, Progress, Session, looking, reporter, working
from coldstream.lifecycle.states import DROPPED
from coldstream.lifecycle.verify import ledgers_manifest

_EVERYTHING = "*"


def due(
    session: Session, start: datetime, end: datetime, streams: Sequence[str] | None = None
) -> list[Chunk]:
    """The chunks that a range of time touches and that are only in the archive; of those that came
    back in part, the ones that lack some of these streams.

    Raises:
        InvalidInput: the range ends before it starts, or holds nothing; or nothing that matches.
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
    if streams is not None:
        _check_streams(session, chunks, streams)
    for chunk in chunks:
        if chunk.tier == "gone":
            raise Archived(
                f"{chunk.range_start} to {chunk.range_end} was dropped by force"
                " and is not in an archive"
            )
    return [chunk for chunk in chunks if not _is_back(chunk, streams)]


def _is_back(chunk: Chunk, streams: Sequence[str] | None) -> bool:
    """Whether the database has all of it, or all that these patterns match."""
    return chunk.state != DROPPED or (
        streams is not None and set(streams) <= set(chunk.part_streams or ())
    )


def _check_streams(session: Session, chunks: list[Chunk], streams: Sequence[str]) -> None:
    """Before anything is loaded: a mistake in a name is one, not an empty part of each chunk."""
    if not streams or not all(streams):
        raise InvalidInput("No stream name", hint="Name streams, or a pattern such as account-*.")
    for stream in streams:
        [matches] = session.one(
            "has_matching_stream",
            {
                "streams": [stream],
                "start": chunks[0].range_start,
                "end": chunks[-1].range_end,
            },
        )
        if not matches:
            raise InvalidInput(
                f"No stream of that time is matched by {stream}",
                hint="A pattern is all of a name: account-* for the streams of the category "
                "account.",
            )


def touched(session: Session, start: datetime, end: datetime) -> list[Chunk]:
    """The chunks that a range of time touches, whatever their tier."""
    return [
        chunk for chunk in session.chunks() if chunk.range_start < end and chunk.range_end > start
    ]


def rehydrate(
    store: Client,
    locate: Locate,
    start: datetime,
    end: datetime,
    *,
    streams: Sequence[str] | None,
    keep_for: timedelta | None,
    dry_run: bool,
    planned: Iterable[Chunk] | None,
    progress: Progress,
) -> list[Chunk]:
    """Load the archived chunks of a range back, or these streams of them; gives them as they are
    afterwards. A run that was killed is gone on with. What is in the database already is kept
    there as long as they are."""
    if streams is not None and _EVERYTHING in streams:
        streams = None
    if dry_run:
        with looking(store) as session:
            return due(session, start, end, streams)
    shown = None if planned is None else list(planned)
    with working(store) as session:
        chunks = only(due(session, start, end, streams), shown)
        manifests = {
            row[0]: row for row in session.rows("archived_manifests", [end, start]) if row[3]
        }
        [own] = session.one("own_archive")
        for chunk in chunks:
            location = locate(str(chunk.archive_url), own)
            _, _, _, key, digest, _, objects = manifests[chunk.range_start]
            # A part of the rows has no digest that was known before: the files have to be the ones.
            manifest = ledgers_manifest(location, key, digest, objects)
            report = reporter(progress, chunk)
            loading = Loading(session, location, chunk, manifest, streams, keep_for, report)
            loading.run()
        for chunk in touched(session, start, end):
            session.rows("keep_range", [chunk.range_start, keep_for])
        now = session.chunks(sizes=True)
        check_rest(shown or (), chunks, now, lambda chunk: _is_back(chunk, streams))
        done = {chunk.range_start for chunk in shown or chunks}
        return [chunk for chunk in now if chunk.range_start in done]
