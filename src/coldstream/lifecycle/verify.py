"""The proof: read an archived object back from storage and compare it with what was exported."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from coldstream.archive.export import verify_object
from coldstream.archive.location import ArchiveLocation
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
        for range_start, _, state, manifest_key, digest in session.rows(
            "archived_manifests", _EVER
        ):
            if state != EXPORTED and not again:
                continue
            chunk = chunks[range_start]
            try:
                _verify(session, locate(chunk.archive_url), chunk, manifest_key, digest, progress)
                results.append(Verification(chunk, None))
            except ArchiveError as error:
                results.append(Verification(chunk, error))
    return results


def _verify(
    session: Session,
    location: ArchiveLocation,
    chunk: Chunk,
    manifest_key: str,
    digest: str,
    progress: Progress,
) -> None:
    manifest = Manifest.from_json(location.get(manifest_key), name=location.url_of(manifest_key))
    if manifest.digest != digest:
        raise ArchiveCorrupt(
            f"{location.url_of(manifest_key)} is not the manifest that the ledger knows",
            hint="Export the chunk again: coldstream archive --again.",
        )
    verify_object(location, manifest, progress=reporter(progress, chunk))
    session.rows("record_verified", [chunk.range_start, digest, location.url])
