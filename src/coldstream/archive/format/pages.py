"""How much the pages of a row group unpack to, before anything is unpacked.

A Parquet library takes the memory that the headers of pages ask for, whatever the footer says, and
some encodings repeat a text for a few bits. So a file of a few kilobytes could take all the memory
of its reader. Here the headers are read alone (Thrift's compact protocol) and compared with the
footer and with what an archive file may have.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from coldstream.errors import ArchiveCorrupt

MOST_BYTES = 1024**3 + 64 * 1024**2
"""Of a row group, unpacked. It has 32 MiB, or one message of a gigabyte, which is the most that
PostgreSQL sends, and what came before it."""

_WINDOW, _LONGEST = 16 * 1024, 1024 * 1024  # bytes of a header; its statistics may be long
_DATA, _DICTIONARY, _DATA_V2 = 0, 2, 3
# Of pages. What else there is (DELTA_BYTE_ARRAY) repeats the beginning of the text before it.
_PLAIN, _BY_DICTIONARY = 0, frozenset((2, 8))
_ENCODINGS = frozenset((_PLAIN, 5, 6)) | _BY_DICTIONARY  # DELTA_BINARY_PACKED, DELTA_LENGTH_...

Read = Callable[[int, int], bytes]


@dataclass(frozen=True)
class Chunk:
    """One column of a row group, by its footer: where its pages begin, their bytes as they are and
    unpacked, and its rows. ``by_dictionary``: texts of a dictionary may be in it."""

    name: str
    start: int
    length: int
    unpacked: int
    rows: int
    by_dictionary: bool


def check(read: Read, chunk: Chunk) -> int:
    """Prove that the pages of a column unpack to what the footer says, and to no more.

    ``read``: bytes of the file, from an offset, ``size`` or fewer. Gives the bytes of its
    dictionary, unpacked; 0 where it has none.

    Raises:
        ArchiveCorrupt: they do not, or are packed as no archive file's are.
    """
    at, end = chunk.start, chunk.start + chunk.length
    if not 0 <= at <= end:
        raise _wrong(chunk, "begins nowhere")
    unpacked = values = dictionary = 0
    while at < end:
        try:
            header, size = _header(read, at, end)
            kind, page, packed = header[1], header[2], header[3]
            count, encoding = _described(header, kind)
        except (IndexError, KeyError, TypeError, ValueError, RecursionError):
            raise _wrong(chunk, "has a page without a header that can be read") from None
        if page < 0 or packed < 0 or count < 0:
            raise _wrong(chunk, "has a page of no size")
        unpacked += size + page
        if unpacked > chunk.unpacked:
            raise _wrong(chunk, f"unpacks to more than the {chunk.unpacked} bytes of its footer")
        if kind == _DICTIONARY:
            dictionary += page
        else:
            values += count
            if encoding not in _ENCODINGS:
                raise _wrong(chunk, "has an encoding that no archive file has")
            if encoding in _BY_DICTIONARY and not chunk.by_dictionary:
                raise _wrong(chunk, "has a dictionary")
        at += size + packed
    if values != chunk.rows:
        raise _wrong(chunk, f"has {values} values, not {chunk.rows}")
    return dictionary


def _wrong(chunk: Chunk, what: str) -> ArchiveCorrupt:
    return ArchiveCorrupt(f"Not an archive file: the column {chunk.name} {what}")


def _described(header: dict[int, Any], kind: int) -> tuple[int, int]:
    """How many values a page has, and how they are encoded."""
    if kind == _DATA:
        return header[5][1], header[5][2]
    if kind == _DICTIONARY:
        return header[7][1], header[7][2]
    if kind == _DATA_V2:
        return header[8][1], header[8][4]
    raise ValueError


def _header(read: Read, at: int, end: int) -> tuple[dict[int, Any], int]:
    """The fields of the header there, by their numbers, and its size in bytes."""
    window = _WINDOW
    while True:
        data = read(at, min(window, end - at))
        try:
            return _struct(data, 0, 0)
        except IndexError:
            if window >= min(_LONGEST, end - at):
                raise
            window *= 8


def _struct(data: bytes, at: int, depth: int) -> tuple[dict[int, Any], int]:
    if depth > 4:
        raise ValueError
    fields: dict[int, Any] = {}
    number = 0
    while True:
        head = data[at]
        at += 1
        if not head:
            return fields, at
        kind = head & 15
        if head >> 4:
            number += head >> 4
        else:
            number, at = _zigzag(data, at)
        if kind == 5 and data[at] < 128:  # most of them
            value = data[at]
            fields[number] = (value >> 1) ^ -(value & 1)
            at += 1
        else:
            fields[number], at = _value(data, at, kind, depth)


def _value(data: bytes, at: int, kind: int, depth: int) -> tuple[Any, int]:
    if kind in (1, 2):  # true, false
        return kind == 1, at
    if kind == 3:  # a byte
        return data[at], at + 1
    if kind in (4, 5, 6):  # whole numbers
        return _zigzag(data, at)
    if kind == 7:  # a double
        return _skip(data, at, 8)
    if kind == 8:  # bytes
        length, at = _varint(data, at)
        return _skip(data, at, length)
    if kind == 12:
        return _struct(data, at, depth + 1)
    raise ValueError


def _skip(data: bytes, at: int, length: int) -> tuple[None, int]:
    if at + length > len(data):
        raise IndexError
    return None, at + length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        shift += 7
        if shift > 63:
            raise ValueError


def _zigzag(data: bytes, at: int) -> tuple[int, int]:
    number, at = _varint(data, at)
    return (number >> 1) ^ -(number & 1), at
