"""How messages become a state."""

from __future__ import annotations

import copy as copying
import inspect
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from coldstream.errors import InvalidInput
from coldstream.messages.message import Message
from coldstream.messages.models import decoder, is_model
from coldstream.messages.payloads import message_type

S = TypeVar("S")
F = TypeVar("F", bound=Callable[..., Any])

_Step = Callable[[Any, Message], Any]


class Projection(Generic[S]):
    """Folds messages into a state, by functions for their types.

    ``initial``: makes the state of a stream without messages, a new one at each call: a class, or a
    function. ``version``: counts changes of what the functions do; a snapshot of another version is
    not used. ``name``: tells projections apart in snapshots; left out, the name of the state's
    class. ``state``: the class of the state, where ``initial`` is a function whose result is to be
    kept in snapshots. ``copy``: makes a copy of a state that shares nothing that changes with it.

    Messages of a type that has no function change nothing.

    Raises:
        InvalidInput: ``initial`` is not callable, or not without arguments.
    """

    def __init__(
        self,
        initial: Callable[[], S],
        *,
        version: int = 1,
        name: str | None = None,
        state: Any = None,
        copy: Callable[[S], S] = copying.deepcopy,
    ) -> None:
        if not callable(initial):
            raise InvalidInput(
                f"Not callable: {initial!r}",
                hint="Give what makes the first state: Projection(Account), or "
                "Projection(lambda: 0).",
            )
        if isinstance(version, bool) or not isinstance(version, int):
            raise InvalidInput(f"The version of a projection is an integer: {version!r}")
        self.initial = initial
        self.version = version
        try:
            first = initial()
        except TypeError as error:
            raise InvalidInput(
                f"The first state cannot be made without arguments: {error}",
                hint="Give the fields of its class defaults, or make it in a function.",
            ) from error
        if state is None:
            state = type(first)
        self.state = state
        self.name = name or getattr(state, "__name__", None) or str(state)
        self.copy = copy
        self._steps: dict[str, _Step] = {}

    def on(self, *types: str | type) -> Callable[[F], F]:
        """What messages of these types do to the state: a decorator.

        The function takes the state and the event: for a model its instance, for a type's name the
        :class:`~coldstream.Message`; with a third parameter, the message besides. It changes the
        state and returns ``None``, or returns a new one.

        Raises:
            InvalidInput: neither a type nor a model, or a type that has a function already.
        """
        if not types or not all(isinstance(each, str) or is_model(each) for each in types):
            raise InvalidInput(
                f"Not a type of messages: {', '.join(map(repr, types)) or 'nothing'}",
                hint='Use it as @projection.on(Deposited), or @projection.on("Deposited").',
            )

        def add(function: F) -> F:
            for each in types:
                name = each if isinstance(each, str) else message_type(each)
                if name in self._steps:
                    raise InvalidInput(f"Messages of type {name} have a function already")
                self._steps[name] = _step(function, each)
            return function

        return add

    def apply(self, state: S, message: Message) -> S:
        """The state after one message more; the one before may have been changed.

        Raises:
            PayloadMismatch: the data do not fit the model.
        """
        step = self._steps.get(message.type)
        if step is None:
            return state
        try:
            after = step(state, message)
        except Exception as error:
            error.add_note(
                f"Projection {self.name}, {message.type} at position {message.position} of "
                f"{message.stream_name}"
            )
            raise
        return state if after is None else after

    def fold(self, messages: Iterable[Message]) -> S:
        """The state that messages add up to: for tests of a projection, without a database."""
        state = self.initial()
        for message in messages:
            state = self.apply(state, message)
        return state


def _step(function: Callable[..., Any], kind: str | type) -> _Step:
    takes = _parameters(function)
    if isinstance(kind, str):
        if takes == 2:
            return function
        return lambda state, message: function(state, message, message)
    decode: Callable[[Message], Any] = decoder(kind)
    if takes == 2:
        return lambda state, message: function(state, decode(message))
    return lambda state, message: function(state, decode(message), message)


def _parameters(function: Callable[..., Any]) -> int:
    """How many of state, event and message it takes: 2 or 3."""
    if inspect.iscoroutinefunction(function):
        raise InvalidInput(
            f"An async function cannot fold: {function.__qualname__}",
            hint="A projection computes; what has to be awaited belongs into a consumer.",
        )
    signature = inspect.signature(function)
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    positional = [p for p in signature.parameters.values() if p.kind in kinds]
    required = [p for p in positional if p.default is inspect.Parameter.empty]
    for count in (2, 3):
        # A default is the function's own business: it is not filled where two arguments do.
        if len(required) <= count <= len(positional):
            return count
    raise InvalidInput(
        f"A function of a projection takes the state, the event and, if it wants it, the message: "
        f"{getattr(function, '__qualname__', function)}{signature}"
    )
