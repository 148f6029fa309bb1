"""What a bucket says it holds: the newest manifest of every range, from the bucket alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from coldstream.archive import layout
from coldstream.archive.location import ArchiveLocation, ObjectInfo
from coldstream.archive.manifest import MOST_BYTES, Manifest
from coldstream.errors import ArchiveCorrupt

_REQUESTS = 16  # at the same time: a manifest is small, and the way to it is what takes the time


@dataclass(frozen=True)
class Inventory:
    """The manifests that are the truth about their ranges, in the order of time, each beside its
    key; and what is wrong with those that are damaged, by their key."""

    manifests: list[tuple[str, Manifest]]
    damaged: dict[str, ArchiveCorrupt]


def read_manifest(location: ArchiveLocation, key: str, size: int | None = None) -> Manifest:
    """The manifest under a key; ``size`` (bytes), when known, saves a request.

    Raises:
        ArchiveCorrupt: it is damaged, or about another range than that of its folder.
        ArchiveUnavailable: it cannot be read.
    """
    url = location.url_of(key)
    if size is None:
        info = location.head(key)
        size = 0 if info is None else info.bytes
    # Before it is fetched: whatever lies there is taken into memory.
    if size > MOST_BYTES:
        raise ArchiveCorrupt(f"{url} is no manifest: it has {size} bytes")
    manifest = Manifest.from_json(location.get(key), name=url)
    folder = layout.range_prefix(manifest.schema, manifest.range_start, manifest.range_end)
    if folder != key.rpartition("/")[0]:
        raise ArchiveCorrupt(f"{url} is about another range")
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
        ArchiveUnavailable: the location, or a manifest in it, cannot be read.
    """

    def read(info: ObjectInfo) -> tuple[str, Manifest | ArchiveCorrupt]:
        try:
            return info.key, read_manifest(location, info.key, info.bytes)
        except ArchiveCorrupt as error:
            return info.key, error

    with ThreadPoolExecutor(_REQUESTS, "coldstream-manifests") as pool:
        found = list(pool.map(read, _newest(location, schema)))
    manifests = [(key, each) for key, each in found if isinstance(each, Manifest)]
    manifests.sort(key=lambda pair: pair[1].range_start)
    damaged = {key: each for key, each in found if isinstance(each, ArchiveCorrupt)}
    return Inventory(manifests, damaged)


def newest_manifests(location: ArchiveLocation, schema: str) -> list[Manifest]:
    """The manifests that are the truth about a schema's ranges, in the order of time: all of them.

    Raises:
        ArchiveCorrupt: a manifest is damaged, or lies in another range's folder.
        ArchiveUnavailable: the location cannot be read.
    """
    found = inventory(location, schema)
    for error in found.damaged.values():
        more = len(found.damaged) - 1
        raise ArchiveCorrupt(
            f"{error} (and {more} more)" if more else str(error),
            hint=error.hint or "Without it the answer would be shorter than the archive.",
        )
    return [manifest for _, manifest in found.manifests]
