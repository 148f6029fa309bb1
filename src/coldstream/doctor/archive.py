"""The archive against the ledger: what must be there, what should not, and who writes to it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from coldstream.archive.manifest import layout
from coldstream.archive.manifest.orphans import orphans
from coldstream.archive.storage.location import ArchiveLocation, ObjectInfo
from coldstream.doctor.asked import Asked, NotLooked, check
from coldstream.doctor.kind import Found, Kind
from coldstream.errors import ArchiveError, ColdstreamError

ARCHIVE_UNREACHABLE = Kind(
    "archive-unreachable",
    "error",
    "the archive {url} cannot be read: {problem}",
    "reads of what has left the database fail, and nothing is archived",
    "see to its address, its credentials and the network: coldstream archive status",
)
ARCHIVE_EMPTY = Kind(
    "archive-empty",
    "error",
    "nothing is in the archive {url}, and the ledger has {files} files there",
    "a folder that is not mounted, another bucket or another account looks like this",
    "see to the address, and to what is mounted there",
)
ARCHIVE_FILE = Kind(
    "archive-file-missing",
    "error",
    "{count} files of the archive are missing or have another size ({key}): {state}",
    "reads of that history fail, and it may not be dropped",
    "{command}",
)
ARCHIVE_MANIFEST = Kind(
    "archive-manifest-missing",
    "error",
    "{count} manifests that the ledger knows are not in the archive ({key})",
    "the archive alone does not say what it holds: a rebuild would lose those ranges",
    "coldstream archive repair",
)
ARCHIVE_AHEAD = Kind(
    "archive-ahead",
    "warning",
    "the archive has {count} ranges, or newer versions of ranges, that the ledger does not know "
    "({key})",
    "this database was set back in time or is a copy, or another one writes there",
    "coldstream archive rebuild --dry-run",
)
ARCHIVE_OTHER = Kind(
    "archive-elsewhere",
    "error",
    "the archive was given as {given}, and the store's is {own}",
    "what this command, or another with the same settings, archives or reads is somewhere else",
    "leave --archive and COLDSTREAM_ARCHIVE out, or: coldstream archive move",
)
ORPHANS = Kind(
    "archive-orphans",
    "advice",
    "{count} files of {size} MB in the archive are named by no manifest",
    "exports that were killed left them, and they cost what the others cost",
    "coldstream archive clean",
)
DATABASE_COPIED = Kind(
    "database-copied",
    "warning",
    "this database is not the one that the archive was last written from, but a copy of it",
    "only one of them may write there",
    "coldstream archive adopt, if it is the successor; coldstream archive fork --archive URL, if "
    "not",
)
ARCHIVE_BEHIND = Kind(
    "rebuild-due",
    "warning",
    "the archive has what this database lacks",
    "nothing is archived or dropped before the ledger knows it",
    "coldstream archive rebuild",
)
PROOF_OLD = Kind(
    "proof-old",
    "warning",
    "{count} ranges of the archive were last proved more than {days} days ago",
    "storage that damages what it holds is noticed by a proof",
    "coldstream verify --all --sample 10%",
)
NO_ARCHIVE = Kind(
    "no-archive",
    "advice",
    "the policy drops after {age}, and no archive is known",
    "what is not archived is not dropped: the database grows",
    "coldstream lifecycle run --archive URL",
)

_PROOF_DAYS = 180


@check("whose archive it is", engine="timescale")
def incarnation(asked: Asked) -> Iterator[Found]:
    for own, drop_after, is_here, is_behind in asked.rows("doctor_archive"):
        if own is None and drop_after is not None and asked.archive is None:
            yield NO_ARCHIVE(age=drop_after)
        if own is not None and not is_here:
            yield DATABASE_COPIED()
        if is_behind:
            yield ARCHIVE_BEHIND()
        if own is not None and asked.archive is not None and own != _plain(asked.archive):
            yield ARCHIVE_OTHER(given=asked.archive, own=own)


@check("when the archive was last proved", engine="timescale")
def proof(asked: Asked) -> Iterator[Found]:
    [count] = asked.one("doctor_proof", [timedelta(days=_PROOF_DAYS)])
    if count:
        yield PROOF_OLD(count=count, days=_PROOF_DAYS)


@check("the archive's files against the ledger", engine="timescale")
def files(asked: Asked) -> Iterator[Found]:
    known = asked.rows("doctor_archive_files")
    manifests = asked.rows("doctor_archive_manifests")
    urls = sorted({row[0] for row in known} | {row[0] for row in manifests})
    if not urls and asked.archive is not None:
        urls = [asked.archive]
    if not urls:
        return
    unread = None
    for url in urls:
        try:
            location = ArchiveLocation.open(url, asked.archive_options, make=False)
            yield from _of_location(
                asked,
                location,
                [row[1:] for row in known if row[0] == url],
                [row[1] for row in manifests if row[0] == url],
            )
        except ArchiveError as error:
            unread = error
            yield ARCHIVE_UNREACHABLE(url=url, problem=str(error))
    if unread is not None:
        raise NotLooked("the archive cannot be read")


def _of_location(
    asked: Asked,
    location: ArchiveLocation,
    known: list[tuple[str, int, str]],
    manifests: list[str],
) -> Iterator[Found]:
    part = layout.safe_part(asked.schema)
    there: dict[str, ObjectInfo] = {info.key: info for info in location.list(part)}
    if known and not there:
        yield ARCHIVE_EMPTY(url=location.url, files=len(known))
        return
    wrong = [row for row in known if row[0] not in there or there[row[0]].bytes != row[1]]
    for in_database in (True, False):
        of = [row for row in wrong if (row[2] != "dropped") == in_database]
        if of:
            yield ARCHIVE_FILE(
                count=len(of),
                key=of[0][0],
                state="the database has the messages" if in_database else "nothing else has them",
                command="coldstream archive --again --older-than 0d, then coldstream verify"
                if in_database
                else "get them back from the bucket's versions or from a copy of it, now",
            )
    lacking = [key for key in manifests if key not in there]
    if lacking:
        yield ARCHIVE_MANIFEST(count=len(lacking), key=lacking[0])
    newest = {
        key.rpartition("/")[0]: layout.manifest_generation(_name(key)) or 0 for key in manifests
    }
    ahead = sorted(
        key
        for key in there
        if key.count("/") == 2
        and layout.is_range(key.split("/")[1])
        and (generation := layout.manifest_generation(_name(key))) is not None
        and generation > newest.get(key.rpartition("/")[0], 0)
    )
    if ahead:
        yield ARCHIVE_AHEAD(count=len(ahead), key=ahead[0])
    before = asked.one("server_time")[0] - asked.limits.orphan_age
    names = frozenset(row[0] for row in known)
    left, _ = orphans(location, asked.schema, written_before=before, known=names)
    if left:
        size = round(sum(each.bytes for each in left) / 1e6, 1)
        yield ORPHANS(count=len(left), size=size)


def _name(key: str) -> str:
    return key.rpartition("/")[2]


def _plain(url: str) -> str:
    from coldstream.archive.storage.urls import checked_url

    try:
        return checked_url(url)
    except ColdstreamError:
        return url
