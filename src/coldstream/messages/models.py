"""What a message's data are decoded to: instances of classes. No I/O.

A model is a dataclass, a :class:`msgspec.Struct`, a ``TypedDict`` or a pydantic model (a pydantic
dataclass too). The libraries are imported when a model is first used: ``import coldstream`` loads
neither, and pydantic is whose model it is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar, is_typeddict

from coldstream.errors import InvalidInput, PayloadMismatch
from coldstream.messages.json import decode_json

if TYPE_CHECKING:
    from coldstream.messages.message import Message

T = TypeVar("T")

# Eventide reads a message without data as one without attributes.
NOTHING = "{}"


def is_model(kind: object) -> bool:
    """Whether it is a class that payloads can be decoded to."""
    return isinstance(kind, type) and (
        dataclasses.is_dataclass(kind)
        or is_typeddict(kind)
        or hasattr(kind, "__struct_fields__")
        or is_pydantic(kind)
    )


def decoder(model: type[T]) -> Callable[[Message], T]:
    """A function that gives a message's data as an instance of the model.

    Numbers are exact where a field is a ``Decimal`` or an ``int``; a field without a type of its
    own (``Any``, ``float``) gets a ``float``. Fields that the model does not know are passed over,
    unless it forbids them. A message without data is read as one without fields.

    Raises:
        InvalidInput: not a model, or one with a field that JSON cannot be decoded to.
        PayloadMismatch: from the function, where the data do not fit.
    """
    check_model(model)
    decode, refusal, reason = _text_decoder(model)

    def payload(message: Message) -> T:
        text = message.data_text
        if type(text) is not str:
            # msgspec takes no subclass, such as JsonText.
            text = NOTHING if text is None else str(text)
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


def check_model(model: object) -> None:
    if not is_model(model):
        raise InvalidInput(
            f"Not a model: {model!r}",
            hint="Use a dataclass, a msgspec.Struct, a TypedDict or a pydantic model.",
        )


def is_pydantic(kind: type) -> bool:
    # Of models and of pydantic's dataclasses, without importing pydantic.
    return hasattr(kind, "__pydantic_validator__")


@lru_cache(maxsize=1024)
def adapter(model: Any) -> Any:
    import pydantic

    return pydantic.TypeAdapter(model)


Decoding = tuple[Callable[[str], Any], type[Exception], Callable[[Any], str]]
"""What decodes a text, the error by which it refuses, and what makes a reason of that error."""


def _text_decoder(kind: Any) -> Decoding:
    return _of_pydantic(kind) if isinstance(kind, type) and is_pydantic(kind) else _of_msgspec(kind)


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

    made = adapter(kind)
    if "'type': 'decimal'" not in str(made.core_schema):
        return made.validate_json, pydantic.ValidationError, _first_reason
    # pydantic makes a Decimal of a JSON number by way of a float: 1.10 would be read as 1.1, and
    # of 30 digits 17 would be left.

    def exactly(text: str) -> Any:
        return made.validate_python(decode_json(text))

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
