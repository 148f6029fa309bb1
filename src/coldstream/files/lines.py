"""A message as a line of NDJSON, as ours or as EventoDB's.

A field that is left out is SQL NULL, and ``null`` is JSON's: a round trip changes neither. EventoDB
has no such difference, and writes ``null`` for both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

import msgspec
import orjson

from coldstream.errors import InvalidInput
from coldstream.messages.message import Message

LineFormat: TypeAlias = Literal["ndjson", "eventodb"]

_LEFT_OUT = msgspec.Raw(b"")
_Time: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]
_Position: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
# A file without global positions may be imported; they are given anew.
_NO_POSITION = 0


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    id: UUID
    stream_name: str
    type: str
    position: _Position
    time: _Time
    global_position: _Position = _NO_POSITION
    data: msgspec.Raw = _LEFT_OUT
    metadata: msgspec.Raw = _LEFT_OUT


class _EventoLine(msgspec.Struct, forbid_unknown_fields=True):
    id: UUID
    stream_name: str = msgspec.field(name="stream")
    type: str
    position: _Position = msgspec.field(name="pos")
    time: _Time
    global_position: _Position = msgspec.field(name="gpos", default=_NO_POSITION)
    data: msgspec.Raw = msgspec.field(name="data", default=_LEFT_OUT)
    metadata: msgspec.Raw = msgspec.field(name="meta", default=_LEFT_OUT)


_OWN, _EVENTO = msgspec.json.Decoder(_Line), msgspec.json.Decoder(_EventoLine)


@lru_cache(maxsize=4096)
def _text(value: str) -> str:
    return orjson.dumps(value).decode()


def own_line(message: Message) -> str:
    """Data and metadata are the text that PostgreSQL gives, never reparsed."""
    return (
        f'{{"id":"{message.id}","stream_name":{_text(message.stream_name)},'
        f'"type":{_text(message.type)},"position":{message.position},'
        f'"global_position":{message.global_position},"time":"{message.time.isoformat()}"'
        + (f',"data":{message.data_text}' if message.data_text is not None else "")
        + (f',"metadata":{message.metadata_text}' if message.metadata_text is not None else "")
        + "}\n"
    )


def evento_line(message: Message) -> str:
    """As ``eventodb export`` writes it, with the microseconds that it leaves out of times."""
    time = message.time.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return (
        f'{{"id":"{message.id}","stream":{_text(message.stream_name)},'
        f'"type":{_text(message.type)},"pos":{message.position},"gpos":{message.global_position},'
        f'"data":{message.data_text or "null"},"meta":{message.metadata_text or "null"},'
        f'"time":"{time}"}}\n'
    )


WRITERS: dict[LineFormat, Callable[[Message], str]] = {
    "ndjson": own_line,
    "eventodb": evento_line,
}


def format_of(line: bytes) -> LineFormat:
    """Which of the two a file is, by its first line. What is neither is ours, and refused there."""
    try:
        found = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    except msgspec.MsgspecError:
        return "ndjson"
    return "eventodb" if "stream" in found and "stream_name" not in found else "ndjson"


def messages_of(lines: Iterable[bytes]) -> Iterator[tuple[int, Message]]:
    """The messages of a file's lines, each with the number of its line, from 1. Empty lines are
    passed over.

    Raises:
        InvalidInput: a line that is no message; it is named.
    """
    decoder: msgspec.json.Decoder[Any] | None = None
    new = Message.__new__
    for number, line in enumerate(lines, 1):
        if not line or line.isspace():
            continue
        if decoder is None:
            # What an editor may have put before the first one.
            line = line.removeprefix(b"\xef\xbb\xbf")
            evento = format_of(line) == "eventodb"
            decoder = _EVENTO if evento else _OWN
        try:
            found = decoder.decode(line)
            data, metadata = _json(found.data, evento), _json(found.metadata, evento)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise InvalidInput(f"Line {number} is no message: {error}", hint=_HINT) from None
        message = new(Message)
        fields = message.__dict__
        fields["id"] = found.id
        fields["stream_name"] = found.stream_name
        fields["type"] = found.type
        fields["position"] = found.position
        fields["global_position"] = found.global_position
        fields["data_text"] = data
        fields["metadata_text"] = metadata
        fields["time"] = found.time
        yield number, message


_HINT = (
    "A line is an object with id, stream_name, type, position, time, and global_position, data and "
    "metadata where it has them; or EventoDB's. Was the file cut off?"
)


def _json(raw: msgspec.Raw, evento: bool) -> str | None:
    if not raw:
        return None
    text = str(bytes(raw), "utf-8")
    return None if evento and text == "null" else text
