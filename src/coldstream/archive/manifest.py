"""The manifest: what the data files beside it hold, as JSON with a stable order of keys.

Its last line but one, ``"manifest_sha256"``, holds the SHA-256 of all the bytes before that line
(``head -n -2 manifest-000001.json | sha256sum``), so that no bit of it changes unnoticed.
"""

from __future__ import annotations

import builtins
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from typing import Any, Literal, TypeAlias, cast

from coldstream._version import __version__
from coldstream.errors import ArchiveCorrupt

FORMAT_VERSION = 2
Format: TypeAlias = Literal["parquet", "csv"]
FORMATS: tuple[Format, ...] = ("parquet", "csv")


@dataclass(frozen=True)
class CategorySummary:
    """One category's messages in one range, and the range of their global positions."""

    category: str
    messages: int
    first_global_position: int
    last_global_position: int


@dataclass(frozen=True)
class ArchiveFile:
    """One data file of a range, which may have several.

    ``key`` is the object's, below the archive location; ``bytes`` its size; ``sha256`` 64
    hexadecimal digits over all of it; ``digest`` the digest of its ``rows``. A Parquet file's last
    ``footer_bytes`` are its footer, with a hash of its own, so that a reader can prove it without
    reading the rest. The stream names are the least and the greatest in it, by their UTF-8 bytes;
    ``None`` also where the format version 1 did not say.
    """

    key: str
    bytes: int
    sha256: str
    footer_bytes: int | None
    footer_sha256: str | None
    rows: int
    digest: str
    first_stream_name: str | None
    last_stream_name: str | None
    first_global_position: int | None
    last_global_position: int | None


@dataclass(frozen=True)
class FileOfRange(ArchiveFile):
    """A file and the format and the start of its range, which all of them share."""

    format: str
    range_start: datetime


@dataclass(frozen=True)
class Manifest:
    """One archived time range: ``range_start <= time < range_end``.

    ``files`` hold its rows in the archive's order, one file after another. ``digest`` is the digest
    of all of them (:mod:`coldstream.archive.digest`). The ranges of no rows are ``None``.
    ``store_id``, where the store has one, tells two stores of one name apart.
    """

    schema: str
    chunk: str
    range_start: datetime
    range_end: datetime
    format: Format
    files: tuple[ArchiveFile, ...]
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

    @property
    def bytes(self) -> int:
        """Of all its files."""
        return sum(file.bytes for file in self.files)

    @property
    def keys(self) -> list[str]:
        """Of its files, in order."""
        return [file.key for file in self.files]

    @property
    def objects(self) -> list[FileOfRange]:
        """Its files, each with what a reader must know of the range."""
        return [
            FileOfRange(
                **{each.name: getattr(file, each.name) for each in fields(ArchiveFile)},
                format=self.format,
                range_start=self.range_start,
            )
            for file in self.files
        ]

    def to_json(self) -> builtins.bytes:
        """UTF-8 JSON, indented, keys in the order of the fields, then the hash of all that."""
        document: dict[str, Any] = {"format_version": FORMAT_VERSION}
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, datetime):
                value = _time_text(value)
            elif each.name in ("categories", "files"):
                value = [vars(one) for one in value]
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
        if version not in (1, FORMAT_VERSION) or isinstance(version, bool):
            raise ArchiveCorrupt(
                f"{name} has the format version {version!r}; this release reads {FORMAT_VERSION}"
                " and what came before",
                hint="Use the release that wrote it, or a newer one.",
            )
        try:
            _unchanged(data.encode() if isinstance(data, str) else data)
            document.pop(_SEAL, None)
            if version == 1:
                document = _with_one_file(document)
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


def _with_one_file(document: dict[str, Any]) -> dict[str, Any]:
    """A document of the format version 1, whose only file is described in its own keys."""
    moved = ("key", "bytes", "sha256", "footer_bytes", "footer_sha256")
    document = dict.fromkeys(("first_stream_name", "last_stream_name")) | document
    one = {each.name: document[each.name] for each in fields(ArchiveFile) if each.name in document}
    names = (*moved, "first_stream_name", "last_stream_name")
    rest = {key: value for key, value in document.items() if key not in names}
    return rest | {"files": [one]}


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


def _all(value: Any, of: Any) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise _Wrong("not a list")
    found = []
    for each in value:
        if not isinstance(each, dict):
            raise _Wrong("not a list of objects")
        found.append(of(**_checked(each, of)))
    return tuple(found)


_PARSERS: dict[str, Callable[[Any], Any]] = {
    "str": _text,
    "int": _number,
    "datetime": _time,
    "Format": _text,
    "tuple[str, ...]": _texts,
    "tuple[CategorySummary, ...]": partial(_all, of=CategorySummary),
    "tuple[ArchiveFile, ...]": partial(_all, of=ArchiveFile),
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
    if not manifest.files:
        raise _Wrong("files: none")
    for number, file in enumerate(manifest.files):
        try:
            _consistent_file(manifest.format, file)
        except _Wrong as error:
            raise _Wrong(f"files: number {number}: {error}") from None
    if sum(file.rows for file in manifest.files) != manifest.rows:
        raise _Wrong("files: their rows do not add up")
    if len(set(manifest.keys)) != len(manifest.files):
        raise _Wrong("files: one key twice")
    _check_digest(manifest.digest, manifest.rows)
    if manifest.range_start >= manifest.range_end:
        raise _Wrong("range_end: not after range_start")
    _check_range(manifest.rows, manifest.first_global_position, manifest.last_global_position)
    _check_range(manifest.rows, manifest.first_time, manifest.last_time)
    if sum(category.messages for category in manifest.categories) != manifest.rows:
        raise _Wrong("categories: their messages do not add up to the rows")


def _consistent_file(format: Format, file: ArchiveFile) -> None:
    if not _SHA256.fullmatch(file.sha256):
        raise _Wrong("sha256: not 64 hexadecimal digits")
    if format == "parquet":
        if file.footer_bytes is None or not 12 <= file.footer_bytes <= file.bytes:
            raise _Wrong("footer_bytes: no size of a footer")
        if file.footer_sha256 is None or not _SHA256.fullmatch(file.footer_sha256):
            raise _Wrong("footer_sha256: not 64 hexadecimal digits")
    _check_digest(file.digest, file.rows)
    _check_range(file.rows, file.first_global_position, file.last_global_position)
    if file.first_stream_name is not None or file.last_stream_name is not None:
        _check_range(file.rows, file.first_stream_name, file.last_stream_name)


def _check_digest(digest: str, rows: int) -> None:
    found = _DIGEST.fullmatch(digest)
    if found is None or int(found[1]) != rows:
        raise _Wrong("digest: not the digest of that many rows")


def _check_range(rows: int, first: Any, last: Any) -> None:
    if (first is None) != (rows == 0) or (last is None) != (first is None):
        raise _Wrong("the ranges do not fit the number of rows")
    if first is not None and first > last:
        raise _Wrong("a range ends before it starts")
