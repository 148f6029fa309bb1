"""What killed and failed exports left in an archive: objects that no manifest names."""

from __future__ import annotations

import re
from datetime import datetime

from coldstream.archive.manifest import layout
from coldstream.archive.manifest.inventory import read_manifest
from coldstream.archive.storage.location import ArchiveLocation, ObjectInfo
from coldstream.errors import ArchiveCorrupt

_OURS = re.compile(r"messages-[0-9a-f]{64}\.(?:parquet|csv)")
_UNFINISHED = re.compile(r"(.+)#\d+")


def orphans(
    location: ArchiveLocation, schema: str, *, written_before: datetime, known: frozenset[str]
) -> tuple[list[ObjectInfo], list[ArchiveCorrupt]]:
    """The data objects of a schema that no manifest of their range names, whatever its number, and
    ``known`` neither; in a folder also the files of uploads that were killed.

    Whatever is not named as Coldstream names its files is left alone, and so is a range with a
    damaged manifest: nobody knows what that names. The second list says which ones are.
    ``written_before`` must be earlier than the start of any export that may still be at work.

    Raises:
        ArchiveUnavailable: the location cannot be read.
    """
    part = layout.safe_part(schema)
    found: dict[str, ObjectInfo] = {}
    manifests: list[str] = []
    for info in (*location.list(part), *location.unfinished(part)):
        parts = info.key.split("/")
        if len(parts) != 3 or parts[0] != part or not layout.is_range(parts[1]):
            continue
        unfinished = _UNFINISHED.fullmatch(parts[2])
        name = unfinished[1] if unfinished else parts[2]
        if unfinished is None and layout.manifest_generation(name) is not None:
            manifests.append(info.key)
        elif _OURS.fullmatch(name) or (unfinished and layout.manifest_generation(name)):
            found[info.key] = info
    folders = {key.rpartition("/")[0] for key in found}
    named = set(known)
    damaged: dict[str, ArchiveCorrupt] = {}
    for key in manifests:
        folder = key.rpartition("/")[0]
        if folder in folders:
            try:
                named.update(read_manifest(location, key).keys)
            except ArchiveCorrupt as error:
                damaged[folder] = error
    left = [
        info
        for key, info in sorted(found.items())
        if key not in named
        and key.rpartition("/")[0] not in damaged
        and info.last_modified < written_before
    ]
    return left, list(damaged.values())
