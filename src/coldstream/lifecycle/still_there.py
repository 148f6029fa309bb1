"""Before a drop: whether the archive still has what was verified there.

A verification may be long ago. Since then a rule of the bucket, or a hand, may have taken files
away, and what a drop takes away is then nowhere. Their bytes are not read again: the manifest, and
the size of every file, are compared with what the ledger knows."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from coldstream.errors import ArchiveCorrupt
from coldstream.lifecycle.chunk import Chunk
from coldstream.lifecycle.session import Locate, Session
from coldstream.lifecycle.states import VERIFIED
from coldstream.lifecycle.verify import ledgers_manifest

if TYPE_CHECKING:
    from coldstream.archive.storage.location import ObjectInfo

_AT_ONCE = 8


def missing_from_archive(
    session: Session, locate: Locate, chunks: Sequence[Chunk]
) -> list[ArchiveCorrupt | None]:
    """What is wrong with the files of each of these chunks; ``None`` where all are there.

    Raises:
        ArchiveUnavailable: the archive cannot be asked.
    """
    if not chunks:
        return []
    first, last = chunks[0].range_start, max(chunk.range_end for chunk in chunks)
    known = {row[0]: row[3:] for row in session.rows("archived_manifests", [last, first])}
    [own] = session.one("own_archive")
    locations = {url: locate(url, own) for url in {row[2] for row in known.values()}}

    def look(chunk: Chunk) -> ArchiveCorrupt | None:
        key, digest, url, objects = known[chunk.range_start]
        location = locations[url]
        try:
            for file in ledgers_manifest(location, key, digest, objects).files:
                found = location.head(file.key)
                if found is None or found.bytes != file.bytes:
                    raise _gone(location.url_of(file.key), found, file.bytes, chunk)
        except ArchiveCorrupt as error:
            return error
        return None

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        return list(threads.map(look, chunks))


def _gone(url: str, found: ObjectInfo | None, wanted: int, chunk: Chunk) -> ArchiveCorrupt:
    hint = (
        "Bring it back from a copy of the bucket; what is loaded stays in the database until then."
    )
    if chunk.state == VERIFIED:
        hint = (
            "The messages are still in the database. Archive the chunk again: coldstream archive "
            "--again, then coldstream verify."
        )
    has = "is gone" if found is None else f"has {found.bytes} bytes instead of {wanted}"
    return ArchiveCorrupt(f"{url} was verified, and {has}", hint=hint)
