"""The proof: read an archived object back from storage and compare it with what was exported."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from coldstream.archive.export import verify_object
from coldstream.archive.manifest import Manifest
from coldstream.client._sync import Store
from coldstream.errors import ArchiveCorrupt, ArchiveError
from coldstream.lifecycle.chunk import Chunk
from coldstream.lifecycle.session import Locate, Progress, Session, reporter, working
from coldstream.lifecycle.states import EXPORTED

_EVER = (datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC))


@dataclass(frozen=True)
class Verification:
    """What became of one object: ``problem`` is ``None`` where it is proved."""

    chunk: Chunk
    problem: ArchiveError | None


def verify(store: Store, locate: Locate, *, again: bool, progress: Progress) -> list[Verification]:
    """Verify what was exported and is not yet verified; with ``again``, all that is archived.

    A damaged object does not end the run: the others are looked at too.
    """
    results = []
    with working(store) as session:
        chunks = {chunk.range_start: chunk for chunk in session.chunks()}
        for range_start, _, state, *_ in session.rows("archived_manifests", _EVER):
            if state != EXPORTED and not again:
                continue
            chunk = chunks[range_start]
            try:
                verify_chunk(session, locate, chunk, progress)
                results.append(Verification(chunk, None))
            except ArchiveError as error:
                results.append(Verification(chunk, error))
    return results


def verify_chunk(session: Session, locate: Locate, chunk: Chunk, progress: Progress) -> None:
    """Prove one chunk's object, as the ledger knows it now."""
    started = time.monotonic()
    [(_, _, _, manifest_key, digest, url)] = session.rows(
        "archived_manifests", [chunk.range_end, chunk.range_start]
    )
    location = locate(url)
    manifest = Manifest.from_json(location.get(manifest_key), name=location.url_of(manifest_key))
    if manifest.digest != digest:
        raise ArchiveCorrupt(
            f"{location.url_of(manifest_key)} is not the manifest that the ledger knows",
            hint="Export the chunk again: coldstream archive --again.",
        )
    verify_object(location, manifest, progress=reporter(progress, chunk))
    session.record(
        "record_verified",
        [chunk.range_start, digest, location.url],
        seconds=time.monotonic() - started,
    )
