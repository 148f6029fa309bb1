"""Into the columnstore."""

from __future__ import annotations

from collections.abc import Iterable

from coldstream import tracing
from coldstream.client._sync import Client
from coldstream.lifecycle.chunk import Chunk
from coldstream.lifecycle.planned import as_closed, check_rest, only
from coldstream.lifecycle.session import (
    OlderThan,
    Progress,
    Session,
    each,
    looking,
    patiently,
    working,
)
from coldstream.lifecycle.states import COMPRESSIBLE, DROPPED


def due(session: Session, older_than: OlderThan, *, sizes: bool) -> list[Chunk]:
    """The chunks that ended before, and are rows."""
    cutoff = session.cutoff(older_than)
    return [
        chunk
        for chunk in session.chunks(sizes=sizes)
        if chunk.range_end <= cutoff and chunk.state in COMPRESSIBLE and not chunk.is_compressed
    ]


def compress(
    store: Client,
    older_than: OlderThan,
    *,
    dry_run: bool,
    planned: Iterable[Chunk] | None,
    progress: Progress,
) -> list[Chunk]:
    """Compress the chunks that ended before; gives them as they are afterwards."""
    if dry_run:
        with looking(store) as session:
            session.rows("check_columnstore")
            return as_closed(session, due(session, older_than, sizes=True))
    shown = None if planned is None else list(planned)
    with working(store) as session:
        session.rows("check_columnstore")
        chunks = only(due(session, older_than, sizes=False), shown)
        each(chunks, lambda chunk: compress_chunk(session, chunk, progress))
        now = session.chunks(sizes=True)
        check_rest(
            shown or (), chunks, now, lambda chunk: chunk.is_compressed or chunk.state == DROPPED
        )
        done = {chunk.range_start for chunk in shown or chunks}
        return [chunk for chunk in now if chunk.range_start in done]


@tracing.step("compress")
def compress_chunk(session: Session, chunk: Chunk, progress: Progress) -> None:
    """Compress one chunk."""
    progress(chunk, "compress", 0, 1)
    patiently(session, "compress_range", [chunk.range_start])
    progress(chunk, "compress", 1, 1)
