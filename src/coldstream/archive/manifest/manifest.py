"""The manifest: what the data files beside it hold, as JSON with a stable order of keys.

Its last line but one, ``"manifest_sha256"``, holds the SHA-256 of all the bytes before that line
(``head -n -2 _manifest-000001.json | sha256sum``), so that no bit of it changes unnoticed.
"""

from __future__ import annotations

import builtins
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from itertools import pairwise
from typing import Any, cast

from coldstream._version import __version__
from coldstream.archive.format.rows import COLUMNS
from coldstream.archive.format.summary import CategorySummary
from coldstream.archive.manifest import layout, strict_json
from coldstream.errors import ArchiveCorrupt, ArchiveError
from coldstream.settings import FORMATS, Format

FORMAT_VERSION = 3
"""Of manifests and of the files that they name. Another one is refused, not guessed at."""
MOST_BYTES = 256 * 1024 * 1024
"""Of a manifest: as many as two million categories in one range take."""
MOST_FOOTER_BYTES = 64 * 1024 * 1024
"""Of a Parquet file: a hundred times what 250 row groups take."""


@dataclass(frozen=True)
class ArchiveFile:
    """One data file of a range, which may have several.

    ``key`` is the object's, below the archive location; ``bytes`` its size; ``sha256`` 64
    hexadecimal digits over all of it; ``digest`` the digest of its ``rows``. A Parquet file's last
    ``footer_bytes`` are its footer, with a hash of its own, so that a reader can prove it without
    reading the rest. The stream names are the least and the greatest in it, by their UTF-8 bytes.
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
    of all of them (:mod:`coldstream.archive.format.digest`). The ranges of no rows are ``None``.
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
    def archived_files(self) -> list[FileOfRange]:
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
        """UTF-8 JSON, indented, keys in the order of the fields, then the hash of all that.

        Raises:
            ArchiveError: longer than :data:`MOST_BYTES`, so that nobody would read it.
        """
        document: dict[str, Any] = {"format_version": FORMAT_VERSION}
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, datetime):
                value = _time_text(value)
            elif each.name in ("categories", "files"):
                value = [vars(one) for one in value]
            document[each.name] = value
        data = sealed(document)
        if len(data) > MOST_BYTES:
            raise ArchiveError(
                f"The manifest of a range with {len(self.categories):,} categories is too long",
                hint="Choose a shorter chunk interval.",
            )
        return data

    @classmethod
    def from_json(cls, data: builtins.bytes | str, *, name: str = "The manifest") -> Manifest:
        """Parse strictly; ``name`` says in an error which manifest it was.

        What it says may be anybody's who may write to the bucket. So nothing of it is used that
        does not fit the rest, and the keys are those of its own range's files and no others.

        Raises:
            ArchiveCorrupt: not a manifest of this format version, or one that contradicts itself.
        """
        if len(data) > MOST_BYTES:
            raise ArchiveCorrupt(f"{name} is no manifest: it has {len(data)} bytes")
        try:
            document = strict_json.parse(data)
        except ValueError as error:
            raise ArchiveCorrupt(f"{name} is not JSON: {error}") from error
        if not isinstance(document, dict):
            raise ArchiveCorrupt(f"{name} is not a JSON object")
        version = document.pop("format_version", None)
        if not isinstance(version, int) or isinstance(version, bool):
            raise ArchiveCorrupt(
                f"{name} has no format version; this release reads {FORMAT_VERSION}"
            )
        if version != FORMAT_VERSION:
            raise ArchiveCorrupt(
                f"{name} has the format version {version}; this release reads {FORMAT_VERSION}",
                hint="Use the release of Coldstream that wrote it.",
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


_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DIGEST = re.compile(r"sum-sha256:(0|[1-9][0-9]{0,18}):[0-9a-f]{32}")
_LARGEST = 2**63 - 1  # what a bigint holds, in the ledger and in every reader


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _Wrong("not a text")
    # PostgreSQL takes neither: half a surrogate pair, which JSON can write, and a zero.
    if "\0" in value or not _is_utf8(value):
        raise _Wrong("a text that PostgreSQL does not take")
    return value


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _Wrong("not a whole number")
    if not -_LARGEST - 1 <= value <= _LARGEST:
        raise _Wrong("a number of more than 64 bits")
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
        raise _Wrong(f"{unknown[0][:80]} is not known")
    return values


def _consistent(manifest: Manifest) -> None:
    if manifest.format not in FORMATS:
        raise _Wrong(f"format: {manifest.format[:80]!r} is not known")
    if manifest.columns != (COLUMNS if manifest.format == "parquet" else COLUMNS[:-1]):
        raise _Wrong("columns: others than this format has")
    if manifest.range_start >= manifest.range_end:
        raise _Wrong("range_end: not after range_start")
    if not manifest.files:
        raise _Wrong("files: none")
    for number, file in enumerate(manifest.files):
        try:
            _consistent_file(manifest, file)
        except _Wrong as error:
            raise _Wrong(f"files: number {number}: {error}") from None
    if sum(file.rows for file in manifest.files) != manifest.rows:
        raise _Wrong("files: their rows do not add up")
    if len(set(manifest.keys)) != len(manifest.files):
        raise _Wrong("files: one key twice")
    _check_digest(manifest.digest, manifest.rows)
    _check_positions(manifest, manifest.files, "files")
    _check_order(manifest.files)
    _check_range(manifest.rows, manifest.first_time, manifest.last_time)
    if manifest.first_time is not None and manifest.last_time is not None:
        times = (manifest.range_start, manifest.first_time, manifest.last_time)
        if not times[0] <= times[1] <= times[2] < manifest.range_end:
            raise _Wrong("first_time, last_time: outside the range")
    if not min(1, manifest.rows) <= manifest.streams <= manifest.rows:
        raise _Wrong("streams: not a number that these rows can have")
    if any(category.messages < 1 for category in manifest.categories):
        raise _Wrong("categories: one without messages")
    if sum(category.messages for category in manifest.categories) != manifest.rows:
        raise _Wrong("categories: their messages do not add up to the rows")
    if len({each.category for each in manifest.categories}) != len(manifest.categories):
        raise _Wrong("categories: one name twice")
    _check_positions(manifest, manifest.categories, "categories")


def _check_positions(
    manifest: Manifest, parts: Sequence[ArchiveFile | CategorySummary], name: str
) -> None:
    """The ranges of global positions of the parts, together, are that of the whole."""
    first, last = manifest.first_global_position, manifest.last_global_position
    _check_range(manifest.rows, first, last)
    found = [(each.first_global_position, each.last_global_position) for each in parts]
    lows = [low for low, _ in found if low is not None]
    highs = [high for _, high in found if high is not None]
    if any(low is not None and high is not None and low > high for low, high in found):
        raise _Wrong(f"{name}: a range ends before it starts")
    if (min(lows, default=None), max(highs, default=None)) != (first, last):
        raise _Wrong(f"{name}: their global positions are not those of the range")


def _check_order(files: Sequence[ArchiveFile]) -> None:
    # Code points order as UTF-8 bytes do.
    names = [
        name
        for file in files
        for name in (file.first_stream_name, file.last_stream_name)
        if name is not None
    ]
    if any(before > after for before, after in pairwise(names)):
        raise _Wrong("files: not in the order of their stream names")


def _consistent_file(manifest: Manifest, file: ArchiveFile) -> None:
    if not _SHA256.fullmatch(file.sha256):
        raise _Wrong("sha256: not 64 hexadecimal digits")
    # The key follows from the rest. Any other one would lead a reader out of the range's folder,
    # out of the archive, or to another server.
    range_ = (manifest.schema, manifest.range_start, manifest.range_end)
    if file.key != layout.object_key(*range_, sha256=file.sha256, format=manifest.format):
        raise _Wrong("key: not that of a file of this range")
    if file.bytes < 1 or file.rows < 0:
        raise _Wrong("bytes, rows: no size")
    if manifest.format == "parquet":
        most = min(file.bytes, MOST_FOOTER_BYTES)
        if file.footer_bytes is None or not 12 <= file.footer_bytes <= most:
            raise _Wrong("footer_bytes: no size of a footer")
        if file.footer_sha256 is None or not _SHA256.fullmatch(file.footer_sha256):
            raise _Wrong("footer_sha256: not 64 hexadecimal digits")
    _check_digest(file.digest, file.rows)
    _check_range(file.rows, file.first_global_position, file.last_global_position)
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
