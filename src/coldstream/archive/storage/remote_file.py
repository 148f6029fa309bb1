"""A seekable file over an object that is read in blocks."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeAlias

from coldstream.errors import ArchiveCorrupt

SeekableFile: TypeAlias = Path | BinaryIO | io.RawIOBase
"""What archive files are read from: a path, or a seekable binary file that stays the caller's."""


Span: TypeAlias = tuple[int, int]
"""Where bytes of a file start, and how many they are. "Range" is of time alone."""

_ONE_REQUEST = 4 * 1024 * 1024


class RangeStore(Protocol):
    """Keeps ranges of one object for another time."""

    def get(self, start: int, length: int) -> bytes | None: ...
    def put(self, start: int, data: bytes) -> None: ...


class RemoteFile(io.RawIOBase):
    """Reads ``size`` bytes through ``fetch(start, length)``: one request a read, nothing ahead,
    but for what :meth:`hold` was asked for.

    ``requests`` and ``fetched`` count requests and bytes. ``kept``, where given, is asked before
    anything that is held is fetched. Not safe for several threads at once.

    Raises (when read):
        ArchiveCorrupt: the object is shorter than ``size``.
    """

    def __init__(
        self,
        fetch: Callable[[int, int], Any],
        size: int,
        name: str,
        kept: RangeStore | None = None,
    ) -> None:
        super().__init__()
        self._fetch = fetch
        self._size = size
        self._at = 0
        self._kept = kept
        self._held: dict[int, bytes] = {}
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

    def hold(self, ranges: Iterable[Span], *, keep: bool = True) -> None:
        """Have these ranges, ascending, in memory until :meth:`release`: reads inside them, or
        over several that touch, ask for nothing. Those that touch are fetched in one request.
        ``keep``: give what was fetched to the store of ranges.
        """
        missing: list[Span] = []
        for start, length in ranges:
            if start in self._held:
                continue
            data = self._kept.get(start, length) if self._kept else None
            if data is None:
                missing.append((start, length))
            else:
                self._held[start] = data
        while missing:
            run = [missing.pop(0)]
            end = sum(run[0])
            while missing and missing[0][0] == end and sum(missing[0]) - run[0][0] <= _ONE_REQUEST:
                run.append(missing.pop(0))
                end = sum(run[-1])
            first = run[0][0]
            data = self._request(first, end - first)
            for start, length in run:
                part = data[start - first : start - first + length]
                self._held[start] = part
                if keep and self._kept:
                    self._kept.put(start, part)

    def holds(self, start: int, length: int) -> bool:
        """Whether a range lies in one that is held."""
        return any(
            first <= start and start + length <= first + len(data)
            for first, data in self._held.items()
        )

    def let_go(self, ranges: Iterable[Span]) -> None:
        """Let go of these that are held."""
        for start, _ in ranges:
            self._held.pop(start, None)

    def release(self, *, before: int | None = None) -> None:
        """Let go of what is held, or of what starts before an offset."""
        for start in [each for each in self._held if before is None or each < before]:
            del self._held[start]

    def read(self, size: int | None = -1, /) -> bytes:
        left = max(0, self._size - self._at)
        length = left if size is None or size < 0 else min(size, left)
        if length == 0:
            return b""
        data = self._from_held(self._at, length)
        if data is None:
            data = self._request(self._at, length)
        self._at += length
        return data

    def readall(self) -> bytes:
        return self.read()

    def readinto(self, buffer: Any, /) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _from_held(self, start: int, length: int) -> bytes | None:
        parts: list[bytes] = []
        at, end = start, start + length
        for first in sorted(self._held):
            data = self._held[first]
            if first <= at < first + len(data):
                parts.append(data[at - first : end - first])
                at += len(parts[-1])
                if at == end:
                    return parts[0] if len(parts) == 1 else b"".join(parts)
        return None

    def _request(self, start: int, length: int) -> bytes:
        data = bytes(self._fetch(start, length))
        # A store answers a range past the end with what it has; a short answer means truncation.
        if len(data) != length:
            raise ArchiveCorrupt(f"{self.name} is shorter than its {self._size} bytes")
        self.requests += 1
        self.fetched += length
        return data
