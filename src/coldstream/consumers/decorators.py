"""What ``handler(...)`` gives, for type checkers: a decorator that knows what the function gets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar, overload

from coldstream.messages.message import Message

M = TypeVar("M")
R = TypeVar("R")
C = TypeVar("C")


class ForModel(Protocol[M]):
    """Takes a function of the model, or of the whole message, with the context or without, and
    gives it back. ``C`` is the context, whose class is the consumer's."""

    @overload
    def __call__(self, function: Callable[[M], R], /) -> Callable[[M], R]: ...
    @overload
    def __call__(self, function: Callable[[M, C], R], /) -> Callable[[M, C], R]: ...
    @overload
    def __call__(self, function: Callable[[Message], R], /) -> Callable[[Message], R]: ...
    @overload
    def __call__(self, function: Callable[[Message, C], R], /) -> Callable[[Message, C], R]: ...
    def __call__(self, function: Callable[..., Any], /) -> Callable[..., Any]: ...
