"""Names of objects: a bucket that describes itself.

::

    <schema>/<range start>_<range end>/messages-<sha256>.parquet
    <schema>/<range start>_<range end>/_manifest-000001.json
    <schema>/_iceberg/

Times are UTC in ISO 8601's basic form (``20261103T000000Z``, with six more digits when the
microseconds are not zero). A data object's name is its hash, so two exports never share one unless
they are the same bytes. The manifest with the highest number is the truth about its range.

Spark, Hive, Trino, Athena and pyarrow pass over a name that begins with ``_`` or ``.``, and take
whatever else is in a folder for data; and a folder's name with ``=`` for the value of a column. So
what is data has no such name, and what is not data has one.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from coldstream.errors import ArchiveCorrupt

ICEBERG = "_iceberg"
"""The folder below a schema's that has an Iceberg table's metadata."""

_MANIFEST = re.compile(r"_manifest-(?!000000)([0-9]{6})\.json")
_TIME = r"[0-9]{8}T[0-9]{6}(?:\.[0-9]{6})?Z"
_RANGE = re.compile(rf"{_TIME}_{_TIME}")
_UNSAFE = re.compile(rb"[^A-Za-z0-9_-]|^_")


def safe_part(name: str) -> str:
    """A name as one part of a key: bytes that are not ``A-Z a-z 0-9 _ -``, and a ``_`` that it
    begins with, become ``~`` and hex. No two names give the same part.
    """
    escaped = _UNSAFE.sub(lambda match: b"~%02x" % match[0][0], name.encode())
    return escaped.decode("ascii")


def compact_time(time: datetime) -> str:
    """``20261103T000000Z`` or ``20261103T000000.000001Z``.

    Raises:
        ValueError: no time zone.
    """
    if time.tzinfo is None:
        raise ValueError(f"The time {time.isoformat()} has no time zone")
    utc = time.astimezone(UTC)
    fraction = f".{utc.microsecond:06d}" if utc.microsecond else ""
    # Not strftime("%Y"): years below 1000 lose their zeros there on some platforms.
    return f"{utc.year:04d}{utc:%m%dT%H%M%S}{fraction}Z"


def range_prefix(schema: str, range_start: datetime, range_end: datetime) -> str:
    """Where everything about one time range lies; no slash at the end."""
    return f"{safe_part(schema)}/{range_part(range_start, range_end)}"


def range_part(range_start: datetime, range_end: datetime) -> str:
    """What the folder of a range is called."""
    return f"{compact_time(range_start)}_{compact_time(range_end)}"


def range_of(key: str) -> tuple[datetime, datetime]:
    """The range that the folder of a key names.

    Raises:
        ArchiveCorrupt: it names none.
    """
    try:
        return range_of_part(key.split("/")[-2])
    except (IndexError, ValueError):
        raise ArchiveCorrupt(f"{key} is in no folder of a range") from None


def range_of_part(part: str) -> tuple[datetime, datetime]:
    """The range whose folder is called so.

    Raises:
        ValueError: no folder of a range is.
    """
    start, end = (
        datetime.strptime(time, "%Y%m%dT%H%M%S.%fZ" if "." in time else "%Y%m%dT%H%M%SZ")
        for time in part.split("_")
    )
    return start.replace(tzinfo=UTC), end.replace(tzinfo=UTC)


def is_range(part: str) -> bool:
    """Whether a part of a key is what the folder of a range is called."""
    return _RANGE.fullmatch(part) is not None


def object_key(
    schema: str,
    range_start: datetime,
    range_end: datetime,
    *,
    sha256: str,
    format: str,
) -> str:
    """The key of a data object; ``format`` is its extension."""
    return f"{range_prefix(schema, range_start, range_end)}/messages-{sha256}.{format}"


def manifest_key(schema: str, range_start: datetime, range_end: datetime, generation: int) -> str:
    """The key of the manifest number ``generation`` (from 1) of a range."""
    return f"{range_prefix(schema, range_start, range_end)}/{_manifest_name(generation)}"


def next_manifest(key: str) -> str:
    """The key of the manifest that comes after another one of its range."""
    folder = key.rpartition("/")[0]
    return f"{folder}/{_manifest_name((manifest_generation(key) or 0) + 1)}"


def _manifest_name(generation: int) -> str:
    if not 1 <= generation <= 999_999:
        raise ArchiveCorrupt(f"No manifest can have the number {generation}")
    return f"_manifest-{generation:06d}.json"


def manifest_generation(key: str) -> int | None:
    """The number of a manifest by its key, or ``None`` for any other object."""
    found = _MANIFEST.fullmatch(key.rpartition("/")[2])
    return int(found[1]) if found else None
