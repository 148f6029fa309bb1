"""Messages of instances of classes; what they are decoded to is in :mod:`models`. No I/O."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal
from uuid import UUID

from coldstream.errors import InvalidInput
from coldstream.messages import metadata as fields
from coldstream.messages.json import JsonText, encode_json
from coldstream.messages.message import Message, NewMessage
from coldstream.messages.models import adapter, check_model, is_model, is_pydantic


def message_type(model: type) -> str:
    """The type of the messages that hold a model: its name, or what its attribute
    ``message_type`` says. A field of that name is data, and says nothing about the class.

    Raises:
        InvalidInput: not a model.
    """
    check_model(model)
    return _type_name(model)


def encode(event: Any, *, order: Literal["deterministic"] | None = None) -> JsonText:
    """The data of a message that holds an instance of a model, as JSON text. Equal sets may have
    two texts, unless ``order`` is deterministic; pydantic's always may.

    A ``Decimal`` is written as a number, exactly; by a pydantic model as pydantic writes it, as
    text. pydantic's aliases are used. What is no instance of a model is taken as
    :func:`coldstream.messages.json.encode_json` takes it, and dates besides.

    Raises:
        InvalidInput: it has no JSON form, or none that ``jsonb`` can hold.
    """
    kind: Any = type(event)
    if is_pydantic(kind):
        value = adapter(kind).dump_python(event, mode="json", by_alias=True)
    else:
        import msgspec

        try:
            # What encode_json writes without loss, and in one way for the whole client.
            value = msgspec.to_builtins(
                event, builtin_types=(Decimal, UUID), str_keys=True, order=order
            )
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidInput(f"Not JSON: {error}") from error
    text = encode_json(value)
    return JsonText("null" if text is None else text)


def to_message(
    stream_name: str,
    event: Any,
    *,
    type: str | type | None = None,
    metadata: Mapping[str, Any] | None = None,
    follow: Message | None = None,
    correlation_stream_name: str | None = None,
    reply_stream_name: str | None = None,
    id: UUID | str | None = None,
) -> NewMessage:
    """A message to write that holds an instance of a model.

    ``type``: of the message, as text or as a model; left out, the one of the event's class. A
    ``TypedDict`` is a plain ``dict`` when it is there, so it has to be named. ``follow``: the
    message that this one follows from; see :func:`coldstream.follow`. ``correlation_stream_name``:
    the stream whose category reads what follows from this message.
    ``reply_stream_name``: where an answer is to be written.

    Raises:
        InvalidInput: no type, or not JSON.
    """
    given = dict(metadata or {})
    if correlation_stream_name is not None:
        given = fields.correlate(correlation_stream_name, given)
    if reply_stream_name is not None:
        given = fields.request(reply_stream_name, given)
    if follow is not None:
        given = fields.follow(follow, given)
    return NewMessage(stream_name, _type_of(event, type), encode(event), given or None, id)


def to_reply(
    request: Message,
    event: Any,
    *,
    type: str | type | None = None,
    metadata: Mapping[str, Any] | None = None,
    id: UUID | str | None = None,
) -> NewMessage:
    """The answer to a message, for the stream that the message names. It follows from the message
    and asks for no answer itself. Arguments as of :func:`to_message`.

    Raises:
        InvalidInput: the message names no stream for an answer; no type; not JSON.
    """
    stream_name, given = fields.reply_to(request, metadata)
    return NewMessage(stream_name, _type_of(event, type), encode(event), given, id)


def _type_of(event: Any, given: str | type | None) -> str:
    if isinstance(given, str):
        return given
    if given is not None:
        return message_type(given)
    kind: Any = type(event)
    if _is_model(kind):
        return _type_name(kind)
    raise InvalidInput(
        f"Not an instance of a model: {type(event).__name__}",
        hint='Say what it is: type="Deposited", or the TypedDict it belongs to.',
    )


# Asked of the class of every message that is written, and slow to find out of pydantic's.
@lru_cache(maxsize=1024)
def _is_model(kind: Any) -> bool:
    return is_model(kind)


@lru_cache(maxsize=1024)
def _type_name(model: Any) -> str:
    named = getattr(model, "message_type", None)
    if isinstance(named, str) and named and "message_type" not in _field_names(model):
        return named
    name: str = model.__name__
    return name


def _field_names(model: type) -> set[str]:
    if dataclasses.is_dataclass(model):
        return {field.name for field in dataclasses.fields(model)}
    names = getattr(model, "__struct_fields__", None) or getattr(model, "model_fields", None) or ()
    return set(names)
