"""Message DB's category filters, as functions without a database or any optional library.

Their definitions are Message DB 1.3.0's ``get_category_messages``:
https://docs.eventide-project.org/user-guide/message-db/server-functions.html
"""

from __future__ import annotations

import json
from decimal import Decimal
from hashlib import md5
from typing import Any

from coldstream.message import Message, cardinal_id, category


def hash_64(value: str) -> int:
    """The first 64 bits of the MD5 of the UTF-8 text, as a signed integer."""
    return int.from_bytes(
        md5(value.encode(), usedforsecurity=False).digest()[:8], "big", signed=True
    )


def in_consumer_group(stream_name: str, member: int, size: int) -> bool:
    """Whether the stream is the member's: ``MOD(@hash_64(cardinal_id), size) = member``.

    A stream name without an id is nobody's.
    """
    id = cardinal_id(stream_name)
    return id is not None and abs(hash_64(id)) % size == member


def correlation_category(metadata_text: str | None) -> str | None:
    """The category of ``metadata->>'correlationStreamName'``, or ``None`` where there is none.

    Takes JSON text as PostgreSQL gives it, and parses it only when the key can be in it.
    """
    if metadata_text is None or '"correlationStreamName"' not in metadata_text:
        return None
    metadata = json.loads(metadata_text, parse_float=Decimal)
    name = metadata.get("correlationStreamName") if isinstance(metadata, dict) else None
    return None if name is None else category(_as_text(name))


def _as_text(value: Any) -> str:
    """A JSON value as ``->>`` gives it."""
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    return json.dumps(value, ensure_ascii=False, default=str)


def matches(
    message: Message,
    *,
    correlation: str | None = None,
    consumer_group_member: int | None = None,
    consumer_group_size: int | None = None,
) -> bool:
    """Whether ``get_category_messages`` with these arguments keeps the message."""
    if (
        consumer_group_member is not None
        and consumer_group_size is not None
        and not in_consumer_group(message.stream_name, consumer_group_member, consumer_group_size)
    ):
        return False
    return correlation is None or correlation_category(message.metadata_text) == correlation
