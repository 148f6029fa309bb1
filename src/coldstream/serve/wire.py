"""PostgreSQL's frontend/backend protocol, version 3: its messages as bytes, both ways.

Source: the chapters "Message Formats" and "Error and Notice Message Fields" of PostgreSQL's manual.
"""

from __future__ import annotations

from asyncio import IncompleteReadError, StreamReader
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from struct import Struct

_INT16, _INT32 = Struct("!h"), Struct("!i")
_NULL = _INT32.pack(-1)

SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST, VERSION_3 = 80877103, 80877104, 80877102, 196608

MOST_AT_START = 10_000
"""Bytes of a first message, from whom nobody knows yet; PostgreSQL has the same."""
MOST = 16 * 1024 * 1024
"""Bytes of any later one."""


class ProtocolError(Exception):
    """What came is no message of the protocol, or too large a one."""


@dataclass(frozen=True)
class Column:
    """A column of a result: its type's OID in PostgreSQL, and that type's size in bytes."""

    name: str
    oid: int
    size: int = -1


@dataclass(frozen=True)
class Startup:
    """The first message: what is asked for, and of :data:`VERSION_3` the parameters."""

    code: int
    body: bytes

    def parameters(self) -> dict[str, str]:
        """
        Raises:
            ProtocolError: not pairs of texts.
        """
        words = self.body.split(b"\0")
        try:
            texts = [word.decode() for word in words]
        except UnicodeDecodeError as error:
            raise ProtocolError("The start-up message is not UTF-8") from error
        names, values = texts[0::2], texts[1::2]
        return {name: value for name, value in zip(names, values, strict=False) if name}


async def read_startup(reader: StreamReader) -> Startup:
    """
    Raises:
        ProtocolError: none.
        IncompleteReadError: the connection ended.
    """
    (length,) = _INT32.unpack(await reader.readexactly(4))
    if not 8 <= length <= MOST_AT_START:
        raise ProtocolError(f"A start-up message of {length} bytes")
    body = await reader.readexactly(length - 4)
    (code,) = _INT32.unpack(body[:4])
    return Startup(code, body[4:])


async def read_message(reader: StreamReader, most: int = MOST) -> tuple[bytes, bytes] | None:
    """The type of the next message and its body; ``None`` at the end of the connection.

    Raises:
        ProtocolError: a length that no message has.
    """
    try:
        head = await reader.readexactly(5)
        (length,) = _INT32.unpack(head[1:])
        if not 4 <= length <= most:
            raise ProtocolError(f"A message of {length} bytes")
        return head[:1], await reader.readexactly(length - 4)
    except (IncompleteReadError, ConnectionError):
        return None


class Body:
    """The body of a message, read from its start.

    Every method raises ProtocolError where the body ends too early.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        if count < 0 or self._at + count > len(self._data):
            raise ProtocolError("A message that ends too early")
        self._at += count
        return self._data[self._at - count : self._at]

    def int16(self) -> int:
        value: int = _INT16.unpack(self.take(2))[0]
        return value

    def int32(self) -> int:
        value: int = _INT32.unpack(self.take(4))[0]
        return value

    def text(self) -> str:
        end = self._data.find(b"\0", self._at)
        if end < 0:
            raise ProtocolError("A text without an end")
        value = self._data[self._at : end]
        self._at = end + 1
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise ProtocolError("A text that is not UTF-8") from error

    def value(self) -> bytes | None:
        """With its length before it; ``None`` for NULL."""
        length = self.int32()
        return None if length == -1 else self.take(length)

    def rest(self) -> bytes:
        return self.take(len(self._data) - self._at)


def message(kind: bytes, body: bytes = b"") -> bytes:
    return kind + _INT32.pack(len(body) + 4) + body


def authentication(code: int, body: bytes = b"") -> bytes:
    return message(b"R", _INT32.pack(code) + body)


def parameter_status(name: str, value: str) -> bytes:
    return message(b"S", name.encode() + b"\0" + value.encode() + b"\0")


def backend_key(process: int, secret: int) -> bytes:
    return message(b"K", _INT32.pack(process) + _INT32.pack(secret))


def ready(status: bytes = b"I") -> bytes:
    return message(b"Z", status)


def row_description(columns: Sequence[Column]) -> bytes:
    parts = [_INT16.pack(len(columns))]
    for column in columns:
        parts.append(column.name.encode() + b"\0")
        parts.append(_INT32.pack(0) + _INT16.pack(0) + _INT32.pack(column.oid))
        parts.append(_INT16.pack(column.size) + _INT32.pack(-1) + _INT16.pack(0))
    return message(b"T", b"".join(parts))


def parameter_description(oids: Sequence[int]) -> bytes:
    return message(b"t", _INT16.pack(len(oids)) + b"".join(map(_INT32.pack, oids)))


def data_row(values: Iterable[bytes | None]) -> bytes:
    """A row; ``None`` is NULL."""
    parts = []
    count = 0
    for value in values:
        count += 1
        if value is None:
            parts.append(_NULL)
        else:
            parts.append(_INT32.pack(len(value)))
            parts.append(value)
    body = b"".join(parts)
    return b"D" + _INT32.pack(len(body) + 6) + _INT16.pack(count) + body


def command_complete(tag: str) -> bytes:
    return message(b"C", tag.encode() + b"\0")


def error(sqlstate: str, text: str, *, hint: str | None = None, severity: str = "ERROR") -> bytes:
    fields: Mapping[bytes, str | None] = {
        b"S": severity,
        b"V": severity,
        b"C": sqlstate,
        b"M": text,
        b"H": hint,
    }
    # A text in the protocol ends at the first zero byte.
    parts = [
        key + value.encode(errors="replace").replace(b"\0", b"?") + b"\0"
        for key, value in fields.items()
        if value
    ]
    return message(b"E", b"".join(parts) + b"\0")


PARSE_COMPLETE = message(b"1")
BIND_COMPLETE = message(b"2")
CLOSE_COMPLETE = message(b"3")
EMPTY_QUERY = message(b"I")
NO_DATA = message(b"n")
PORTAL_SUSPENDED = message(b"s")
