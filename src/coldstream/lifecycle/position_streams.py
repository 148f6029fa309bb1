"""Consumers of Message DB's clients that could not be started again once chunks have left."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from coldstream.lifecycle.chunk import Chunk
from coldstream.lifecycle.session import Session


def position_streams(session: Session, chunks: Iterable[Chunk]) -> dict[datetime, list[str]]:
    """By where a chunk starts: the position streams whose last message, or whose recorded position,
    leaves the database with it."""
    known = [(each.range_start, each.range_end, each.last_global_position) for each in chunks]
    found: dict[datetime, list[str]] = {}
    columns = [list(column) for column in zip(*known, strict=True)]
    for start, stream_name in session.rows("position_streams", columns) if known else ():
        found.setdefault(start, []).append(stream_name)
    return found
