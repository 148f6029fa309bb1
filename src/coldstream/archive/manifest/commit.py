"""Committing: what makes files the truth about their range, over nothing that is not known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from coldstream.archive.manifest import layout
from coldstream.archive.manifest.inventory import read_manifest
from coldstream.archive.manifest.manifest import Manifest
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.errors import ArchiveConflict


@dataclass(frozen=True)
class KnownManifest:
    """What a database knows of a range's newest manifest: its key and the digest of its rows; and
    whether it was there once, or was only about to be."""

    key: str
    digest: str
    is_committed: bool = field(default=True, compare=False)


def next_manifest_key(
    location: ArchiveLocation, manifest: Manifest, known: Sequence[KnownManifest]
) -> tuple[str, bool]:
    """Under which key a manifest may be committed, and whether it is there already.

    Only over nothing, over a manifest that is ``known``, or over one of the same rows: whatever
    else is the newest is history that another database wrote, and nobody would find it any more.

    Raises:
        ArchiveConflict: the newest one is another, or the range belongs to another store.
        ArchiveCorrupt: the newest one is damaged.
    """
    range_ = _range_of(manifest)
    found = newest_of_range(location, *range_)
    prefix = layout.range_prefix(*range_)
    # A number that was given once is not given to other rows, also where its manifest was deleted.
    ours = max(
        (layout.manifest_generation(each.key) or 0 for each in known if each.is_committed),
        default=0,
    )
    if found is None:
        return layout.manifest_key(*range_, ours + 1), False
    generation, committed = found
    key = layout.manifest_key(*range_, generation)
    if manifest.store_id != committed.store_id:
        raise ArchiveConflict(
            f"{location.url_of(prefix)} belongs to another store",
            hint="Give every store its own archive URL.",
        )
    if (committed.keys, committed.digest) == (manifest.keys, manifest.digest):
        return key, True
    # Where ours came after it and was deleted, it is one that we have replaced before.
    is_known = ours > generation or KnownManifest(key, committed.digest) in known
    if committed.digest != manifest.digest and not is_known:
        raise ArchiveConflict(
            f"{location.url_of(key)} is not known to this database: the archive has"
            f" {committed.rows} messages of that range, and {manifest.rows} would replace them",
            hint="Was the database restored, or does a copy of it write here? "
            "coldstream archive rebuild takes in what the archive has more.",
        )
    return layout.manifest_key(*range_, max(generation, ours) + 1), False


def commit_manifest(
    location: ArchiveLocation,
    manifest: Manifest,
    *,
    known: Sequence[KnownManifest] = (),
    before: Callable[[str], None] = lambda key: None,
) -> str:
    """Make the manifest the truth about its range; gives its key. Run again for the same files it
    changes nothing and gives the first key.

    ``known``: what the caller's database may replace (see :func:`next_manifest_key`). ``before`` is
    called with the key just before it is written.

    Raises:
        ArchiveConflict: another process committed first, the newest manifest is not a known one, or
            the range belongs to another store.
    """
    key, is_there = next_manifest_key(location, manifest, known)
    if is_there:
        return key
    before(key)
    data = manifest.to_json()
    try:
        location.create(key, data)
    except ArchiveConflict:
        # A request whose answer was lost is sent again and then meets its own first success.
        if location.get(key) != data:
            raise
    return key


def _range_of(manifest: Manifest) -> tuple[str, datetime, datetime]:
    return manifest.schema, manifest.range_start, manifest.range_end


def newest_of_range(
    location: ArchiveLocation, schema: str, range_start: datetime, range_end: datetime
) -> tuple[int, Manifest] | None:
    """The committed manifest of a range, and its number, which is the highest; ``None``: none.

    Raises:
        ArchiveCorrupt: it is damaged, or about something else.
    """
    prefix = layout.range_prefix(schema, range_start, range_end)
    generations = [
        generation
        for info in location.list(prefix)
        if (generation := layout.manifest_generation(info.key)) is not None
    ]
    if not generations:
        return None
    key = layout.manifest_key(schema, range_start, range_end, max(generations))
    return max(generations), read_manifest(location, key)
