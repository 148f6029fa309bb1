"""What a consumer does with messages, by their type. No I/O."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from coldstream.consumers.decorators import ForModel
from coldstream.errors import InvalidInput
from coldstream.messages.message import Message
from coldstream.messages.models import decoder, is_model
from coldstream.messages.payloads import message_type

F = TypeVar("F", bound=Callable[..., Any])
M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class Handler:
    """``decode``: from a message to what the function takes. ``with_context``: whether it takes the
    context too."""

    function: Callable[..., Any]
    decode: Callable[[Any], Any]
    with_context: bool


class Handlers:
    """Functions by the type of the messages that they handle.

    A function takes what the message says, and where it has a second parameter, the context. The
    first parameter's annotation decides what it gets: a model (a dataclass, a msgspec ``Struct``,
    a ``TypedDict``, a pydantic model) gets the payload as that; :class:`~coldstream.Message` gets
    the message itself; anything else the decoded data. One function a type; messages of a type that
    has none are passed over.
    """

    def __init__(self) -> None:
        self.by_type: dict[str, Handler] = {}
        self.default: Handler | None = None
        self.batch: Handler | None = None

    @overload
    def handler(self, model: type[M], /) -> ForModel[M]: ...
    @overload
    def handler(self, name: str, /, *types: str | type[Any]) -> Callable[[F], F]: ...
    @overload
    def handler(
        self, model: type[Any], other: str | type[Any], /, *types: str | type[Any]
    ) -> Callable[[F], F]: ...
    @overload
    def handler(self, function: F, /) -> F: ...
    def handler(self, *types: Any) -> Any:
        """Handle messages of these types, which are names or models: a decorator.

        Without parentheses, the function's first annotation is the model.

        Raises:
            InvalidInput: no type is to be found out, or it has a function already.
        """
        if len(types) == 1 and inspect.isroutine(types[0]):
            return self._add(types[0], ())
        return lambda function: self._add(function, types)

    def default_handler(self, function: F) -> F:
        """Handle messages of all types that have no function of their own."""
        if self.default is not None or self.batch is not None:
            raise InvalidInput("There is a handler for all other types already")
        model = _first_annotation(function)
        self.default = Handler(function, _decode(model), _takes_context(function))
        return function

    def batch_handler(self, function: F) -> F:
        """Handle messages of every type, a list of :class:`~coldstream.Message` at a time, in
        order. Then there is no other handler."""
        if self.batch is not None or self.by_type or self.default is not None:
            raise InvalidInput("A handler of batches gets every message: there is another already")
        self.batch = Handler(function, lambda messages: messages, _takes_context(function))
        return function

    def _add(self, function: F, types: Iterable[Any]) -> F:
        if self.batch is not None:
            raise InvalidInput("A handler of batches gets every message: there is one already")
        annotation = _first_annotation(function)
        types = tuple(types)
        if not types:
            if not is_model(annotation):
                raise InvalidInput(
                    f"Of which type are the messages that {function.__name__} handles?",
                    hint="Name it, handler('Deposited'), or annotate the first parameter with a "
                    "model.",
                )
            types = (annotation,)
        for type_or_model in types:
            named = isinstance(type_or_model, str)
            if not named and not is_model(type_or_model):
                raise InvalidInput(f"Not a message type, nor a model: {type_or_model!r}")
            name = type_or_model if named else message_type(type_or_model)
            if name in self.by_type:
                raise InvalidInput(f"Messages of type {name} have a handler already")
            if annotation is Message:
                decode = _decode(Message)
            else:
                decode = _decode(annotation if named else type_or_model)
            self.by_type[name] = Handler(function, decode, _takes_context(function))
        return function

    def find(self, type: str) -> Handler | None:
        return self.by_type.get(type, self.default)

    def check(self) -> None:
        """Raise InvalidInput where there is nothing to be done with any message."""
        if not self.by_type and self.default is None and self.batch is None:
            raise InvalidInput(
                "The consumer has no handlers", hint="Decorate a function with @consumer.handler."
            )


def _decode(annotation: Any) -> Callable[[Any], Any]:
    if annotation is Message:
        return lambda message: message
    if is_model(annotation):
        return decoder(annotation)
    return lambda message: message.data


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = [p for p in inspect.signature(function).parameters.values() if p.kind in kinds]
    required = sum(p.default is inspect.Parameter.empty for p in parameters)
    if not parameters or required > 2:
        raise InvalidInput(
            f"A handler takes what the message says, and the context if it wants it: "
            f"{function.__name__}{inspect.signature(function)}"
        )
    return parameters


def _takes_context(function: Callable[..., Any]) -> bool:
    parameters = _parameters(function)
    return len(parameters) > 1 and (
        parameters[1].default is inspect.Parameter.empty or parameters[1].name == "context"
    )


def _first_annotation(function: Callable[..., Any]) -> Any:
    name = _parameters(function)[0].name
    try:
        return typing.get_type_hints(function).get(name)
    except NameError:
        # A name that only type checkers see.
        return None
