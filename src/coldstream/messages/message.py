"""A message: as the store holds it, as it is written, and where it was written. No I/O."""

from __future__ import annotations

import builtins
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar
from uuid import UUID

from uuid_utils.compat import uuid7

from coldstream.messages.json import decode_json
from coldstream.messages.models import decoder
from coldstream.messages.names import category

T = TypeVar("T")
_SHOWN = 80


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


@dataclass(frozen=True)
class Message:
    """One message as the store holds it.

    ``position`` counts from 0 in the stream; ``global_position`` from 1 in the store, with gaps.
    ``time`` is aware, in UTC, to the microsecond. ``data_text`` and ``metadata_text`` are the JSON
    text exactly as PostgreSQL gives it; ``data`` and ``metadata`` decode it on first use.
    """

    id: UUID
    stream_name: str
    type: str
    position: int
    global_position: int
    data_text: str | None
    metadata_text: str | None
    time: datetime

    @cached_property
    def data(self) -> Any:
        """The decoded body: numbers that are not integers are ``Decimal``."""
        return decode_json(self.data_text)

    @cached_property
    def metadata(self) -> Any:
        """The decoded metadata, or ``None``."""
        return decode_json(self.metadata_text)

    def data_as(self, model: builtins.type[T]) -> T:
        """The body as an instance of a class: a dataclass, a ``msgspec.Struct``, a ``TypedDict`` or
        a pydantic model. Numbers are exact; a message without data is one without fields.

        Raises:
            InvalidInput: the class is none of these.
            PayloadMismatch: the body does not fit.
        """
        return decoder(model)(self)

    @property
    def category(self) -> str:
        return category(self.stream_name)

    def __repr__(self) -> str:
        """With the beginning of its JSON, which is what one looks for."""
        return (
            f"Message(stream_name={self.stream_name!r}, position={self.position}, "
            f"type={self.type!r}, data={_cut(self.data_text)!r}, "
            f"metadata={_cut(self.metadata_text)!r}, global_position={self.global_position}, "
            f"time={self.time.isoformat()}, id={self.id})"
        )


@dataclass(frozen=True, init=False)
class NewMessage:
    """A message to write. ``id`` is made (UUIDv7) where none is given."""

    stream_name: str
    type: str
    data: Any
    metadata: Any
    id: UUID | str

    def __init__(
        self,
        stream_name: str,
        type: str,
        data: Any = None,
        metadata: Any = None,
        id: UUID | str | None = None,
    ) -> None:
        # What dataclass would write goes by object.__setattr__, a call for each: for a batch of
        # messages, making them would cost as much as encoding them.
        fields = self.__dict__
        fields["stream_name"] = stream_name
        fields["type"] = type
        fields["data"] = data
        fields["metadata"] = metadata
        fields["id"] = uuid7() if id is None else id


@dataclass(frozen=True)
class WriteResult:
    """Where a message was written."""

    position: int
    global_position: int
