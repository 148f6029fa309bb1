"""Arrays as PostgreSQL receives them in binary, made in one pass.

psycopg has a dumper look at every element, quotes it into the text of an array, and the server
parses that text again: for a thousand messages that costs more than writing them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat
from struct import Struct
from typing import Any
from uuid import UUID

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

from coldstream.client.adapters import OWN

_BIGINT, _BIGINT_ARRAY = 20, 1016
_TIMESTAMPTZ, _TIMESTAMPTZ_ARRAY = 1184, 1185
_VARCHAR, _VARCHAR_ARRAY = 1043, 1015
_JSONB, _JSONB_ARRAY = 3802, 3807
_UUID, _UUID_ARRAY = 2950, 2951

# Dimensions, whether there may be NULLs, type of the elements, their number, the first subscript.
_header = Struct("!iiIii").pack
_length = Struct("!i").pack
_NULL = _length(-1)
_UUID_LENGTH = _length(16)
# The version counts as a part of the element.
_jsonb_header = Struct("!ib").pack
_JSONB_VERSION = 1
_number = Struct("!iq").pack
# Times count microseconds from here.
_EPOCH, _MICROSECOND = datetime(2000, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


class BigintArray(bytes):
    """The binary form of a ``bigint[]``."""


class TimestamptzArray(bytes):
    """The binary form of a ``timestamptz[]``."""


class VarcharArray(bytes):
    """The binary form of a ``varchar[]``."""


class JsonbArray(bytes):
    """The binary form of a ``jsonb[]``."""


class UuidArray(bytes):
    """The binary form of a ``uuid[]``."""


def bigint_array(values: Sequence[int]) -> BigintArray:
    """The array of these integers, which a ``bigint`` holds."""
    elements = map(_number, repeat(8), values)
    return BigintArray(_header(1, 0, _BIGINT, len(values), 1) + b"".join(elements))


def timestamptz_array(values: Sequence[datetime]) -> TimestamptzArray:
    """The array of these times, which have a time zone."""
    elements = (_number(8, (value - _EPOCH) // _MICROSECOND) for value in values)
    return TimestamptzArray(_header(1, 0, _TIMESTAMPTZ, len(values), 1) + b"".join(elements))


def varchar_array(values: Sequence[str]) -> VarcharArray:
    """The array of these texts."""
    texts = list(map(str.encode, values))
    lengths = map(_length, map(len, texts))
    elements = chain.from_iterable(zip(lengths, texts, strict=True))
    return VarcharArray(_header(1, 0, _VARCHAR, len(texts), 1) + b"".join(elements))


def jsonb_array(values: Sequence[str | None]) -> JsonbArray:
    """The array of these JSON texts; ``None`` is SQL NULL."""
    elements: list[bytes] = []
    for value in values:
        if value is None:
            elements.append(_NULL)
        else:
            text = value.encode()
            elements += _jsonb_header(len(text) + 1, _JSONB_VERSION), text
    return JsonbArray(_header(1, 1, _JSONB, len(values), 1) + b"".join(elements))


def uuid_array(values: Sequence[UUID]) -> UuidArray:
    """The array of these ids."""
    elements = b"".join([_UUID_LENGTH + value.bytes for value in values])
    return UuidArray(_header(1, 0, _UUID, len(values), 1) + elements)


class _ArrayDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Any) -> Buffer:
        return bytes(obj)


class _BigintArrayDumper(_ArrayDumper):
    oid = _BIGINT_ARRAY


class _TimestamptzArrayDumper(_ArrayDumper):
    oid = _TIMESTAMPTZ_ARRAY


class _VarcharArrayDumper(_ArrayDumper):
    oid = _VARCHAR_ARRAY


class _JsonbArrayDumper(_ArrayDumper):
    oid = _JSONB_ARRAY


class _UuidArrayDumper(_ArrayDumper):
    oid = _UUID_ARRAY


# Types of our own, so that the caller's arguments are adapted as ever.
for _adapters in (OWN, psycopg.adapters):
    _adapters.register_dumper(BigintArray, _BigintArrayDumper)
    _adapters.register_dumper(TimestamptzArray, _TimestamptzArrayDumper)
    _adapters.register_dumper(VarcharArray, _VarcharArrayDumper)
    _adapters.register_dumper(JsonbArray, _JsonbArrayDumper)
    _adapters.register_dumper(UuidArray, _UuidArrayDumper)
