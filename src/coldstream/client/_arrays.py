"""Arrays as PostgreSQL receives them in binary, made in one pass.

psycopg has a dumper look at every element, quotes it into the text of an array, and the server
parses that text again: for a thousand messages that costs more than writing them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from struct import Struct
from typing import Any

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

_VARCHAR, _VARCHAR_ARRAY = 1043, 1015
_JSONB, _JSONB_ARRAY = 3802, 3807

# Dimensions, whether there may be NULLs, type of the elements, their number, the first subscript.
_header = Struct("!iiIii").pack
_length = Struct("!i").pack
_NULL = _length(-1)
# The version counts as a part of the element.
_jsonb_header = Struct("!ib").pack
_JSONB_VERSION = 1


class VarcharArray(bytes):
    """The binary form of a ``varchar[]``."""


class JsonbArray(bytes):
    """The binary form of a ``jsonb[]``."""


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


class _ArrayDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Any) -> Buffer:
        return bytes(obj)


class _VarcharArrayDumper(_ArrayDumper):
    oid = _VARCHAR_ARRAY


class _JsonbArrayDumper(_ArrayDumper):
    oid = _JSONB_ARRAY


# Types of our own, so nobody else's arguments are adapted in another way.
psycopg.adapters.register_dumper(VarcharArray, _VarcharArrayDumper)
psycopg.adapters.register_dumper(JsonbArray, _JsonbArrayDumper)
