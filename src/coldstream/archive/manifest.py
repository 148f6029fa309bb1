"""The manifest: what a data object beside it holds, as JSON with a stable order of keys.

Its last line but one, ``"manifest_sha256"``, holds the SHA-256 of all the bytes before that line
(``head -n -2 manifest-000001.json | sha256sum``), so that no bit of it changes unnoticed.
"""

from __future__ import annotations

import builtins
import json
import re
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Literal, TypeAlias, cast

from coldstream._version import __version__
from coldstream.errors import ArchiveCorrupt

FORMAT_VERSION = 1
Format: TypeAlias = Literal["parquet", "csv"]
FORMATS: tuple[Format, ...] = ("parquet", "csv")


@dataclass(frozen=True)
class CategorySummary:
    """One category's messages in one object, and the range of their global positions."""

    category: str
    messages: int
    first_global_position: int
    last_global_position: int


@dataclass(frozen=True)
class Manifest:
    """One archived time range: ``range_start <= time < range_end``.

    ``key`` is the data object's, below the archive location; ``bytes`` its size; ``sha256`` 64
    hexadecimal digits over all of it; ``digest`` the digest of its rows
    (:mod:`coldstream.archive.digest`). A Parquet object's last ``footer_bytes`` are its footer,
    with a hash of its own, so that a reader can prove it without reading the rest. The ranges of
    no rows are ``None``. ``store_id``, where the store has one, tells two stores of one name
    apart.
    """

    schema: str
    chunk: str
    range_start: datetime
    range_end: datetime
    format: Format
    key: str
    bytes: int
    sha256: str
    footer_bytes: int | None
    footer_sha256: str | None
    rows: int
    streams: int
    digest: str
    first_global_position: int | None
    last_global_position: int | None
    first_time: datetime | None
    last_time: datetime | None
    categories: tuple[CategorySummary, ...]
    columns: tuple[str, ...]
    created_at: datetime
    store_id: str | None = None
    software: str = field(default=f"coldstream {__version__}")

    def to_json(self) -> builtins.bytes:
        """UTF-8 JSON, indented, keys in the order of the fields, then the hash of all that."""
        document: dict[str, Any] = {"format_version": FORMAT_VERSION}
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, datetime):
                value = _time_text(value)
            elif each.name == "categories":
                value = [vars(category) for category in value]
            document[each.name] = value
        return sealed(document)

    @classmethod
    def from_json(cls, data: builtins.bytes | str, *, name: str = "The manifest") -> Manifest:
        """Parse strictly; ``name`` says in an error which manifest it was.

        Raises:
            ArchiveCorrupt: not a manifest of this format version, or one that contradicts itself.
        """
        try:
            document = json.loads(data)
        except ValueError as error:
            raise ArchiveCorrupt(f"{name} is not JSON: {error}") from error
        if not isinstance(document, dict):
            raise ArchiveCorrupt(f"{name} is not a JSON object")
        version = document.pop("format_version", None)
        if version != FORMAT_VERSION or isinstance(version, bool):
            raise ArchiveCorrupt(
                f"{name} has the format version {version!r}; this release reads {FORMAT_VERSION}",
                hint="Use the release that wrote it, or a newer one.",
            )
        try:
            _unchanged(data.encode() if isinstance(data, str) else data)
            document.pop(_SEAL, None)
            manifest = cls(**_checked(document, cls))
            _consistent(manifest)
        except _Wrong as error:
            raise ArchiveCorrupt(f"{name} is damaged: {error}") from None
        return manifest


class _Wrong(Exception):
    pass


_SEAL = "manifest_sha256"
_SEALED = re.compile(rb"(.*\n) \"manifest_sha256\": \"([0-9a-f]{64})\"\n}\n", re.DOTALL)


def sealed(document: dict[str, Any]) -> bytes:
    """The text of a document with the hash of itself as its last key."""
    text = json.dumps(document, indent=1, ensure_ascii=False).removesuffix("\n}").encode() + b",\n"
    return text + f' "{_SEAL}": "{sha256(text).hexdigest()}"\n}}\n'.encode()


def _unchanged(data: bytes) -> None:
    found = _SEALED.fullmatch(data)
    if found is None:
        raise _Wrong(f"{_SEAL} does not end it")
    if sha256(found[1]).hexdigest().encode() != found[2]:
        raise _Wrong(f"{_SEAL} is another")


def _time_text(time: datetime) -> str:
    utc = time.astimezone(UTC).replace(tzinfo=None)
    return utc.isoformat(timespec="microseconds") + "Z"


_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DIGEST = re.compile(r"sum-sha256:(\d+):[0-9a-f]{32}")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _Wrong("not a text")
    return value


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _Wrong("not a whole number")
    return value


def _time(value: Any) -> datetime:
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise _Wrong("not a time in UTC with microseconds")
    try:
        return datetime.fromisoformat(value)
    except ValueError as error:
        raise _Wrong(str(error)) from None


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _Wrong("not a list")
    return tuple(_text(each) for each in value)


def _categories(value: Any) -> tuple[CategorySummary, ...]:
    if not isinstance(value, list):
        raise _Wrong("not a list")
    found = []
    for each in value:
        if not isinstance(each, dict):
            raise _Wrong("not a list of objects")
        found.append(CategorySummary(**_checked(each, CategorySummary)))
    return tuple(found)


_PARSERS = {
    "str": _text,
    "int": _number,
    "datetime": _time,
    "Format": _text,
    "tuple[str, ...]": _texts,
    "tuple[CategorySummary, ...]": _categories,
}


def _checked(document: dict[str, Any], of: Any) -> dict[str, Any]:
    """The document's values by field, each parsed as its annotation says."""
    values = {}
    for each in fields(of):
        if each.name not in document:
            raise _Wrong(f"{each.name} is missing")
        kind, _, optional = cast("str", each.type).partition(" | ")
        value = document[each.name]
        try:
            values[each.name] = None if value is None and optional else _PARSERS[kind](value)
        except _Wrong as error:
            raise _Wrong(f"{each.name}: {error}") from None
    if unknown := sorted(document.keys() - values.keys()):
        raise _Wrong(f"{unknown[0]} is not known")
    return values


def _consistent(manifest: Manifest) -> None:
    if manifest.format not in FORMATS:
        raise _Wrong(f"format: {manifest.format!r} is not known")
    if not _SHA256.fullmatch(manifest.sha256):
        raise _Wrong("sha256: not 64 hexadecimal digits")
    if manifest.format == "parquet":
        if manifest.footer_bytes is None or not 12 <= manifest.footer_bytes <= manifest.bytes:
            raise _Wrong("footer_bytes: no size of a footer")
        if manifest.footer_sha256 is None or not _SHA256.fullmatch(manifest.footer_sha256):
            raise _Wrong("footer_sha256: not 64 hexadecimal digits")
    digest = _DIGEST.fullmatch(manifest.digest)
    if digest is None or int(digest[1]) != manifest.rows:
        raise _Wrong("digest: not the digest of that many rows")
    if manifest.range_start >= manifest.range_end:
        raise _Wrong("range_end: not after range_start")
    ranges = (
        (manifest.first_global_position, manifest.last_global_position),
        (manifest.first_time, manifest.last_time),
    )
    for first, last in cast("Any", ranges):
        if (first is None) != (manifest.rows == 0) or (last is None) != (first is None):
            raise _Wrong("the ranges do not fit the number of rows")
        if first is not None and first > last:
            raise _Wrong("a range ends before it starts")
    if sum(category.messages for category in manifest.categories) != manifest.rows:
        raise _Wrong("categories: their messages do not add up to the rows")
