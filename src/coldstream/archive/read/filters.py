"""Message DB's category filters, as functions without a database or any optional library.

Their definitions are Message DB 1.3.0's ``get_category_messages``:
https://docs.eventide-project.org/user-guide/message-db/server-functions.html
"""

from __future__ import annotations

import json
import re
from hashlib import md5

from coldstream.messages.names import cardinal_id, category

_KEY = "correlationStreamName"
# Strings as a whole: what is in them is no structure.
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*+"|[{}\[\],]', re.DOTALL)


def hash_64(value: str) -> int:
    """The first 64 bits of the MD5 of the UTF-8 text, as a signed integer."""
    return int.from_bytes(
        md5(value.encode(), usedforsecurity=False).digest()[:8], "big", signed=True
    )


def in_consumer_group(stream_name: str, member: int, size: int) -> bool:
    """Whether the stream is the member's: ``MOD(@hash_64(cardinal_id), size) = member``.

    A stream name without an id belongs to no member.
    """
    id = cardinal_id(stream_name)
    return id is not None and abs(hash_64(id)) % size == member


def correlation_category(metadata_text: str | None) -> str | None:
    """The category of ``metadata->>'correlationStreamName'``, or ``None`` where there is none.

    Takes JSON text as PostgreSQL's ``jsonb`` gives it, and looks into it only when the key can be
    in it.
    """
    if metadata_text is None or f'"{_KEY}"' not in metadata_text:
        return None
    try:
        metadata = json.loads(metadata_text)
    except (ValueError, RecursionError):
        # More digits or levels than Python reads, and jsonb holds.
        return _category(_value(metadata_text))
    name = metadata.get(_KEY) if isinstance(metadata, dict) else None
    if isinstance(name, str):
        return category(name)
    # What is no text counts by the text that it has in there.
    return None if name is None else _category(_value(metadata_text))


def _category(text: str | None) -> str | None:
    if text is None or text == "null":
        return None
    return category(json.loads(text) if text.startswith('"') else text)


def _value(text: str) -> str | None:
    """The JSON text of the object's value under the key; ``None``: no object, or none there."""
    if not text.startswith("{"):
        return None
    depth = 0
    start = None
    for token in _TOKENS.finditer(text):
        mark = token[0]
        if start is not None and depth == 1 and mark in (",", "}"):
            return text[start : token.start()].strip()
        depth += (mark in "{[") - (mark in "}]")
        # A value's string has no colon after it.
        if depth == 1 and mark == f'"{_KEY}"' and text.startswith(":", token.end()):
            start = token.end() + 1
    return None
