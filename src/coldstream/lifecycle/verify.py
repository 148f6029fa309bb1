"""The proof: read an archived object back from storage and compare it with what was exported."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from coldstream import tracing
from coldstream.archive.manifest.inventory import read_manifest
from coldstream.archive.manifest.manifest import Manifest
from coldstream.archive.read.verify import verify_files
from coldstream.archive.storage.faults import is_of_one_object
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.client._sync import Client
from coldstream.errors import ArchiveCorrupt, ArchiveError, ArchiveUnavailable, InvalidInput
from coldstream.lifecycle.chunk import Chunk
from coldstream.lifecycle.planned import check_rest, only
from coldstream.lifecycle.session import Locate, Progress, Session, looking, reporter, working
from coldstream.lifecycle.states import DROPPED, EXPORTED, REHYDRATED, VERIFIED

_EVER = (datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC))


@dataclass(frozen=True)
class Verification:
    """What became of one object: ``problem`` is ``None`` where it is proved. ``is_due``: nothing
    has yet; a dry run gives it."""

    chunk: Chunk
    problem: ArchiveError | None
    is_due: bool = False


def due(
    session: Session,
    *,
    again: bool,
    sample: int | float | None,
    start: datetime | None,
    end: datetime | None,
) -> list[Chunk]:
    """The chunks whose objects are looked at: never verified ones, or any of a range, or a sample.

    Raises:
        InvalidInput: a time without a zone, or no such sample.
    """
    if any(time is not None and time.tzinfo is None for time in (start, end)):
        raise InvalidInput("A time without a time zone")
    first, last = _EVER
    touched = {row[0] for row in session.rows("archived_manifests", [end or first, start or last])}
    again = again or sample is not None or start is not None or end is not None
    chunks = [
        chunk
        for chunk in session.chunks()
        if chunk.range_start in touched and (again or chunk.state == EXPORTED)
    ]
    return chunks if sample is None else _sampled(chunks, sample)


def _sampled(chunks: list[Chunk], sample: int | float) -> list[Chunk]:
    if sample <= 0 or (isinstance(sample, float) and sample > 1):
        raise InvalidInput(f"No sample: {sample}", hint="Give a number, or a share up to 1.0.")
    size = math.ceil(sample * len(chunks)) if isinstance(sample, float) else sample
    chosen = random.sample(chunks, min(size, len(chunks)))
    return sorted(chosen, key=lambda chunk: chunk.range_start)


def verify(
    store: Client,
    locate: Locate,
    *,
    again: bool,
    deep: bool,
    sample: int | float | None,
    start: datetime | None,
    end: datetime | None,
    dry_run: bool,
    planned: Iterable[Verification] | None,
    progress: Progress,
) -> list[Verification]:
    """Verify what is due. A damaged object does not end the run: the others are looked at too.

    Raises:
        ArchiveUnavailable: the archive as a whole cannot be read; nothing is said of its objects.
    """
    if dry_run:
        with looking(store) as session:
            chunks = due(session, again=again or deep, sample=sample, start=start, end=end)
            return [Verification(chunk, None, is_due=True) for chunk in chunks]
    results = []
    shown = None if planned is None else [each.chunk for each in planned]
    with working(store) as session:
        if shown is not None and sample is not None:
            # What was shown is the sample.
            again, sample = True, None
        chunks = only(due(session, again=again or deep, sample=sample, start=start, end=end), shown)
        if chunks:
            _check_readable(session, locate, chunks)
        else:
            _check_there(session, locate, store.archive)
        for chunk in chunks:
            try:
                # Only an object whose rows were proved once may be believed by its bytes alone.
                verify_chunk(session, locate, chunk, progress, deep or chunk.state == EXPORTED)
                results.append(Verification(chunk, None))
            except ArchiveError as error:
                results.append(Verification(chunk, error))
        if shown:
            check_rest(
                shown,
                chunks,
                session.chunks(),
                # Proved by somebody else, for what was never proved before.
                lambda chunk: not again and chunk.state in (VERIFIED, DROPPED, REHYDRATED),
            )
    return results


def _check_readable(session: Session, locate: Locate, chunks: list[Chunk]) -> None:
    """Raise where the archive refuses the first two objects that are asked for: wrong credentials,
    no such bucket or no connection would be told of every chunk, as if each were damaged."""
    problem = None
    for chunk in chunks[:2]:
        rows = session.rows("archived_manifests", [chunk.range_end, chunk.range_start])
        for row in rows:
            if row[0] != chunk.range_start:
                continue
            try:
                locate(row[5], session.one("own_archive")[0]).get(row[3])
            except ArchiveUnavailable as error:
                if is_of_one_object(error):
                    return
                problem = problem or error
            else:
                return
    if problem is not None:
        raise problem


def _check_there(session: Session, locate: Locate, named: str | None) -> None:
    """Raise where nothing is due, and the archive cannot be read: "all is verified" would be taken
    to say that it is there. The newest manifest is read, or else the list of an empty archive."""
    own: str | None = session.one("own_archive")[0]
    end, start = _EVER
    if rows := session.rows("archived_manifests", [end, start]):
        newest = max(rows, key=lambda row: row[0])
        locate(newest[5], own).get(newest[3])
    elif url := own or named:
        next(locate(url, own).list(), None)


@tracing.step("verify")
def verify_chunk(
    session: Session, locate: Locate, chunk: Chunk, progress: Progress, deep: bool = True
) -> None:
    """Prove one chunk's object, as the ledger knows it now; see :func:`verify_files`."""
    started = time.monotonic()
    rows = session.rows("archived_manifests", [chunk.range_end, chunk.range_start])
    [(manifest_key, digest, url, objects)] = [
        row[3:] for row in rows if row[0] == chunk.range_start
    ]
    location = locate(url, session.one("own_archive")[0])
    manifest = ledgers_manifest(location, manifest_key, digest, objects)
    verify_files(location, manifest, deep=deep, progress=reporter(progress, chunk))
    session.record(
        "record_verified",
        [chunk.range_start, digest, location.url, manifest.to_json().decode()],
        seconds=time.monotonic() - started,
    )


def ledgers_manifest(
    location: ArchiveLocation, key: str, digest: str, objects: list[str]
) -> Manifest:
    """The manifest under a key, which names the files and the rows that the ledger does.

    Raises:
        ArchiveCorrupt: it does not, or is missing or damaged.
        ArchiveUnavailable: it cannot be read.
    """
    manifest = read_manifest(location, key)
    # A key contains its object's SHA-256: files that were exchanged together with their manifest
    # have others, and are not even unpacked.
    if manifest.digest != digest or manifest.keys != objects:
        raise ArchiveCorrupt(
            f"{location.url_of(key)} is not the manifest that the ledger knows",
            hint="Export the chunk again: coldstream archive --again. Where it has been dropped, "
            "delete that manifest from the archive: coldstream archive repair writes the right "
            "one.",
        )
    return manifest
