"""What a bucket says it holds: the newest manifest of every range, from the bucket alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from coldstream.archive import layout
from coldstream.archive.location import ArchiveLocation
from coldstream.archive.manifest import Manifest
from coldstream.errors import ArchiveCorrupt

_REQUESTS = 16  # at the same time: a manifest is small, and the way to it is what takes the time


def newest_manifest_keys(location: ArchiveLocation, schema: str) -> list[str]:
    """The keys of the manifests that are the truth about their ranges, in the order of time.

    One listing; nothing is opened.
    """
    part = layout.safe_part(schema)
    newest: dict[str, int] = {}
    for info in location.list(part):
        parts = info.key.split("/")
        generation = layout.manifest_generation(info.key)
        # Other software may keep things of its own below the schema: only a range's own folder.
        if generation is None or len(parts) != 3 or parts[0] != part:
            continue
        folder = f"{parts[0]}/{parts[1]}"
        newest[folder] = max(generation, newest.get(folder, 0))
    return [f"{folder}/manifest-{newest[folder]:06d}.json" for folder in sorted(newest)]


def newest_manifests(location: ArchiveLocation, schema: str) -> list[Manifest]:
    """The manifests that are the truth about a schema's ranges, in the order of time.

    Raises:
        ArchiveCorrupt: a manifest is damaged, or lies in another range's folder.
        ArchiveUnavailable: the location cannot be read.
    """

    def read(key: str) -> Manifest:
        url = location.url_of(key)
        manifest = Manifest.from_json(location.get(key), name=url)
        folder = layout.range_prefix(schema, manifest.range_start, manifest.range_end)
        if manifest.schema != schema or folder != key.rpartition("/")[0]:
            raise ArchiveCorrupt(f"{url} is about another range")
        return manifest

    with ThreadPoolExecutor(_REQUESTS, "coldstream-manifests") as pool:
        manifests = list(pool.map(read, newest_manifest_keys(location, schema)))
    return sorted(manifests, key=lambda manifest: manifest.range_start)
