"""Messages as rows of the protocol: the eight columns of Message DB's type ``message``."""

from __future__ import annotations

from collections.abc import Iterable

from coldstream.messages.message import Message
from coldstream.serve.wire import Column, data_row

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


def message_rows(messages: Iterable[Message]) -> list[bytes]:
    """As PostgreSQL sends them as text. The time is in UTC and has no zone, as in Message DB."""
    return [
        data_row(
            (
                str(each.id).encode(),
                each.stream_name.encode(),
                each.type.encode(),
                b"%d" % each.position,
                b"%d" % each.global_position,
                None if each.data_text is None else each.data_text.encode(),
                None if each.metadata_text is None else each.metadata_text.encode(),
                each.time.replace(tzinfo=None).isoformat(" ").encode(),
            )
        )
        for each in messages
    ]
