"""Is what is read what was written? Two fingerprints that have nothing in common but the answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import sha256
from uuid import UUID

import simplejson

from coldstream.archive.format.digest import RowsDigest
from coldstream.messages.json import decode_json, encode_json
from coldstream.messages.message import Message, NewMessage
from coldstream.messages.names import category


class Fingerprint:
    """SHA-256 over messages in the order of their global positions: stream, type, both positions,
    id, data and metadata. JSON counts by its value, because ``jsonb`` has an order of keys and
    spaces of its own."""

    def __init__(self) -> None:
        self._hash = sha256()

    def add_sent(self, message: NewMessage, position: int, global_position: int) -> None:
        """Add a message as the writer has it, with the positions it was given."""
        self._add(
            message.stream_name,
            message.type,
            position,
            global_position,
            message.id,
            encode_json(message.data),
            encode_json(message.metadata),
        )

    def add_read(self, message: Message) -> None:
        """Add a message as a reader got it."""
        self._add(
            message.stream_name,
            message.type,
            message.position,
            message.global_position,
            message.id,
            message.data_text,
            message.metadata_text,
        )

    def hexdigest(self) -> str:
        """64 hexadecimal digits."""
        return self._hash.hexdigest()

    def _add(
        self,
        stream_name: str,
        type: str,
        position: int,
        global_position: int,
        id: UUID | str,
        data: str | None,
        metadata: str | None,
    ) -> None:
        for field in (stream_name, type, position, global_position, id):
            self._hash.update(f"{field}\0".encode())
        for text in (data, metadata):
            self._hash.update(b"\0" if text is None else _by_value(text))


def digested(messages: Iterable[Message], digest: RowsDigest) -> Iterator[Message]:
    """The same messages; each is added to ``digest``, as ``digest_range`` computes it in SQL."""
    for m in messages:
        row = (
            m.global_position,
            m.position,
            m.time,
            m.stream_name,
            m.type,
            m.data_text,
            m.metadata_text,
            m.id,
            category(m.stream_name),
        )
        digest.update([row])
        yield m


# A payload comes in many copies; the texts are all kept anyway while the demo runs.
@lru_cache(maxsize=2000)
def _by_value(text: str) -> bytes:
    value = simplejson.dumps(
        decode_json(text), use_decimal=True, sort_keys=True, separators=(",", ":")
    )
    return sha256(value.encode()).digest()
