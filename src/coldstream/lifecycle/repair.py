"""Manifests that somebody deleted or damaged, written again from what the ledger knows.

The ledger has the files of each range, with their hashes, and the digest of the rows; the files
have all else. So a manifest is never guessed: every file is read and proved first. It is committed
as every other one is, under a key that must not be there: the lost one's own, or the next number
where what lies there is damaged.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from coldstream.archive.manifest import layout
from coldstream.archive.manifest.claims import SharedRange, read_shared, shared_key, write_shared
from coldstream.archive.manifest.inventory import inventory, missing
from coldstream.archive.manifest.manifest import ArchiveFile, Manifest
from coldstream.archive.read.manifest_again import manifest_again
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.client._sync import Client
from coldstream.errors import (
    ArchiveConflict,
    ArchiveCorrupt,
    ArchiveError,
    ArchiveUnavailable,
    LifecycleError,
)
from coldstream.lifecycle.chunk import Chunk
from coldstream.lifecycle.incarnation import check_incarnation, claim, own_location
from coldstream.lifecycle.planned import check_nothing_new
from coldstream.lifecycle.session import Progress, Session, looking, reporter, working
from coldstream.lifecycle.states import DROPPED, EXPORTED_ALREADY, REHYDRATED
from coldstream.settings import Format

GIVEN_UP = "given up"
_AS_EXPORTED = EXPORTED_ALREADY | {DROPPED, REHYDRATED}


@dataclass(frozen=True)
class Repaired:
    """A range whose manifest is ``missing`` or ``damaged``; ``result`` says so, or ``written`` once
    there is one again, as ``archive_manifest``; ``given up``: this database does not know the
    range, and the archive is not to have it any more. ``problem``: why there cannot be one."""

    range_start: datetime
    range_end: datetime
    messages: int
    archive_manifest: str
    result: str
    problem: ArchiveError | LifecycleError | None = None


@dataclass(frozen=True)
class _Ledger:
    """What the ledger has of a range in the archive; ``seen``: which other manifest it knows."""

    chunk: Chunk
    files: tuple[ArchiveFile, ...]
    key: str
    digest: str
    format: Format
    exported_at: datetime
    chunk_name: str
    seen: str | None

    @property
    def generation(self) -> int:
        return layout.manifest_generation(self.key) or 0

    def lacks(self, manifest: str, result: str, problem: ArchiveError | None = None) -> Repaired:
        messages = sum(file.rows for file in self.files)
        chunk = self.chunk
        return Repaired(chunk.range_start, chunk.range_end, messages, manifest, result, problem)


def repair(
    store: Client, *, dry_run: bool, planned: Iterable[Repaired] | None, progress: Progress
) -> list[Repaired]:
    """Write the manifests again that the ledger knows and the archive has not; one that cannot be
    keeps no other."""
    with (looking if dry_run else working)(store) as session:
        location = own_location(store, session, make=not dry_run)
        incarnation, mine = check_incarnation(session, location, may_be_behind=True)
        known = _ledger(session, location)
        found = _lacking(session, location, known, incarnation.is_behind)
        elsewhere = _elsewhere(session, location) if mine and mine.is_fork else []
        if elsewhere and not read_shared(location, session.schema, incarnation.store_id):
            found.append(_shared(elsewhere, shared_key(session.schema, incarnation.store_id)))
        if planned is not None:
            shown, now = (
                [(each.archive_manifest, each.result) for each in all_of]
                for all_of in (planned, found)
            )
            check_nothing_new(shown, now, "The manifests that are missing")
        if dry_run or all(each.problem is not None for each in found):
            return found
        claim(session, location, may_be_behind=True)
        store_id = str(session.one("store_id")[0])
        results = []
        for each in found:
            done = each
            if each.archive_manifest == shared_key(session.schema, store_id):
                write_shared(location, session.schema, store_id, elsewhere)
                done = replace(each, result="written")
            elif each.problem is None and each.result != GIVEN_UP:
                try:
                    _write(
                        session,
                        location,
                        known[each.range_start],
                        each.archive_manifest,
                        store_id,
                        progress,
                    )
                    done = replace(each, result="written")
                except ArchiveUnavailable:
                    # Storage that cannot be reached would fail every other range, too.
                    raise
                except (ArchiveError, LifecycleError) as error:
                    done = replace(each, problem=error)
            results.append(done)
        # A number that was raised is in the list of what has to be there.
        claim(session, location, probe=False, may_be_behind=True)
        return results


def _elsewhere(session: Session, location: ArchiveLocation) -> list[SharedRange]:
    """The ranges that a fork has in the archive of the store it came from."""
    ranges = [SharedRange(*row) for row in session.rows("shared_ranges")]
    return [each for each in ranges if each.url != location.url]


def _shared(elsewhere: list[SharedRange], key: str) -> Repaired:
    """That the list of them is missing."""
    times = [layout.range_of(each.manifest) for each in elsewhere]
    start, end = min(start for start, _ in times), max(end for _, end in times)
    messages = sum(int(each.digest.split(":")[1]) for each in elsewhere)
    return Repaired(start, end, messages, key, "missing")


def _ledger(session: Session, location: ArchiveLocation) -> dict[datetime, _Ledger]:
    chunks = {chunk.range_start: chunk for chunk in session.chunks()}
    return {
        row[0]: _Ledger(chunks[row[0]], _files(session, row[0]), *row[1:])
        for row in session.rows("ranges_in_archive", [location.url])
    }


def _files(session: Session, range_start: datetime) -> tuple[ArchiveFile, ...]:
    # The digest of each is in the manifest alone.
    rows = session.rows("files_of_range", [range_start])
    return tuple(ArchiveFile(*(*row[:6], "", *row[6:])) for row in rows)


def _lacking(
    session: Session,
    location: ArchiveLocation,
    known: dict[datetime, _Ledger],
    is_behind: bool,
) -> list[Repaired]:
    """The ranges of which the archive has not the manifest that the ledger knows, with the key
    under which there is to be one."""
    found = inventory(location, session.schema)
    newest_ones: list[tuple[str, Manifest | ArchiveCorrupt]] = list(found.manifests)
    newest_ones += found.damaged.items()
    there = {key.rpartition("/")[0]: (key, each) for key, each in newest_ones}
    results = []
    for ours in known.values():
        newest = there.get(ours.key.rpartition("/")[0])
        lacks = _compared(location, ours, *newest) if newest else ours.lacks(ours.key, "missing")
        if lacks is not None:
            results.append(lacks)
    for key, (start, end) in found.missing.items():
        if start in known:
            continue
        if not is_behind:
            # A rebuild has been told that it is lost, or its chunk was dropped by force.
            results.append(Repaired(start, end, 0, key, GIVEN_UP))
            continue
        error = ArchiveCorrupt(
            f"{missing(location, key)}, and this database does not know what was in it",
            hint="Get it back from the bucket's versions; coldstream archive rebuild "
            "--accept-failed gives it up.",
        )
        results.append(Repaired(start, end, 0, key, "missing", error))
    return sorted(results, key=lambda each: each.range_start)


def _compared(
    location: ArchiveLocation, ours: _Ledger, key: str, newest: Manifest | ArchiveCorrupt
) -> Repaired | None:
    generation = layout.manifest_generation(key) or 0
    if generation < ours.generation:
        return ours.lacks(ours.key, "missing")
    if isinstance(newest, Manifest):
        if newest.digest == ours.digest:
            # A repair that was killed has written one of which the ledger does not know.
            is_same = newest.keys == [file.key for file in ours.files] and key != ours.key
            return ours.lacks(key, "damaged") if is_same else None
        if key == ours.seen:
            return None
    elif generation == ours.generation:
        return ours.lacks(layout.next_manifest(key), "damaged")
    error = ArchiveConflict(
        f"{location.url_of(key)} is not the manifest that the ledger knows",
        hint="Did another database write it? Where it is not history of this store, delete it from "
        "the archive and run this again.",
    )
    return ours.lacks(key, "damaged", error)


def _write(
    session: Session,
    location: ArchiveLocation,
    ours: _Ledger,
    key: str,
    store_id: str,
    progress: Progress,
) -> None:
    chunk = ours.chunk
    if not location.exists(key):
        manifest = manifest_again(
            location,
            ours.files,
            schema=session.schema,
            chunk=ours.chunk_name.rpartition(".")[2].strip('"'),
            range_start=chunk.range_start,
            range_end=chunk.range_end,
            format=ours.format,
            digest=ours.digest,
            created_at=ours.exported_at,
            store_id=store_id,
            progress=reporter(progress, chunk),
        )
        text = manifest.to_json()
        if chunk.state in _AS_EXPORTED:
            session.rows("check_manifest", [chunk.range_start, text.decode()])
        if key != ours.key:
            session.rows("see_manifest", [key, ours.digest, chunk.range_start])
        location.create(key, text)
    if key != ours.key:
        session.rows("record_manifest", [key, chunk.range_start, ours.digest])
