"""The ledger's archive part, and the heads and marks of its streams, from the bucket alone.

For a new database, or one whose ledger was lost or is older than the archive. Every object that is
taken in is read whole and proved. A transaction a range: what was restored when a run was killed is
known to the next one. Until all is restored, nobody writes: positions could be given twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from coldstream.archive.manifest import layout
from coldstream.archive.manifest.claims import read_shared, shared_key
from coldstream.archive.manifest.inventory import inventory, missing, read_manifest
from coldstream.archive.manifest.manifest import Manifest
from coldstream.archive.read.verify import verify_files
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.client._sync import Client
from coldstream.client.errors import mapped
from coldstream.errors import (
    ArchiveConflict,
    ArchiveCorrupt,
    ArchiveError,
    ArchiveUnavailable,
    ColdstreamError,
    LifecycleError,
)
from coldstream.lifecycle.incarnation import is_known, own_location, written
from coldstream.lifecycle.merge_range import merge_range
from coldstream.lifecycle.planned import check_nothing_new
from coldstream.lifecycle.restored_streams import RestoredStreams
from coldstream.lifecycle.session import Session, looking, working


@dataclass(frozen=True)
class Rebuilt:
    """One archived range, with the first of its files. ``result``: ``restored``; ``known``, the
    ledger had it (``problem`` says where its manifest is missing or damaged); ``database``, the
    database has its rows; ``merged``, it has them now and lacked ``loaded`` of them; ``failed``, it
    was left as it was, and ``problem`` says why."""

    range_start: datetime
    range_end: datetime
    messages: int
    archive_object: str
    result: str
    loaded: int = 0
    problem: ColdstreamError | None = None


OnRange: TypeAlias = Callable[[Rebuilt, int, int], None]
"""Called when a range is done: what became of it, its number from 1, and how many there are."""


@dataclass(frozen=True)
class _Range:
    location: ArchiveLocation
    key: str
    manifest: Manifest


def rebuild(
    store: Client,
    *,
    dry_run: bool,
    accept_failed: bool,
    planned: Iterable[Rebuilt] | None,
    on_range: OnRange,
) -> list[Rebuilt]:
    """Restore every range that the ledger does not know, and load what ranges of the database
    lack; a range that cannot be keeps no other."""
    with (looking if dry_run else working)(store) as session:
        location = own_location(store, session, make=not dry_run)
        store_id, ranges, damaged = _archived(store, session, location, accept_failed)
        damaged = _known_to_the_ledger(session, location, damaged)
        plan = _plan(session, ranges)
        results = [
            _planned(each, result, other)
            for each, (result, *other) in zip(ranges, plan, strict=True)
        ]
        if planned is not None:
            # Not a part of it: writers are let in once all is restored, or given up.
            check_nothing_new(_changes(planned), _changes([*results, *damaged]), "The ranges")
        if dry_run or store_id is None:
            return sorted([*results, *damaged], key=lambda each: each.range_start)
        if any(each.result in ("restored", "merged") for each in results):
            last = max(each.manifest.last_global_position or 0 for each in ranges)
            with mapped(session.schema), session.connection.transaction():
                session.rows("begin_restore", [store_id, last])
        for number, (each, intended) in enumerate(zip(ranges, results, strict=True)):
            if intended.result in ("restored", "merged"):
                results[number] = _rebuild_range(session, each, intended)
            on_range(results[number], number + 1, len(ranges))
        results = sorted([*results, *damaged], key=lambda each: each.range_start)
        # A range that the ledger knows lacks nothing here: a repair writes its manifest again.
        if accept_failed or all(each.result != "failed" for each in results):
            # Also where all was known: a run before this one may have been killed at its end.
            with mapped(session.schema), session.connection.transaction():
                session.rows("finish_restore")
                session.rows("keep_archive_url", [location.url])
        return results


def _changes(found: Iterable[Rebuilt]) -> list[tuple[object, ...]]:
    """What is to be restored, and what cannot be."""
    return [
        (each.range_start, each.range_end, each.archive_object, each.result)
        for each in found
        if each.result not in ("known", "database")
    ]


def _archived(
    store: Client, session: Session, location: ArchiveLocation, accept_failed: bool
) -> tuple[str | None, list[_Range], list[Rebuilt]]:
    """Whose archive it is, its ranges in the order of time, and those whose manifest is damaged."""
    found = inventory(location, session.schema)
    claim = found.claim
    stores = {manifest.store_id for _, manifest in found.manifests}
    stores |= {claim.store_id} if claim else set()
    if len(stores) > 1 or None in stores:
        raise ArchiveConflict(
            f"{location.url} holds ranges of several stores",
            hint="Give every store its own archive URL.",
        )
    ranges = {
        manifest.range_start: _Range(location, key, manifest) for key, manifest in found.whole
    }
    damaged = [_damaged(key, error) for key, error in found.damaged.items()]
    damaged += [_damaged(key, missing(location, key)) for key in found.missing]
    elsewhere_too = read_shared(location, session.schema, claim.store_id) if claim else []
    if claim and claim.is_fork and not elsewhere_too and not accept_failed:
        # Nobody knows which ranges it names.
        raise missing(location, shared_key(session.schema, claim.store_id))
    for shared in elsewhere_too:
        # A fork's own export of a range comes after the one that it shares.
        elsewhere = ArchiveLocation.open(shared.url, store.archive_options, make=False)
        try:
            manifest = read_manifest(elsewhere, shared.manifest)
            if manifest.digest != shared.digest:
                url = elsewhere.url_of(shared.manifest)
                raise ArchiveCorrupt(f"{url} is not the manifest that the fork knows")
        except ArchiveError as error:
            damaged.append(_damaged(shared.manifest, error))
        else:
            ranges.setdefault(manifest.range_start, _Range(elsewhere, shared.manifest, manifest))
    store_id = next(iter(stores), None)
    return store_id, [ranges[start] for start in sorted(ranges)], damaged


def _known_to_the_ledger(
    session: Session, location: ArchiveLocation, damaged: list[Rebuilt]
) -> list[Rebuilt]:
    """Of the ranges whose manifest is missing or damaged, those that this database needs no
    manifest for are known."""
    ours = written(session, location.url)
    return [
        replace(each, result="known") if is_known(ours, each.archive_object) else each
        for each in damaged
    ]


def _plan(session: Session, ranges: list[_Range]) -> list[tuple[object, ...]]:
    manifests = [each.manifest for each in ranges]
    return session.rows(
        "restore_plan",
        [
            [each.range_start for each in manifests],
            [each.range_end for each in manifests],
            [each.location.url for each in ranges],
            [each.digest for each in manifests],
            [each.rows for each in manifests],
            [each.first_global_position for each in manifests],
            [each.last_global_position for each in manifests],
        ],
    )


def _planned(each: _Range, result: object, other: list[object]) -> Rebuilt:
    manifest = each.manifest
    problem: ColdstreamError | None = None
    between = f"{manifest.range_start} to {manifest.range_end}"
    if result == "overlaps":
        problem = LifecycleError(
            f"The archive has {between}, and the store {other[0]} to {other[1]}",
            hint="The other ranges are restored. Is the chunk interval the one the store had?",
        )
    elif result == "contradicts":
        problem = LifecycleError(
            f"The archive has other messages of {between} than the ledger knows",
            hint="The ledger's row was left as it is, and so were the files that it names.",
        )
    return Rebuilt(
        manifest.range_start,
        manifest.range_end,
        manifest.rows,
        manifest.keys[0],
        "failed" if problem else str(result),
        problem=problem,
    )


def _damaged(key: str, error: ArchiveError) -> Rebuilt:
    start, end = layout.range_of(key)
    return Rebuilt(start, end, 0, key, "failed", problem=error)


def _rebuild_range(session: Session, each: _Range, planned: Rebuilt) -> Rebuilt:
    done = Rebuilt(**vars(planned))
    try:
        with mapped(session.schema), session.connection.transaction():
            if planned.result == "merged":
                loaded = merge_range(session, each.location, each.key, each.manifest)
                return Rebuilt(**{**vars(done), "loaded": loaded})
            _record(session, each, is_proved=True)
            streams = RestoredStreams(session, each.manifest, in_database=False)
            verify_files(each.location, each.manifest, with_rows=streams.add_batch)
            streams.finish()
            return done
    except ArchiveUnavailable:
        # Storage that cannot be reached would fail every other range, too.
        raise
    except (ArchiveError, LifecycleError) as error:
        if planned.result == "restored" and isinstance(error, ArchiveCorrupt):
            # Reads that need it say what is wrong with it, and are not merely shorter.
            with mapped(session.schema), session.connection.transaction():
                _record(session, each, is_proved=False)
        return Rebuilt(**{**vars(done), "result": "failed", "problem": error})


def _record(session: Session, each: _Range, *, is_proved: bool) -> None:
    document = each.manifest.to_json().decode()
    session.rows("restore_range", [each.location.url, each.key, document, is_proved])
