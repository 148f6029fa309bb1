"""Out of the database: only what was verified, and is still what was verified."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC

from coldstream import tracing
from coldstream.client._sync import Client
from coldstream.errors import ArchiveError
from coldstream.lifecycle.chunk import Chunk
from coldstream.lifecycle.planned import as_closed, check_rest, check_same
from coldstream.lifecycle.position_streams import position_streams
from coldstream.lifecycle.session import (
    Locate,
    OlderThan,
    Progress,
    Session,
    each,
    looking,
    patiently,
    working,
)
from coldstream.lifecycle.states import DROPPABLE, DROPPED
from coldstream.lifecycle.still_there import missing_from_archive


@dataclass(frozen=True)
class Drop:
    """One chunk that is due, and why it stays: ``None`` where it goes.

    ``position_streams``, in a dry run: streams in which clients of Message DB keep the positions of
    consumers, and from which those could not go on without the archive once the chunk has gone.
    ``problem``, in a dry run: the archive has no longer what was verified; that chunk stays."""

    chunk: Chunk
    reason: str | None
    position_streams: tuple[str, ...] = ()
    problem: ArchiveError | None = None


def due(session: Session, older_than: OlderThan, *, sizes: bool) -> list[Chunk]:
    """The chunks in the database that ended before, and the parts of such that came back."""
    cutoff = session.cutoff(older_than)
    return [
        chunk
        for chunk in session.chunks(sizes=sizes)
        if chunk.range_end <= cutoff and (chunk.in_database or chunk.part_streams is not None)
    ]


def _reason(chunk: Chunk, kept: bool) -> str | None:
    if chunk.in_database and chunk.state not in DROPPABLE:
        return f"not verified: {chunk.state}"
    if chunk.is_kept and chunk.kept_until is not None and not kept:
        return f"kept until {chunk.kept_until.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"
    return None


def drop(
    store: Client,
    locate: Locate,
    older_than: OlderThan,
    *,
    kept: bool,
    dry_run: bool,
    planned: Iterable[Drop] | None,
    progress: Progress,
) -> list[Drop]:
    """Drop the verified chunks that ended before; gives all that are due, and why some stay.

    Raises:
        ArchiveCorrupt: what was verified is no longer in the archive; that chunk stays.
        ArchiveUnavailable: the archive cannot be asked; nothing more is dropped.
    """
    if dry_run:
        with looking(store) as session:
            session.rows("check_no_retention_policy")
            found = as_closed(session, due(session, older_than, sizes=True))
            drops = [Drop(one, _reason(one, kept)) for one in found]
            return with_position_streams(session, _with_problems(session, locate, drops))
    listed = None if planned is None else list(planned)
    shown = {one.chunk.range_start: one.chunk for one in listed or () if one.reason is None}
    with working(store) as session:
        session.rows("check_no_retention_policy")
        drops = [Drop(one, _reason(one, kept)) for one in due(session, older_than, sizes=False)]
        going = [one.chunk for one in drops if one.reason is None]

        def dropped(chunk: Chunk) -> None:
            if listed is not None:
                check_same(shown[chunk.range_start], chunk)
            drop_chunk(session, locate, chunk, progress)

        if listed is not None:
            going = [chunk for chunk in going if chunk.range_start in shown]
            starts = {one.chunk.range_start for one in listed}
            drops = [one for one in drops if one.chunk.range_start in starts]
        each(going, dropped)
        if listed:
            check_rest(
                shown.values(),
                going,
                session.chunks(),
                lambda chunk: chunk.state == DROPPED and chunk.part_streams is None,
            )
        return drops


def with_position_streams(session: Session, drops: list[Drop]) -> list[Drop]:
    found = position_streams(session, [one.chunk for one in drops if one.reason is None])
    return [
        replace(one, position_streams=tuple(found.get(one.chunk.range_start, ()))) for one in drops
    ]


def _with_problems(session: Session, locate: Locate, drops: list[Drop]) -> list[Drop]:
    going = [one.chunk for one in drops if one.reason is None]
    found = zip(going, missing_from_archive(session, locate, going), strict=True)
    problems = {chunk.range_start: problem for chunk, problem in found if problem}
    return [
        replace(one, reason="not in the archive as it was verified", problem=problem)
        if (problem := problems.get(one.chunk.range_start))
        else one
        for one in drops
    ]


@tracing.step("drop")
def drop_chunk(session: Session, locate: Locate, chunk: Chunk, progress: Progress) -> None:
    """Drop one chunk, which must be verified, from the database.

    Raises:
        ArchiveCorrupt: what was verified is no longer in the archive.
    """
    progress(chunk, "drop", 0, 1)
    for problem in missing_from_archive(session, locate, [chunk]):
        if problem:
            raise problem
    patiently(session, "drop_range", [chunk.range_start])
    progress(chunk, "drop", 1, 1)
