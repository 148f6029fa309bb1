"""Plan and do: what a dry run shows, and that nothing else is done afterwards.

A dry run changes nothing, so it closes no chunk: it shows what a run would find after it has. A run
that is given what the dry run gave does that, as far as it is still due, and leaves what changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from coldstream.errors import PlanChanged
from coldstream.lifecycle.chunk import Chunk
from coldstream.lifecycle.session import Session
from coldstream.lifecycle.states import CLOSED, COMPRESSED, OPEN

_AGAIN = "Look at it again with --dry-run, and run it again."


def as_closed(session: Session, chunks: Iterable[Chunk]) -> list[Chunk]:
    """Chunks as they are once those whose range has ended are closed, which a run does first. The
    messages of such a chunk are counted, as closing it would."""
    now: datetime = session.one("server_time")[0]
    return [
        _closed(session, chunk) if chunk.state == OPEN and chunk.range_end <= now else chunk
        for chunk in chunks
    ]


def _closed(session: Session, chunk: Chunk) -> Chunk:
    messages, first, last = session.one(
        "count_range_in_database", [chunk.range_start, chunk.range_end]
    )
    return replace(
        chunk,
        state=COMPRESSED if chunk.is_compressed else CLOSED,
        messages=messages,
        first_global_position=first,
        last_global_position=last,
    )


def only(due: Sequence[Chunk], planned: Iterable[Chunk] | None) -> list[Chunk]:
    """Of the chunks that are due, those that were shown; ``None``: nothing was, so all of them."""
    if planned is None:
        return list(due)
    shown = {chunk.range_start for chunk in planned}
    return [chunk for chunk in due if chunk.range_start in shown]


def check_rest(
    planned: Iterable[Chunk],
    due: Iterable[Chunk],
    now: Iterable[Chunk],
    is_done: Callable[[Chunk], bool],
) -> None:
    """Say what was shown and is not due any more, after all else was done. What somebody else did
    in between is done.

    Raises:
        PlanChanged: there is such a chunk.
    """
    starts = {chunk.range_start for chunk in due}
    current = {chunk.range_start: chunk for chunk in now}
    left = [
        chunk
        for chunk in planned
        if chunk.range_start not in starts
        and not (chunk.range_start in current and is_done(current[chunk.range_start]))
    ]
    for chunk in left:
        found = current.get(chunk.range_start)
        state = f"is {found.state} now" if found else "is not there any more"
        more = f"; so were {len(left) - 1} more" if len(left) > 1 else ""
        raise PlanChanged(
            f"{_range(chunk)} was {chunk.state} when it was shown, and {state}: it was left as it "
            f"is{more}",
            hint=_AGAIN,
        )


def check_same(shown: Chunk, now: Chunk) -> None:
    """Before a chunk leaves the database: what leaves is what was shown, and is read from there.

    Raises:
        PlanChanged: it has other messages, or is archived elsewhere.
    """
    was, has = shown.messages_in_database, now.messages_in_database
    if was is not None and was != has:
        raise PlanChanged(
            f"{_range(shown)} had {was} messages when it was shown, and has {has} now: it stays",
            hint=_AGAIN,
        )
    if shown.archive_url is not None and shown.archive_url != now.archive_url:
        raise PlanChanged(
            f"{_range(shown)} was archived in {shown.archive_url} when it was shown, and is in "
            f"{now.archive_url} now: it stays",
            hint=_AGAIN,
        )


def check_nothing_new(shown: Iterable[object], now: Iterable[object], what: str) -> None:
    """Before anything is done that cannot be done in part.

    Raises:
        PlanChanged: there is something now that was not shown; nothing was done.
    """
    known = set(shown)
    new = [each for each in now if each not in known]
    if new:
        raise PlanChanged(
            f"{what} changed since they were shown ({len(new)} differ): nothing was done",
            hint=_AGAIN,
        )


def _range(chunk: Chunk) -> str:
    start, end = (each.astimezone(UTC) for each in (chunk.range_start, chunk.range_end))
    return f"The chunk of {start:%Y-%m-%d %H:%M:%S}Z to {end:%Y-%m-%d %H:%M:%S}Z"
