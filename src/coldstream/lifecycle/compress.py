"""Into the columnstore."""

from __future__ import annotations

from coldstream.client._sync import Store
from coldstream.lifecycle.chunk import Chunk
from coldstream.lifecycle.session import OlderThan, Progress, Session, each, patiently, working
from coldstream.lifecycle.states import COMPRESSIBLE


def due(session: Session, older_than: OlderThan, *, sizes: bool) -> list[Chunk]:
    """The chunks that ended before, and are rows."""
    cutoff = session.cutoff(older_than)
    return [
        chunk
        for chunk in session.chunks(sizes=sizes)
        if chunk.range_end <= cutoff and chunk.state in COMPRESSIBLE and not chunk.is_compressed
    ]


def compress(
    store: Store, older_than: OlderThan, *, dry_run: bool, progress: Progress
) -> list[Chunk]:
    """Compress the chunks that ended before; gives them as they are afterwards."""
    with working(store) as session:
        session.rows("check_columnstore")
        chunks = due(session, older_than, sizes=dry_run)
        if dry_run:
            return chunks
        each(chunks, lambda chunk: compress_chunk(session, chunk, progress))
        done = {chunk.range_start for chunk in chunks}
        return [chunk for chunk in session.chunks(sizes=True) if chunk.range_start in done]


def compress_chunk(session: Session, chunk: Chunk, progress: Progress) -> None:
    """Compress one chunk."""
    progress(chunk, "compress", 0, 1)
    patiently(session, "compress_range", [chunk.range_start])
    progress(chunk, "compress", 1, 1)
