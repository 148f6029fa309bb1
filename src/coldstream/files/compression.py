"""Files as they are compressed: by the suffix when they are written, by their first bytes when they
are read."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, Literal, TypeAlias

import pyarrow as pa

from coldstream.errors import InvalidInput

Compression: TypeAlias = Literal["", "gzip", "zstd"]

_BLOCK = 1 << 20
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


def compression_of(name: str) -> Compression:
    """What a file of this name is compressed by."""
    if name.endswith(".gz"):
        return "gzip"
    return "zstd" if name.endswith((".zst", ".zstd")) else ""


class Counting(io.RawIOBase):
    """A write-only file over one that belongs to the caller and stays open; counts its bytes."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self.bytes = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.bytes

    def write(self, data: Any, /) -> int:
        view = memoryview(data)
        self._file.write(view)
        self.bytes += view.nbytes
        return view.nbytes


@contextmanager
def compressing(sink: Counting, compression: Compression) -> Iterator[Any]:
    """A file whose bytes get into the sink compressed; it is whole when the context has ended."""
    if compression == "gzip":
        with gzip.GzipFile(fileobj=sink, mode="wb", compresslevel=6, mtime=0) as file:
            yield file
    elif compression == "zstd":
        with pa.CompressedOutputStream(pa.PythonFile(sink, "w"), "zstd") as file:
            yield file
    else:
        yield sink


def lines_of(file: BinaryIO, name: str) -> Iterator[bytes]:
    """The lines of a file, without their ends: of plain text, or gzip or zstd, as it begins.

    Raises:
        InvalidInput: it is damaged, or was cut off.
    """
    begin = file.read(4)
    file.seek(0)
    source: Any = file
    if begin.startswith(_GZIP):
        source = gzip.GzipFile(fileobj=file, mode="rb")
    elif begin == _ZSTD:
        source = pa.CompressedInputStream(pa.PythonFile(_Open(file), "r"), "zstd")
    rest: list[bytes] = []
    lines = 0
    while True:
        try:
            block = source.read(_BLOCK)
        except (EOFError, gzip.BadGzipFile, zlib.error, pa.ArrowException, OSError) as error:
            raise InvalidInput(
                f"{name} is damaged or was cut off after line {lines}: {_first_line(error)}",
                hint="Nothing of it was imported. Copy the file again.",
            ) from None
        if not block:
            break
        first, *others = block.split(b"\n")
        rest.append(first)
        if others:
            yield b"".join(rest)
            yield from others[:-1]
            lines += len(others)
            rest = [others[-1]]
    if last := b"".join(rest):
        yield last


class _Open(io.RawIOBase):
    """Arrow closes what it reads; this one stays open."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        return self._file.read(size)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
