"""Messages as instances of classes, and back. No I/O.

A model is a dataclass, a :class:`msgspec.Struct`, a ``TypedDict`` or a pydantic model (a pydantic
dataclass too). The libraries are imported when a model is first used: ``import coldstream`` loads
neither, and pydantic is whose model it is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal, TypeVar, is_typeddict
from uuid import UUID

from coldstream.errors import InvalidInput, PayloadMismatch
from coldstream.messages import metadata as fields
from coldstream.messages.json import JsonText, decode_json, encode_json
from coldstream.messages.message import Message, NewMessage

T = TypeVar("T")

# Eventide reads a message without data as one without attributes.
_NOTHING = "{}"


def is_model(kind: object) -> bool:
    """Whether it is a class that payloads can be decoded to."""
    return isinstance(kind, type) and (
        dataclasses.is_dataclass(kind)
        or is_typeddict(kind)
        or hasattr(kind, "__struct_fields__")
        or _is_pydantic(kind)
    )


def message_type(model: type) -> str:
    """The type of the messages that hold a model: its name, or what its attribute
    ``message_type`` says. A field of that name is data, and says nothing about the class.

    Raises:
        InvalidInput: not a model.
    """
    _check_model(model)
    return _type_name(model)


def decoder(model: type[T]) -> Callable[[Message], T]:
    """A function that gives a message's data as an instance of the model.

    Numbers are exact where a field is a ``Decimal`` or an ``int``; a field without a type of its
    own (``Any``, ``float``) gets a ``float``. Fields that the model does not know are passed over,
    unless it forbids them. A message without data is read as one without fields.

    Raises:
        InvalidInput: not a model, or one with a field that JSON cannot be decoded to.
        PayloadMismatch: from the function, where the data do not fit.
    """
    _check_model(model)
    decode, refusal, reason = _text_decoder(model)

    def payload(message: Message) -> T:
        text = message.data_text
        if type(text) is not str:
            # msgspec takes no subclass, such as JsonText.
            text = _NOTHING if text is None else str(text)
        try:
            return decode(text)  # type: ignore[no-any-return]
        except refusal as error:
            raise _mismatch(message, model, reason(error)) from error

    return payload


def decode_text(kind: Any, text: str) -> Any:
    """JSON text as an instance of a model, or of any type that msgspec decodes.

    Raises:
        InvalidInput: as :func:`decoder`.
        ValueError: the text does not fit; the message names the field.
    """
    decode, refusal, reason = _text_decoder(kind)
    try:
        return decode(text)
    except refusal as error:
        raise ValueError(reason(error)) from error


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
    if _is_pydantic(kind):
        value = _adapter(kind).dump_python(event, mode="json", by_alias=True)
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


def _check_model(model: object) -> None:
    if not is_model(model):
        raise InvalidInput(
            f"Not a model: {model!r}",
            hint="Use a dataclass, a msgspec.Struct, a TypedDict or a pydantic model.",
        )


def _field_names(model: type) -> set[str]:
    if dataclasses.is_dataclass(model):
        return {field.name for field in dataclasses.fields(model)}
    names = getattr(model, "__struct_fields__", None) or getattr(model, "model_fields", None) or ()
    return set(names)


def _is_pydantic(kind: type) -> bool:
    # Of models and of pydantic's dataclasses, without importing pydantic.
    return hasattr(kind, "__pydantic_validator__")


@lru_cache(maxsize=1024)
def _adapter(model: Any) -> Any:
    import pydantic

    return pydantic.TypeAdapter(model)


Decoding = tuple[Callable[[str], Any], type[Exception], Callable[[Any], str]]
"""What decodes a text, the error by which it refuses, and what makes a reason of that error."""


def _text_decoder(kind: Any) -> Decoding:
    return (
        _of_pydantic(kind) if isinstance(kind, type) and _is_pydantic(kind) else _of_msgspec(kind)
    )


def _of_msgspec(kind: Any) -> Decoding:
    import msgspec

    try:
        decode = msgspec.json.Decoder(kind).decode
    except (TypeError, NameError) as error:
        raise InvalidInput(
            f"Not decodable from JSON: {getattr(kind, '__name__', kind)}: {error}",
            hint="Give its fields types that JSON has, defined at the top level of a module.",
        ) from error
    return decode, msgspec.DecodeError, str


def _of_pydantic(kind: type) -> Decoding:
    import pydantic

    adapter = _adapter(kind)
    if "'type': 'decimal'" not in str(adapter.core_schema):
        return adapter.validate_json, pydantic.ValidationError, _first_reason
    # pydantic makes a Decimal of a JSON number by way of a float: 1.10 would be read as 1.1, and
    # of 30 digits 17 would be left.

    def exactly(text: str) -> Any:
        return adapter.validate_python(decode_json(text))

    return exactly, pydantic.ValidationError, _first_reason


def _first_reason(error: Any) -> str:
    first, *rest = error.errors(include_url=False, include_context=False, include_input=False)
    where = ".".join(map(str, first["loc"]))
    more = f" (and {len(rest)} more)" if rest else ""
    return f"{first['msg']} - at `$.{where}`{more}" if where else f"{first['msg']}{more}"


def _mismatch(message: Message, model: type, reason: str) -> PayloadMismatch:
    return PayloadMismatch(
        f"{message.type} at position {message.position} of {message.stream_name} "
        f"(global position {message.global_position}) does not fit {model.__qualname__}: "
        + " ".join(reason.split()),
        stream_name=message.stream_name,
        position=message.position,
        global_position=message.global_position,
        type=message.type,
        model=model.__qualname__,
        hint="Make the field optional or of a wider type, or handle the type by its name, as a "
        "plain Message.",
    )
