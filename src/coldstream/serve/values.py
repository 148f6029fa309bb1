"""Values of a query over the archive as PostgreSQL writes them, and the types it would give them.

Source: "Data Types" of PostgreSQL's manual for the text of each; the OIDs are those of its catalog.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from struct import Struct, error
from typing import Any

import pyarrow as pa

from coldstream.errors import InvalidInput
from coldstream.serve.wire import Column

_TEXT = 25
_TYPES: Mapping[str, tuple[int, int]] = {
    "BOOLEAN": (16, 1),
    "BLOB": (17, -1),
    "BIGINT": (20, 8),
    "UINTEGER": (20, 8),
    "SMALLINT": (21, 2),
    "TINYINT": (21, 2),
    "UTINYINT": (21, 2),
    "INTEGER": (23, 4),
    "USMALLINT": (23, 4),
    "VARCHAR": (_TEXT, -1),
    "JSON": (114, -1),
    "FLOAT": (700, 4),
    "DOUBLE": (701, 8),
    "DATE": (1082, 4),
    "TIME": (1083, 8),
    "TIMESTAMP": (1114, 8),
    "TIMESTAMP WITH TIME ZONE": (1184, 8),
    "INTERVAL": (1186, 16),
    "HUGEINT": (1700, -1),
    "UHUGEINT": (1700, -1),
    "UBIGINT": (1700, -1),
    "UUID": (2950, 16),
}


def column_of(name: str, type: str) -> Column:
    """The column of a result, from DuckDB's name of its type; what PostgreSQL lacks is text."""
    if type.startswith("DECIMAL"):
        return Column(name, 1700)
    return Column(name, *_TYPES.get(type, (_TEXT, -1)))


def text_of(value: Any) -> bytes | None:
    """A value that DuckDB gave, as the text that PostgreSQL would send; ``None`` is NULL."""
    if value is None:
        return None
    if isinstance(value, bool):
        return b"t" if value else b"f"
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, datetime):
        # With a zone it is in UTC: see coldstream.archive.engines.query.
        text = value.replace(tzinfo=None).isoformat(" ")
        return (text + "+00" if value.tzinfo else text).encode()
    if isinstance(value, date | time):
        return value.isoformat().encode()
    if isinstance(value, timedelta):
        return _interval(value).encode()
    if isinstance(value, pa.MonthDayNano):
        months, days, nanoseconds = value
        text = _interval(timedelta(days=days, microseconds=nanoseconds // 1000))
        return (f"{months} mons {text}" if months else text).encode()
    if isinstance(value, bytes | bytearray | memoryview):
        return b"\\x" + bytes(value).hex().encode()
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, Decimal):
        return format(value, "f").encode()
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, default=_inner).encode()
    return str(value).encode()


def parameter_of(oid: int, data: bytes | None, *, binary: bool) -> Any:
    """The value of a parameter, by its type's OID, where the client said one (0: it did not).

    Raises:
        InvalidInput: not a value of this type; or one in binary form of a type that is not read so.
    """
    if data is None:
        return None
    try:
        if not binary or oid in _TEXTS:
            return _READ.get(oid, str)(data.decode())
        return _BINARY[oid].unpack(data)[0]
    except KeyError:
        raise InvalidInput(
            f"A parameter in binary form of the type with OID {oid}", hint="Send it as text."
        ) from None
    except (ValueError, ArithmeticError, error) as wrong:
        raise InvalidInput(f"A parameter that is none of its type (OID {oid})") from wrong


def _boolean(text: str) -> bool:
    return text.lower() in ("t", "true", "1", "y", "yes", "on")


# Text, character varying, name, JSON and an unknown type are the same bytes in both forms.
_TEXTS = frozenset((0, 19, 25, 114, 705, 1042, 1043))
_READ: Mapping[int, Callable[[str], Any]] = {
    16: _boolean,
    20: int,
    21: int,
    23: int,
    700: float,
    701: float,
    1700: Decimal,
}
_BINARY: Mapping[int, Struct] = {
    16: Struct("?"),
    20: Struct("!q"),
    21: Struct("!h"),
    23: Struct("!i"),
    700: Struct("!f"),
    701: Struct("!d"),
}


def _inner(value: Any) -> str:
    text = text_of(value)
    return "" if text is None else text.decode()


def _float(value: float) -> bytes:
    if value != value:
        return b"NaN"
    if value in (float("inf"), float("-inf")):
        return b"Infinity" if value > 0 else b"-Infinity"
    return repr(value).encode()


def _interval(value: timedelta) -> str:
    seconds = value.seconds + value.microseconds / 1_000_000
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    clock = f"{int(hours):02}:{int(minutes):02}:{rest:09.6f}"
    return f"{value.days} days {clock}" if value.days else clock
