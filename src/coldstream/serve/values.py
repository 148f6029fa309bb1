"""Values of a query over the archive as PostgreSQL writes them, and the types it would give them.

Source: "Data Types" of PostgreSQL's manual for the text of each; the OIDs are those of its catalog.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

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
    """
    A value that DuckDB gave, as the text that PostgreSQL would send; ``None`` is NULL.
    """
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
    if isinstance(value, bytes | bytearray | memoryview):
        return b"\\x" + bytes(value).hex().encode()
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, Decimal):
        return format(value, "f").encode()
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, default=_inner).encode()
    return str(value).encode()


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
