"""What the database asks for: the archived messages of a stream, or of a category, in order.

A request is a statement that names no table::

    SELECT * FROM coldstream.archived_messages('{"kind": "stream", ...}')

It says which files to look in, so that the answer is of the same moment of the ledger as the rest
of the read that it is for. ``sql/serve`` makes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

import msgspec

from coldstream.client.archived import LedgerFile
from coldstream.errors import InvalidInput

_BEFORE, _AFTER = "SELECT * FROM coldstream.archived_messages('", "')"


@dataclass(frozen=True, kw_only=True)
class StreamRequest:
    """The messages of a stream from ``position`` on, ``limit`` at most. ``in_order``: its positions
    follow the order of the files."""

    files: list[LedgerFile]
    stream_name: str
    position: int
    limit: int
    in_order: bool


@dataclass(frozen=True, kw_only=True)
class CategoryRequest:
    """The messages of a category (``None``: of all) from global position ``position`` to ``last``,
    which it includes, ``limit`` at most. ``epoch``: of the ledger that lists the files."""

    files: list[LedgerFile]
    epoch: int
    category: str | None
    position: int
    last: int
    limit: int
    correlation: str | None = None
    consumer_group_member: int | None = None
    consumer_group_size: int | None = None


Request: TypeAlias = StreamRequest | CategoryRequest


class _Stream(msgspec.Struct, tag_field="kind", tag="stream"):
    files: list[list[Any]]
    stream_name: str
    position: int
    limit: int
    in_order: bool


class _Category(msgspec.Struct, tag_field="kind", tag="category"):
    files: list[list[Any]]
    epoch: int
    category: str | None
    position: int
    last: int
    limit: int
    correlation: str | None
    consumer_group_member: int | None
    consumer_group_size: int | None


def parse_request(sql: str) -> Request | None:
    """The request that a statement is; ``None`` for any other statement.

    Raises:
        InvalidInput: it should be one, and is not.
    """
    text = sql.strip()
    if not text.startswith(_BEFORE) or not text.endswith(_AFTER):
        return None
    data = text[len(_BEFORE) : -len(_AFTER)].replace("''", "'").encode()
    try:
        found = msgspec.json.decode(data, type=_Stream | _Category)
        fields = msgspec.structs.asdict(found) | {"files": _files(found.files)}
    except (msgspec.MsgspecError, TypeError, ValueError) as error:
        raise InvalidInput(f"Not a request for archived messages: {error}") from error
    return StreamRequest(**fields) if isinstance(found, _Stream) else CategoryRequest(**fields)


def _files(listed: Sequence[Sequence[Any]]) -> list[LedgerFile]:
    """Those that there are: a range that was dropped by force is listed without one."""
    return [
        LedgerFile(datetime.fromisoformat(start), datetime.fromisoformat(end), *rest)
        for start, end, *rest in listed
        if rest[2] is not None
    ]
