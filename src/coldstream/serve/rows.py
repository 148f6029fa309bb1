"""Messages as rows of the protocol: the eight columns of Message DB's type ``message``."""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct

from coldstream.messages.message import Message
from coldstream.serve.wire import Column

_VARCHAR, _BIGINT, _TIMESTAMP = 1043, 20, 1114

COLUMNS = (
    Column("id", _VARCHAR),
    Column("stream_name", _VARCHAR),
    Column("type", _VARCHAR),
    Column("position", _BIGINT, 8),
    Column("global_position", _BIGINT, 8),
    Column("data", _VARCHAR),
    Column("metadata", _VARCHAR),
    Column("time", _TIMESTAMP, 8),
)

_LENGTH = Struct("!i").pack
# How many columns there are, and how long the text of a UUID is.
_BEGIN = Struct("!hi").pack(len(COLUMNS), 36)
_NULL = _LENGTH(-1)
_ZONE = len("+00:00")


def message_rows(messages: Iterable[Message]) -> list[bytes]:
    """As PostgreSQL sends them as text. The time is in UTC and has no zone, as in Message DB.

    A page is mostly this, so it is written out and not left to
    :func:`coldstream.serve.wire.data_row`.
    """
    rows = []
    for each in messages:
        stream_name, type = each.stream_name.encode(), each.type.encode()
        position, global_position = b"%d" % each.position, b"%d" % each.global_position
        data, metadata = each.data_text, each.metadata_text
        time = str(each.time)[:-_ZONE].encode()
        parts = [
            _BEGIN,
            str(each.id).encode(),
            _LENGTH(len(stream_name)),
            stream_name,
            _LENGTH(len(type)),
            type,
            _LENGTH(len(position)),
            position,
            _LENGTH(len(global_position)),
            global_position,
        ]
        for text in (data, metadata):
            if text is None:
                parts.append(_NULL)
            else:
                value = text.encode()
                parts += (_LENGTH(len(value)), value)
        parts += (_LENGTH(len(time)), time)
        body = b"".join(parts)
        rows.append(b"D" + _LENGTH(len(body) + 4) + body)
    return rows
