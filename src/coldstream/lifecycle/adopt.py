"""What the operator says of a database that is not the one which wrote last: successor, or fork."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from coldstream.archive.manifest import layout
from coldstream.archive.manifest.claims import SharedRange, newest_claim, write_shared
from coldstream.archive.manifest.inventory import inventory, newest_manifest_keys
from coldstream.archive.manifest.manifest import Manifest
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.archive.storage.urls import checked_url
from coldstream.client._sync import Client
from coldstream.client.errors import mapped
from coldstream.errors import ArchiveConflict, InvalidInput
from coldstream.lifecycle.incarnation import Incarnation, is_known, make_claim
from coldstream.lifecycle.planned import check_nothing_new
from coldstream.lifecycle.session import Session, looking, working

# Where a range starts at the latest, and where it ends at the earliest.
_EVER = (datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC))


@dataclass(frozen=True)
class Adopted:
    """``archive_url``: where this database archives from now on. ``behind``: the ranges (start,
    end) of which the archive has more than it; nothing is archived before a rebuild took them
    in. ``lacking``: those whose manifest is missing there, or damaged, and which this database
    knows: a repair writes it again."""

    archive_url: str
    behind: list[tuple[datetime, datetime]]
    lacking: list[tuple[datetime, datetime]]


@dataclass(frozen=True)
class Forked:
    """The new store's id (``None`` in a dry run: it has none yet), where it archives, and how many
    ranges it reads where they are."""

    store_id: str | None
    archive_url: str | None
    shared: int


def adopt(store: Client, *, dry_run: bool, planned: Adopted | None) -> Adopted:
    """Make this database the one that writes to the archive."""
    with (looking if dry_run else working)(store) as session:
        known = Incarnation.of(session)
        url = store.archive or known.own_url
        if url is None:
            raise InvalidInput("No archive location", hint="Give --archive or COLDSTREAM_ARCHIVE.")
        location = ArchiveLocation.open(url, store.archive_options, make=not dry_run)
        found = inventory(location, session.schema)
        newest = found.claim
        manifests = [each for _, each in found.whole]
        owners = {each.store_id for each in manifests} | ({newest.store_id} if newest else set())
        if owners - {known.store_id}:
            raise ArchiveConflict(
                f"{location.url} is the archive of another store",
                hint="Into a store without messages coldstream archive rebuild takes it; then this "
                "may be said.",
            )
        moved = known.own_url is not None and location.url != known.own_url
        behind = [
            (each.range_start, each.range_end)
            for each in unknown(session, location, manifests, moved=moved)
        ]
        ours = _ours(session, (known.own_url if moved else None) or location.url)
        unreadable = [*found.missing, *found.damaged]
        generations = {(start, end): generation for start, end, generation, _ in ours}
        behind += [layout.range_of(key) for key in unreadable if not is_known(generations, key)]
        there = {each.range_start: each.digest for each in manifests}
        lacking = [
            (start, end)
            for start, end, _, digest in ours
            if there.get(start) != digest and (start, end) not in behind
        ]
        if moved:
            _check_all_there(session, location, known, lacking)
        adopted = Adopted(location.url, behind, lacking)
        if dry_run:
            return adopted
        if planned is not None:
            check_nothing_new(_facts(planned), _facts(adopted), "The archive and what it has")
        number, token = (newest.number if newest else 0) + 1, str(uuid4())
        with mapped(session.schema), session.connection.transaction():
            if moved:
                session.rows("move_archive", [location.url, known.own_url])
            session.rows("record_claim", [location.url, number, token])
            session.rows("set_behind", [bool(behind), bool(behind)])
            if manifests or known.own_url is not None:
                session.rows("set_archive_url", [location.url])
        # Until a rebuild has taken in what there is, nobody may forget what the former one wrote.
        others = newest.written if newest and behind else None
        is_fork = newest is not None and newest.is_fork
        make_claim(session, location, number, token, known.store_id, others, is_fork=is_fork)
        return adopted


def _facts(adopted: Adopted) -> list[object]:
    return [
        adopted.archive_url,
        *(("behind", *each) for each in adopted.behind),
        *(("lacking", *each) for each in adopted.lacking),
    ]


def fork(store: Client, *, dry_run: bool, planned: Forked | None) -> Forked:
    """Make this database a store of its own."""
    with (looking if dry_run else working)(store) as session:
        known = Incarnation.of(session)
        if store.archive is None and known.own_url is not None:
            raise InvalidInput(
                "A fork needs an archive of its own",
                hint="Give --archive: another URL than the one that it was copied with.",
            )
        store_id = str(uuid4())
        if store.archive is None:
            if dry_run:
                return Forked(None, None, 0)
            with mapped(session.schema), session.connection.transaction():
                session.rows("fork_store", [store_id, None])
            return Forked(store_id, None, 0)
        if known.own_url is not None and checked_url(store.archive) == known.own_url:
            raise ArchiveConflict(
                f"{known.own_url} is the archive of the store that this one was copied from",
                hint="Give --archive: another URL. What was archived until now stays readable.",
            )
        location = ArchiveLocation.open(store.archive, store.archive_options, make=not dry_run)
        if newest_claim(location, session.schema) or newest_manifest_keys(location, session.schema):
            raise ArchiveConflict(
                f"{location.url} is the archive of another store",
                hint="Give every store its own archive URL.",
            )
        shared = [SharedRange(*row) for row in session.rows("shared_ranges")]
        if dry_run:
            return Forked(None, location.url, len(shared))
        if planned is not None:
            now = [(location.url, len(shared))]
            check_nothing_new([(planned.archive_url, planned.shared)], now, "The ranges")
        location.check_writable()
        # First what the archive of the fork must name; a killed fork leaves this, under an id that
        # no store has.
        if shared:
            write_shared(location, session.schema, store_id, shared)
        token = str(uuid4())
        with mapped(session.schema), session.connection.transaction():
            session.rows("fork_store", [store_id, location.url])
            session.rows("record_claim", [location.url, 1, token])
        make_claim(session, location, 1, token, store_id, is_fork=bool(shared))
        return Forked(store_id, location.url, len(shared))


def unknown(
    session: Session, location: ArchiveLocation, manifests: list[Manifest], *, moved: bool = False
) -> list[Manifest]:
    """The manifests of which the database knows neither the rows nor that it took them in."""
    known: dict[datetime, set[str]] = {}
    for start, digest, url, seen in session.rows("known_digests"):
        known[start] = {seen} if url != location.url and not moved else {digest, seen}
    return [each for each in manifests if each.digest not in known.get(each.range_start, set())]


def _ours(session: Session, url: str) -> list[tuple[datetime, datetime, int, str]]:
    """The ranges that this database has in an archive: the number of the manifest, and the
    digest."""
    rows = session.rows("archived_manifests", _EVER)
    return [
        (row[0], row[1], layout.manifest_generation(row[3]) or 0, row[4])
        for row in rows
        if row[5] == url
    ]


def _check_all_there(
    session: Session,
    location: ArchiveLocation,
    known: Incarnation,
    lacking: list[tuple[datetime, datetime]],
) -> None:
    """What was archived in the former place is read in the new one: all of it has to be there. A
    manifest may be written again; what cannot be is a file.

    Raises:
        ArchiveConflict: some of it is not.
    """
    missing = []
    for start, end in lacking:
        for file in session.rows("files_of_range", [start]):
            info = location.head(file[0])
            if info is None or info.bytes != file[1]:
                missing.append((start, end))
                break
    if missing:
        raise ArchiveConflict(
            f"{location.url} lacks {len(missing)} of the ranges that {known.own_url} has, the first"
            f" of them {missing[0][0]} to {missing[0][1]}",
            hint=f"Copy all that lies below {known.own_url} there first.",
        )
