"""Chunks as people and programs see them, and how far a lifecycle step is."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any

from coldstream.cli.views.human import (
    human_bytes,
    human_count,
    human_duration,
    human_time,
    printable,
)
from coldstream.cli.views.progress import Step, step
from coldstream.cli.views.render import Column, Unit, render_table, write_json

if TYPE_CHECKING:
    from coldstream.lifecycle import Chunk, Progress

RANGE = Column("range", "time range")
TIER = Column("tier", "tier")
STATE = Column("state", "state", aside=True)
MESSAGES = Column("messages", "messages", Unit.COUNT)
ROWS = Column("row_bytes", "as rows", Unit.BYTES)
COLUMNSTORE = Column("columnstore_bytes", "columnstore", Unit.BYTES, aside=True)
ARCHIVE = Column("archive_bytes", "archive", Unit.BYTES)
RATIO = Column("compression_ratio", "ratio", Unit.RATIO)
EACH = Column("archive_bytes_a_message", "a message", Unit.BYTES)
RESULT = Column("result", "result")

VERIFIED_AT = Column("verified_at", "last verified", Unit.TIME, aside=True)
KEPT = Column("kept", "kept until", aside=True)
PART = Column("part", "also in the database")
FILES = Column("archive_files", "files", Unit.COUNT, aside=True)
OBJECT = Column("archive_object", "archive object", aside=True)

# What JSON has in values of its own.
IN_WORDS = {RANGE.key, KEPT.key, PART.key}

ALL = [RANGE, TIER, STATE, MESSAGES, ROWS, COLUMNSTORE, ARCHIVE, VERIFIED_AT]
WIDE = [*ALL, KEPT, FILES, OBJECT]
WAITING = [RANGE, TIER, STATE, MESSAGES, ROWS, ARCHIVE]
COMPRESSED = [RANGE, STATE, MESSAGES, ROWS, COLUMNSTORE, RATIO]
ARCHIVED = [RANGE, STATE, MESSAGES, ROWS, COLUMNSTORE, ARCHIVE, EACH]
IN_THE_COLUMNSTORE = [RANGE, MESSAGES, ROWS, COLUMNSTORE, RATIO]
IN_THE_ARCHIVE = [RANGE, STATE, MESSAGES, ROWS, ARCHIVE, EACH]
VERIFIED = [RANGE, MESSAGES, ARCHIVE, RESULT]
DROPS = [RANGE, TIER, MESSAGES, ROWS, COLUMNSTORE, ARCHIVE, RESULT]

# What a lifecycle reports of each chunk, in the order in which it does.
STEPS = {
    "compress": ("compress",),
    "archive": ("seal", "rows", "upload"),
    "verify": ("download", "check"),
    "drop": ("drop",),
    "run": ("compress", "seal", "rows", "upload", "download", "check", "drop"),
    "rehydrate": ("download", "rows"),
    "repair": ("check",),
}
_OF_A_RUN = ("compress", "archive", "verify", "drop")


def row(chunk: Chunk, **more: Any) -> dict[str, Any]:
    """A chunk's values by column, and ``more`` of them; JSON has all of them."""
    each = None
    if chunk.archive_bytes is not None and chunk.messages:
        each = chunk.archive_bytes / chunk.messages
    return {
        **asdict(chunk),
        "range": range_in_words(chunk.range_start, chunk.range_end),
        "kept": _kept(chunk),
        "part": _part(chunk),
        "compression_ratio": chunk.compression_ratio,
        "archive_bytes_a_message": each,
        **more,
    }


def show_chunks(
    title: str,
    columns: Sequence[Column],
    chunks: Iterable[Chunk],
    *,
    json: bool = False,
    more: Mapping[datetime, Mapping[str, Any]] | None = None,
) -> None:
    """A table with these columns and a line of totals, or all there is to know as JSON.

    ``more`` has further values by ``range_start``.
    """
    chunks = list(chunks)
    if any(chunk.part_streams is not None for chunk in chunks):
        columns = [*columns, PART]
    rows = [row(chunk, **(more or {}).get(chunk.range_start, {})) for chunk in chunks]
    if json:
        write_json([{k: v for k, v in each.items() if k not in IN_WORDS} for each in rows])
    else:
        render_table(title, columns, rows, total=totals(chunks) if len(chunks) > 1 else None)


def say_where(chunks: Sequence[Chunk], bookkeeping: Mapping[str, int]) -> None:
    """What all of it takes now, and where: what a chunk took as rows is a figure of its past, once
    it is compressed or has left. ``bookkeeping``: bytes of the tables beside the messages."""
    largest = ", ".join(f"{name} {human_bytes(size)}" for name, size in [*bookkeeping.items()][:2])
    there = [chunk for chunk in chunks if chunk.in_database]
    rows = sum(chunk.row_bytes or 0 for chunk in there if not chunk.is_compressed)
    packed = sum(chunk.columnstore_bytes or 0 for chunk in there if chunk.is_compressed)
    archived = sum(chunk.archive_bytes or 0 for chunk in chunks)
    all_as_rows = sum(chunk.row_bytes or 0 for chunk in chunks)
    print(
        f"in the database now: {human_bytes(rows)} as rows, {human_bytes(packed)} in the "
        f"columnstore\nbookkeeping there: {human_bytes(sum(bookkeeping.values()))} ({largest})\n"
        f"in the archive: {human_bytes(archived)}\n"
        f"as rows all of it would take {human_bytes(all_as_rows)}"
    )


def totals(chunks: Sequence[Chunk]) -> dict[str, Any]:
    """The sums of what is known; ratios over those chunks alone that have both sides."""
    total: dict[str, Any] = {RANGE.key: chunks_in_words(len(chunks))}
    for column in (MESSAGES, ROWS, COLUMNSTORE, ARCHIVE):
        known = [v for chunk in chunks if (v := getattr(chunk, column.key)) is not None]
        if known:
            total[column.key] = sum(known)
    both = [c for c in chunks if c.row_bytes and c.columnstore_bytes]
    if both:
        total[RATIO.key] = sum(c.row_bytes or 0 for c in both) / sum(
            c.columnstore_bytes or 0 for c in both
        )
    archived = [c for c in chunks if c.archive_bytes is not None and c.messages]
    if archived:
        total[EACH.key] = sum(c.archive_bytes or 0 for c in archived) / sum(
            c.messages or 0 for c in archived
        )
    return total


def say_estimate(chunks: Sequence[Chunk]) -> None:
    """What a rehydration of all of these chunks takes, of disk and of time."""
    from coldstream.lifecycle.loading import ROWS_A_SECOND

    messages = sum(chunk.messages or 0 for chunk in chunks)
    known = [chunk.row_bytes for chunk in chunks if chunk.row_bytes is not None]
    space = f"about {human_bytes(sum(known))} of disk" if known else "disk that was never measured"
    if known and len(known) < len(chunks):
        space += f", and {chunks_in_words(len(chunks) - len(known))} that were never measured"
    took = human_duration(max(1, round(messages / ROWS_A_SECOND)))
    rate = human_count(ROWS_A_SECOND)
    print(f"{human_count(messages)} messages: {space}, about {took} at {rate} messages a second")


def show_due(chunks: Sequence[Chunk]) -> None:
    """On stderr, a line for each chunk that would be dropped: stdout is for what was done."""
    for chunk in chunks:
        words = [
            range_in_words(chunk.range_start, chunk.range_end),
            f"{human_count(chunk.messages_in_database or 0)} messages",
            human_bytes(bytes_taken(chunk)),
            chunk.archive_url or "not archived yet",
        ]
        print(f"  {printable(', '.join(words))}", file=sys.stderr)


def drop_question(chunks: Sequence[Chunk]) -> str:
    """What is asked before chunks are dropped: how many, of what time, how much, and where they are
    read from then on."""
    messages = human_count(sum(chunk.messages_in_database or 0 for chunk in chunks))
    taken = human_bytes(sum(map(bytes_taken, chunks)))
    span = range_in_words(min(c.range_start for c in chunks), max(c.range_end for c in chunks))
    places = sorted({chunk.archive_url for chunk in chunks if chunk.archive_url})
    where = f", then read from {' and '.join(places)}" if places else ""
    return (
        f"Drop {chunks_in_words(len(chunks))} from the database: {span}, {messages} messages, "
        f"{taken}{where}?"
    )


def bytes_taken(chunk: Chunk) -> int:
    """The bytes that a chunk takes in the database."""
    return (chunk.columnstore_bytes if chunk.is_compressed else chunk.row_bytes) or 0


def chunks_in_words(count: int) -> str:
    """``1 chunk``, ``5 chunks``."""
    return f"{human_count(count)} chunk{'' if count == 1 else 's'}"


@contextmanager
def watching(verb: str, chunks: int, *, parts: bool = True) -> Iterator[Progress]:
    """Show how far a lifecycle is while the body runs one of its verbs on ``chunks`` chunks: what
    it is to be told. A bar, or a line at the end. ``parts``: the bar names chunk and verb, and
    without a bar each of them has a line."""
    noun = "chunk" if chunks == 1 else "chunks"
    with step(verb, total=chunks, noun=noun) as running:
        yield _reporting(verb, running, parts=parts)
        running.end()
        running.to(chunks)


def _reporting(verb: str, running: Step, *, parts: bool) -> Progress:
    steps = STEPS[verb]
    seen: list[datetime] = []

    def report(chunk: Chunk, name: str, done: int, total: int | None, /) -> None:
        if chunk.range_start not in seen:
            seen.append(chunk.range_start)
        if parts:
            # A run is of several verbs; each has steps of its own.
            each = next((v for v in _OF_A_RUN if name in STEPS[v]), verb) if verb == "run" else verb
            running.part(f"{each} {range_in_words(chunk.range_start, chunk.range_end)}")
        part = steps.index(name) if name in steps else 0
        of_step = done / total if total else 0
        running.to(len(seen) - 1 + (part + min(of_step, 1)) / len(steps))

    return report


def _kept(chunk: Chunk) -> str | None:
    if not chunk.is_kept:
        return None
    return human_time(chunk.kept_until) if chunk.kept_until else "it is dropped by hand"


def _part(chunk: Chunk) -> str | None:
    if chunk.part_streams is None:
        return None
    return f"{' '.join(chunk.part_streams)}: {human_count(chunk.part_messages or 0)} messages"


def range_in_words(start: datetime, end: datetime) -> str:
    """A range of time; days alone where it begins and ends at midnight UTC."""
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    if start.time() == end.time() == time():
        return f"{start:%Y-%m-%d} to {end:%Y-%m-%d}"
    return f"{human_time(start)} to {human_time(end)}"
