"""What a bucket says it holds: the newest manifest of every range, from the bucket alone, and what
it lacks of what its last writer said."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from coldstream.archive.manifest import layout
from coldstream.archive.manifest.claims import Claim, newest_claim
from coldstream.archive.manifest.manifest import MOST_BYTES, Manifest
from coldstream.archive.manifest.written import Written
from coldstream.archive.storage.location import ArchiveLocation, ObjectInfo
from coldstream.errors import ArchiveCorrupt

REPAIR = (
    "Without it answers would be shorter than the archive. coldstream archive repair writes it "
    "again from what the database knows; else get it back from the bucket's versions."
)
_REQUESTS = 16  # at the same time: a manifest is small, and the way to it is what takes the time


@dataclass(frozen=True)
class Inventory:
    """The manifests that are the truth about their ranges, in the order of time, each beside its
    key; what is wrong with those that are damaged, by their key; and the manifests that the last
    writer had committed and that are not there, nor a later one. ``missing`` has the range of each,
    by its key. Of such a range an older manifest may be among the others, and is not the truth.
    ``claim`` is the last writer's: to look for it again is another listing, and may find another.
    """

    manifests: list[tuple[str, Manifest]]
    damaged: dict[str, ArchiveCorrupt]
    missing: dict[str, tuple[datetime, datetime]]
    claim: Claim | None

    @property
    def whole(self) -> list[tuple[str, Manifest]]:
        """The manifests of ranges of which none is missing."""
        lacking = set(self.missing.values())
        return [
            (key, each)
            for key, each in self.manifests
            if (each.range_start, each.range_end) not in lacking
        ]


def missing(location: ArchiveLocation, key: str) -> ArchiveCorrupt:
    """That a manifest was committed and is not there any more."""
    return ArchiveCorrupt(f"{location.url_of(key)} is missing", hint=REPAIR)


def read_manifest(location: ArchiveLocation, key: str, size: int | None = None) -> Manifest:
    """The manifest under a key; ``size`` (bytes), when known, saves a request.

    Raises:
        ArchiveCorrupt: it is missing or damaged, or about another range than that of its folder.
        ArchiveUnavailable: it cannot be read.
    """
    url = location.url_of(key)
    if size is None:
        info = location.head(key)
        if info is None:
            raise missing(location, key)
        size = info.bytes
    try:
        # Before it is fetched: whatever lies there is taken into memory.
        if size > MOST_BYTES:
            raise ArchiveCorrupt(f"{url} is no manifest: it has {size} bytes")
        manifest = Manifest.from_json(location.get(key), name=url)
        folder = layout.range_prefix(manifest.schema, manifest.range_start, manifest.range_end)
        if folder != key.rpartition("/")[0]:
            raise ArchiveCorrupt(f"{url} is about another range")
    except ArchiveCorrupt as error:
        raise ArchiveCorrupt(str(error), hint=error.hint or REPAIR) from None
    return manifest


def newest_manifest_keys(location: ArchiveLocation, schema: str) -> list[str]:
    """The keys of the manifests that are the truth about their ranges, in the order of time.

    One listing; nothing is opened.
    """
    return [info.key for info in _newest(location, schema)]


def _newest(location: ArchiveLocation, schema: str) -> list[ObjectInfo]:
    part = layout.safe_part(schema)
    newest: dict[str, tuple[int, ObjectInfo]] = {}
    for info in location.list(part):
        parts = info.key.split("/")
        generation = layout.manifest_generation(info.key)
        # Other software may keep things of its own below the schema: only a range's own folder.
        if generation is None or len(parts) != 3 or parts[0] != part:
            continue
        if not layout.is_range(parts[1]):
            continue
        known = newest.get(parts[1])
        if known is None or known[0] < generation:
            newest[parts[1]] = generation, info
    return [newest[folder][1] for folder in sorted(newest)]


def inventory(location: ArchiveLocation, schema: str) -> Inventory:
    """The newest manifest of every range of a schema. One that is damaged hides no other.

    Raises:
        ArchiveCorrupt: the newest claim is damaged, so that nobody knows what is missing.
        ArchiveUnavailable: the location, or a manifest in it, cannot be read.
    """

    def read(info: ObjectInfo) -> tuple[str, Manifest | ArchiveCorrupt]:
        try:
            return info.key, read_manifest(location, info.key, info.bytes)
        except ArchiveCorrupt as error:
            return info.key, error

    # Before the manifests are listed: one that is committed in between is in the list of a later
    # claim, and would be missed.
    claim = newest_claim(location, schema)
    listed = _newest(location, schema)
    missing = _missing(schema, claim.written if claim else {}, [info.key for info in listed])
    with ThreadPoolExecutor(_REQUESTS, "coldstream-manifests") as pool:
        found = list(pool.map(read, listed))
    manifests = [(key, each) for key, each in found if isinstance(each, Manifest)]
    manifests.sort(key=lambda pair: pair[1].range_start)
    damaged = {key: each for key, each in found if isinstance(each, ArchiveCorrupt)}
    return Inventory(manifests, damaged, missing, claim)


def _missing(
    schema: str, written: Written, keys: list[str]
) -> dict[str, tuple[datetime, datetime]]:
    there = {key.rpartition("/")[0]: layout.manifest_generation(key) or 0 for key in keys}
    return {
        layout.manifest_key(schema, *range_, generation): range_
        for range_, generation in sorted(written.items())
        if there.get(layout.range_prefix(schema, *range_), 0) < generation
    }


def newest_manifests(location: ArchiveLocation, schema: str) -> list[Manifest]:
    """The manifests that are the truth about a schema's ranges, in the order of time: all of them.

    Raises:
        ArchiveCorrupt: a manifest is damaged, or lies in another range's folder, or is missing.
        ArchiveUnavailable: the location cannot be read.
    """
    found = inventory(location, schema)
    problems = [*found.damaged.values(), *(missing(location, key) for key in found.missing)]
    for error in problems:
        more = len(problems) - 1
        raise ArchiveCorrupt(f"{error} (and {more} more)" if more else str(error), hint=error.hint)
    return [manifest for _, manifest in found.manifests]
