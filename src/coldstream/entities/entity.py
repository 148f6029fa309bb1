"""A state and how far it goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

S = TypeVar("S")


@dataclass(frozen=True)
class Entity(Generic[S]):
    """``state``: what the messages of the stream add up to, up to the position ``version``.

    ``version`` is what a write that was decided on this state passes as ``expected_version``: -1
    for a stream without messages.
    """

    stream_name: str
    state: S
    version: int
