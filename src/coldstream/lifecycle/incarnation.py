"""Which of several copies of a database may write to the archive: the one that has the newest
claim.

A restored or copied database has the store's id and its archive's URL, and history of its own from
then on. So before a run writes, it proves that it is the database that wrote last: by where it is
(``store_is_here``), and by the claims that lie in the archive (``archive/manifest/claims.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from socket import gethostname
from uuid import uuid4

from coldstream.archive.manifest import layout
from coldstream.archive.manifest.claims import (
    Claim,
    create_claim,
    newest_claim,
    read_claim,
    read_shared,
)
from coldstream.archive.manifest.commit import KnownManifest, commit_manifest
from coldstream.archive.manifest.inventory import newest_manifest_keys
from coldstream.archive.manifest.manifest import Manifest
from coldstream.archive.manifest.written import Written, together
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.archive.storage.urls import checked_url
from coldstream.client._sync import Client
from coldstream.errors import ArchiveConflict, InvalidInput
from coldstream.lifecycle.session import Session

WHICH_IT_IS = (
    "If this database is the store's successor: coldstream archive rebuild, then coldstream "
    "archive adopt. If it is a copy: coldstream archive fork --archive and a URL of its own."
)


@dataclass(frozen=True)
class Incarnation:
    """What the database knows of its own place in the archive.

    ``own_url``: where the store archives, once it has exported something. ``url``, ``number``,
    ``token``: the last claim; ``previous_token`` the one before it. ``is_here``: this is the
    database that made it. ``is_behind``: the archive has what this database lacks.
    """

    store_id: str
    own_url: str | None
    url: str | None
    number: int
    token: str | None
    previous_token: str | None
    is_here: bool
    is_behind: bool

    @classmethod
    def of(cls, session: Session) -> Incarnation:
        return cls(*session.one("incarnation"))


def own_location(store: Client, session: Session, *, make: bool = True) -> ArchiveLocation:
    """Where the store archives: what the caller names, which must be what the database knows.
    ``make``: see :meth:`ArchiveLocation.open`.

    Raises:
        ArchiveConflict: it is another place than the one of its history.
        ArchiveUnavailable: no such URL, or it cannot be opened.
        InvalidInput: neither the caller nor the database names one.
    """
    [own] = session.one("own_archive")
    check_own(store.archive, own)
    url = store.archive or own
    if url is None:
        raise InvalidInput(
            "No archive location",
            hint="Give --archive or COLDSTREAM_ARCHIVE: s3://bucket/prefix or file:///folder.",
        )
    return ArchiveLocation.open(url, store.archive_options, make=make)


def check_own(url: str | None, own: str | None) -> None:
    """Refuse another archive than the store's own; before a folder of that name is made.

    Raises:
        ArchiveConflict: it is another one.
    """
    if url is not None and own is not None and checked_url(url) != own:
        raise ArchiveConflict(
            f"This store's archive is {own}, not {checked_url(url)}",
            hint="Leave --archive and COLDSTREAM_ARCHIVE out. Where the archive has been copied to "
            "another place: coldstream archive adopt with its URL.",
        )


def check_incarnation(
    session: Session, location: ArchiveLocation, *, may_be_behind: bool = False
) -> tuple[Incarnation, Claim | None]:
    """Prove that this database is the one that may write there; writes nothing. Gives what it knows
    of itself, and its last claim there if that was made. ``may_be_behind``: for a
    caller that replaces no history there.

    Raises:
        ArchiveConflict: it is a copy, another one has written since, or the archive has more.
        ArchiveUnavailable: the archive cannot be read.
    """
    known = Incarnation.of(session)
    mine = None
    if not known.is_here:
        raise _copy(session, known.own_url or location.url)
    if known.url != location.url:
        # Nobody has written there, or somebody else has.
        newest = newest_claim(location, session.schema)
        if newest is not None:
            raise _foreign(location, newest, known)
        if newest_manifest_keys(location, session.schema):
            raise ArchiveConflict(
                f"{location.url} holds ranges that this database does not know", hint=WHICH_IT_IS
            )
    elif known.number:
        mine = read_claim(location, session.schema, known.number)
        if mine is None:
            _check_interrupted(session, location, known)
        elif mine.token != known.token:
            raise _foreign(location, mine, known)
        else:
            later = read_claim(location, session.schema, known.number + 1)
            if later is not None:
                raise _foreign(location, newest_claim(location, session.schema) or later, known)
    if known.is_behind and not may_be_behind:
        raise ArchiveConflict(
            f"{location.url} has messages that this database lacks",
            hint="coldstream archive rebuild takes them in. Nothing is archived before that.",
        )
    return known, mine


def claim(
    session: Session,
    location: ArchiveLocation,
    *,
    probe: bool = True,
    may_be_behind: bool = False,
) -> None:
    """Before the first write of a run: prove that this database may write, and say that it does;
    after the last one: name what it has written. ``probe``: also find out whether anything can be
    written there at all. ``may_be_behind``: see :func:`check_incarnation`.

    Raises:
        ArchiveConflict: see :func:`check_incarnation`; or another one did so at this moment.
        ArchiveUnavailable: the archive cannot be read or written.
    """
    known, mine = check_incarnation(session, location, may_be_behind=may_be_behind)
    if probe:
        location.check_writable()
    number, token = 1, str(uuid4())
    if known.url == location.url and known.number:
        number = known.number + 1
        if mine is None and known.token is not None:
            # Noted by a run that was killed before it made the object.
            number, token = known.number, known.token
    if token != known.token:
        session.rows("record_claim", [location.url, number, token])
    # What was written before is not forgotten before a rebuild has taken it in.
    others = mine.written if known.is_behind and mine else None
    is_fork = mine.is_fork if mine else bool(read_shared(location, session.schema, known.store_id))
    make_claim(session, location, number, token, known.store_id, others, is_fork=is_fork)


def written(session: Session, url: str) -> Written:
    """The ranges that this database has in an archive, and their manifests' numbers."""
    return {
        (start, end): layout.manifest_generation(key) or 0
        for start, end, key in session.rows("written_ranges", [url])
    }


def is_known(ours: Written, key: str) -> bool:
    """Whether the database knows what the manifest under this key said, by what it has written: it
    has recorded that one, or replaced it."""
    return (layout.manifest_generation(key) or 0) <= ours.get(layout.range_of(key), 0)


def make_claim(
    session: Session,
    location: ArchiveLocation,
    number: int,
    token: str,
    store_id: str,
    others: Written | None = None,
    *,
    is_fork: bool,
) -> None:
    """Make the object of a claim that the database has noted. It names what the database has in the
    archive, and ``others``; ``is_fork``: and that it has more elsewhere.

    Raises:
        ArchiveConflict: somebody else made one of this number.
    """
    database = session.connection.info.dbname
    by = f"database {database} from {gethostname()}"
    ranges = together((written(session, location.url), others or {}))
    try:
        made = Claim.now(number, token, store_id, by, ranges, is_fork)
        create_claim(location, session.schema, made)
    except ArchiveConflict:
        theirs = read_claim(location, session.schema, number)
        if theirs is None or theirs.token != token:
            raise ArchiveConflict(
                f"Another database wrote to {location.url} at this moment"
                + (f": {theirs.by}" if theirs else ""),
                hint=WHICH_IT_IS,
            ) from None


def _copy(session: Session, url: str) -> ArchiveConflict:
    """What this database is a copy of, and what to say of it."""
    rows = session.rows("copied_from")
    if not rows:
        return ArchiveConflict(
            f"This database is a copy of the store that archives to {url}", hint=WHICH_IT_IS
        )
    [(is_template, name)] = rows
    how = "CREATE DATABASE ... TEMPLATE" if is_template else "loaded from a dump"
    if name is None:
        return ArchiveConflict(
            "This database is a copy of another one of this server, which is gone"
            f" ({how}); that one archived to {url}",
            hint=WHICH_IT_IS,
        )
    return ArchiveConflict(
        f"This database is a copy of {name}, another one of this server ({how}); {name} archives to"
        f" {url}",
        hint=f"If {name} goes on: coldstream archive fork --archive and a URL of its own, in this "
        f"database. If this one takes its place: coldstream archive adopt; {name} is refused then. "
        "Where it was written to since: coldstream archive rebuild before that.",
    )


def _check_interrupted(session: Session, location: ArchiveLocation, known: Incarnation) -> None:
    """That the claim which is noted was never made: the one before it is the newest still."""
    before = read_claim(location, session.schema, known.number - 1)
    if known.number > 1 and (before is None or before.token != known.previous_token):
        raise ArchiveConflict(
            f"{location.url} does not have the claim that this database made last", hint=WHICH_IT_IS
        )


def _foreign(location: ArchiveLocation, newest: Claim, known: Incarnation) -> ArchiveConflict:
    if newest.store_id != known.store_id:
        return ArchiveConflict(
            f"{location.url} is the archive of another store",
            hint="Give every store its own archive URL.",
        )
    return ArchiveConflict(
        f"Another database than this one wrote to {location.url}: {newest.by}, {newest.claimed_at}",
        hint=WHICH_IT_IS,
    )


def commit(session: Session, location: ArchiveLocation, manifest: Manifest) -> str:
    """Commit the manifest of a range over what this database knows of it; gives its key.

    Raises:
        ArchiveConflict: the archive has another one.
    """
    recorded, digest, url, seen, seen_digest = session.one("known_manifest", [manifest.range_start])
    known = []
    # A fork has some of its ranges in another archive: that says nothing of its own.
    if recorded is not None and url == location.url:
        known.append(KnownManifest(recorded, digest))
    if seen is not None:
        known.append(KnownManifest(seen, seen_digest, is_committed=False))

    def before(key: str) -> None:
        session.rows("see_manifest", [key, manifest.digest, manifest.range_start])

    return commit_manifest(location, manifest, known=known, before=before)
