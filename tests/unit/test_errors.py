"""Errors cross to another process, and copies are what they were."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from coldstream import ColdstreamError, ExpectedVersionError, Message, errors

KINDS = sorted(
    (
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, ColdstreamError)
    ),
    key=lambda kind: kind.__name__,
)

MESSAGE = Message(
    UUID(int=1), "account-1", "T", 0, 1, '{"a": 1}', None, datetime(2026, 1, 1, tzinfo=UTC)
)
VALUES: dict[str, Any] = {
    "stream_name": "account-1",
    "expected": 0,
    "actual": 1,
    "position": 0,
    "global_position": 1,
    "type": "T",
    "model": "Opened",
    "message": MESSAGE,
    "attempts": 3,
}


def made(kind: type[ColdstreamError]) -> ColdstreamError:
    """An error with every attribute that its class takes."""
    wanted = [
        p.name for p in inspect.signature(kind).parameters.values() if p.kind == p.KEYWORD_ONLY
    ]
    return kind("text", **{name: VALUES.get(name, "do this") for name in wanted})


@pytest.mark.parametrize(
    "trip",
    [lambda error: pickle.loads(pickle.dumps(error)), copy.copy, copy.deepcopy],
    ids=["pickle", "copy", "deepcopy"],
)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_survives(
    kind: type[ColdstreamError], trip: Callable[[ColdstreamError], ColdstreamError]
) -> None:
    error = made(kind)
    error.add_note("a note")
    again = trip(error)
    assert type(again) is kind
    assert (str(again), again.args) == ("text", ("text",))
    assert again.__dict__ == error.__dict__
    assert again.hint == "do this"


def test_the_attributes_are_looked_at() -> None:
    error = made(ExpectedVersionError)
    assert error.__dict__ == {
        "hint": "do this",
        "stream_name": "account-1",
        "expected": 0,
        "actual": 1,
    }
