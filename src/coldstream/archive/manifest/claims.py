"""Who may write below a prefix: a chain of small objects, of which the newest names the writer.

::

    <schema>/_writers/writer-000001.json

A run that writes makes the next one with ``If-None-Match: *`` and notes its token in its database.
A copy of that database knows an older token, or the same: of two that go on from one, one makes the
next object, and the other meets it. Each names the ranges that its database has in the archive
(:mod:`coldstream.archive.manifest.written`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from coldstream.archive.manifest import layout
from coldstream.archive.manifest.written import Written, packed, unpacked
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.errors import ArchiveCorrupt

VERSION = 2
_NAME = re.compile(r"writer-(\d{6,})\.json")
_DAMAGED = "Delete it from the archive: the next run of the database that made it makes another."


@dataclass(frozen=True)
class Claim:
    """One run's: ``token`` is random, ``by`` says in words who it was. ``store_id`` is a UUID.
    ``ranges``: what its database had in the archive then; see :attr:`written`. ``is_fork``: it has
    ranges in another archive too, which a list of their own names."""

    number: int
    token: str
    store_id: str
    by: str
    claimed_at: str
    ranges: list[list[str | int]] = field(default_factory=list)
    is_fork: bool = False
    version: int = VERSION

    @classmethod
    def now(
        cls,
        number: int,
        token: str,
        store_id: str,
        by: str,
        written: Written | None = None,
        is_fork: bool = False,
    ) -> Claim:
        """A claim that is made at this moment."""
        at = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        return cls(number, token, store_id, by, at, packed(written or {}), is_fork)

    @property
    def written(self) -> Written:
        """Every range that the archive must have, with the number of its newest manifest."""
        return unpacked(self.ranges)


@dataclass(frozen=True)
class SharedRange:
    """A range that a forked store has in the archive of the store it came from."""

    url: str
    manifest: str
    digest: str


def claim_key(schema: str, number: int) -> str:
    """The key of a claim by its number (from 1)."""
    return f"{_folder(schema)}/writer-{number:06d}.json"


def newest_claim(location: ArchiveLocation, schema: str) -> Claim | None:
    """The claim with the highest number, or ``None`` where nobody has written.

    Raises:
        ArchiveCorrupt: it cannot be understood.
        ArchiveUnavailable: the location cannot be read.
    """
    numbers = [
        int(found[1])
        for info in location.list(_folder(schema))
        if (found := _NAME.fullmatch(info.key.rpartition("/")[2]))
    ]
    return read_claim(location, schema, max(numbers)) if numbers else None


def read_claim(location: ArchiveLocation, schema: str, number: int) -> Claim | None:
    """The claim with this number, or ``None``.

    Raises:
        ArchiveCorrupt: it cannot be understood.
        ArchiveUnavailable: the location cannot be read.
    """
    key = claim_key(schema, number)
    if number < 1 or not location.exists(key):
        return None
    document = _document(location, key)
    try:
        claim = Claim(**document)
        if claim.version == VERSION and claim.number == number and isinstance(claim.token, str):
            unpacked(claim.ranges)
            return claim
    except (TypeError, ArchiveCorrupt):
        pass
    raise ArchiveCorrupt(
        f"{location.url_of(key)} is not a claim that this release knows", hint=_DAMAGED
    )


def create_claim(location: ArchiveLocation, schema: str, claim: Claim) -> None:
    """Make a claim the newest.

    Raises:
        ArchiveConflict: somebody made one of this number first.
    """
    location.create(claim_key(schema, claim.number), _bytes(asdict(claim)))


def write_shared(
    location: ArchiveLocation, schema: str, store_id: str, ranges: Iterable[SharedRange]
) -> None:
    """Note which ranges a forked store has elsewhere, so that its archive names all its history.

    Raises:
        ArchiveConflict: that was noted before.
    """
    document = {"version": VERSION, "ranges": [asdict(each) for each in ranges]}
    location.create(shared_key(schema, store_id), _bytes(document))


def read_shared(location: ArchiveLocation, schema: str, store_id: str) -> list[SharedRange]:
    """Which ranges a forked store has elsewhere; none for a store that was never forked.

    Raises:
        ArchiveCorrupt: the list cannot be understood.
        ArchiveUnavailable: the location cannot be read.
    """
    key = shared_key(schema, store_id)
    if not location.exists(key):
        return []
    try:
        return [SharedRange(**each) for each in _document(location, key)["ranges"]]
    except (KeyError, TypeError):
        raise ArchiveCorrupt(f"{location.url_of(key)} is not a list of ranges") from None


def _folder(schema: str) -> str:
    # Spark, Hive and the like read no folder whose name begins so.
    return f"{layout.safe_part(schema)}/_writers"


def shared_key(schema: str, store_id: str) -> str:
    """The key of the list of ranges that a forked store has elsewhere."""
    return f"{_folder(schema)}/shared-{store_id}.json"


def _bytes(document: dict[str, Any]) -> bytes:
    return json.dumps(document, indent=1).encode() + b"\n"


def _document(location: ArchiveLocation, key: str) -> dict[str, Any]:
    try:
        document = json.loads(location.get(key))
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise ArchiveCorrupt(
            f"{location.url_of(key)} is damaged: it is no JSON object", hint=_DAMAGED
        )
    return document
