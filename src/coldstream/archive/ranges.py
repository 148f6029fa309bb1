"""A seekable file over an object that is read in ranges."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from coldstream.errors import ArchiveCorrupt

SeekableFile: TypeAlias = Path | BinaryIO | io.RawIOBase
"""What archive files are read from: a path, or a seekable binary file that stays the caller's."""


class RangeFile(io.RawIOBase):
    """Reads ``size`` bytes through ``fetch(start, length)``: one request a read, nothing ahead.

    ``requests`` and ``fetched`` count requests and bytes. Not safe for several threads at once.

    Raises (when read):
        ArchiveCorrupt: the object is shorter than ``size``.
    """

    def __init__(self, fetch: Callable[[int, int], Any], size: int, name: str) -> None:
        super().__init__()
        self._fetch = fetch
        self._size = size
        self._at = 0
        self.name = name
        self.requests = 0
        self.fetched = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("A position before the start of the object")
        self._at = base + offset
        return self._at

    def read(self, size: int | None = -1, /) -> bytes:
        left = max(0, self._size - self._at)
        length = left if size is None or size < 0 else min(size, left)
        if length == 0:
            return b""
        data = bytes(self._fetch(self._at, length))
        # A store answers a range past the end with what it has; a short answer means truncation.
        if len(data) != length:
            raise ArchiveCorrupt(f"{self.name} is shorter than its {self._size} bytes")
        self.requests += 1
        self.fetched += length
        self._at += length
        return data

    def readall(self) -> bytes:
        return self.read()

    def readinto(self, buffer: Any, /) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
