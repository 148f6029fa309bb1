"""Settings of the client, apart from where the store is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias

from coldstream.errors import InvalidInput

Format: TypeAlias = Literal["parquet", "csv"]
"""Of the files in the archive."""
FORMATS: tuple[Format, ...] = ("parquet", "csv")

_VARIABLES = {
    "memory_bytes": "COLDSTREAM_ARCHIVE_MEMORY_BYTES",
    "cache": "COLDSTREAM_ARCHIVE_CACHE",
    "cache_bytes": "COLDSTREAM_ARCHIVE_CACHE_BYTES",
    "requests": "COLDSTREAM_ARCHIVE_REQUESTS",
    "bytes_per_second": "COLDSTREAM_ARCHIVE_BYTES_PER_SECOND",
}


_FILE_ROWS = "COLDSTREAM_ARCHIVE_FILE_ROWS"
_ICEBERG = "COLDSTREAM_ICEBERG"


def _file_rows(environment: Mapping[str, str]) -> int | None:
    text = environment.get(_FILE_ROWS, "").strip()
    if not text:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise InvalidInput(f"{_FILE_ROWS} is not a whole number of at least 1: {text!r}")
    return int(text)


@dataclass(frozen=True)
class ArchiveReads:
    """What reads of the archive may take, for one store.

    ``memory_bytes``: decoded parts of archived objects that are kept in memory. ``cache``: a folder
    that keeps fetched parts of them, in clear, for later processes too; ``cache_bytes`` of it at
    most. ``requests``: to the object store at the same time, at most. ``bytes_per_second``: what
    reads of categories may fetch; reads of a stream count, and do not wait for it.

    Raises:
        InvalidInput: a number that is less than 1 (``memory_bytes``: than 0).
    """

    memory_bytes: int = 64 * 1024 * 1024
    cache: str | Path | None = None
    cache_bytes: int = 1024 * 1024 * 1024
    requests: int = 16
    bytes_per_second: int | None = None

    def __post_init__(self) -> None:
        for name in ("memory_bytes", "cache_bytes", "requests", "bytes_per_second"):
            value = getattr(self, name)
            least = 0 if name == "memory_bytes" else 1
            if value is None and name == "bytes_per_second":
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise InvalidInput(f"{name} must be a whole number of at least {least}: {value!r}")


@dataclass(frozen=True)
class Settings:
    """What the environment says. The library reads none by itself: the command line does by
    :meth:`from_environment`, and a program may.

    ``archive_reads``: of :func:`coldstream.connect`. ``file_rows``: how many rows a file of the
    archive may have, of :meth:`Lifecycle.archive` and :meth:`Lifecycle.run`. ``iceberg``: the
    catalog of the Iceberg table, of :class:`Lifecycle`.
    """

    archive_reads: ArchiveReads = ArchiveReads()
    file_rows: int | None = None
    iceberg: str | None = None

    @classmethod
    def from_environment(
        cls,
        environment: Mapping[str, str] = os.environ,
        *,
        archive_reads: ArchiveReads | None = None,
    ) -> Self:
        """What the variables ``COLDSTREAM_ARCHIVE_*`` and ``COLDSTREAM_ICEBERG`` say, and the
        defaults for the others, or ``archive_reads`` in their place.

        Raises:
            InvalidInput: not a number, or one that cannot be meant.
        """
        return cls(
            archive_reads=_archive_reads(environment, archive_reads or ArchiveReads()),
            file_rows=_file_rows(environment),
            iceberg=environment.get(_ICEBERG) or None,
        )


def _archive_reads(environment: Mapping[str, str], defaults: ArchiveReads) -> ArchiveReads:
    given: dict[str, Any] = {}
    for name, variable in _VARIABLES.items():
        text = environment.get(variable, "")
        if not text:
            continue
        try:
            given[name] = text if name == "cache" else int(text)
        except ValueError:
            raise InvalidInput(f"{variable} is not a whole number: {text!r}") from None
    return replace(defaults, **given)
