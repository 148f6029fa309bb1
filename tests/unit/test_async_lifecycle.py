"""The lifecycle's two forms are one interface."""

from __future__ import annotations

import inspect
import typing

import pytest

from coldstream.client._async import AsyncClient
from coldstream.lifecycle import Lifecycle
from coldstream.lifecycle.awaited import AsyncLifecycle

METHODS = sorted(
    name for name, _ in inspect.getmembers(Lifecycle, inspect.isfunction) if name[0] != "_"
)


def test_both_have_the_same_names() -> None:
    dsn = "host=nowhere"
    one, other = Lifecycle(None), AsyncLifecycle(AsyncClient(dsn))  # type: ignore[arg-type]
    assert {each for each in dir(one) if each[0] != "_"} == {
        each for each in dir(other) if each[0] != "_"
    }


@pytest.mark.parametrize("name", METHODS)
def test_a_method_has_the_same_signature(name: str) -> None:
    one, other = getattr(Lifecycle, name), getattr(AsyncLifecycle, name)
    assert inspect.iscoroutinefunction(other)
    # Names, kinds, defaults, and the types of all of them and of the result, as they are written.
    assert inspect.signature(other) == inspect.signature(one)
    assert typing.Any not in other.__annotations__.values()


def test_both_are_made_with_the_same_arguments() -> None:
    one, other = (inspect.signature(each).parameters for each in (Lifecycle, AsyncLifecycle))
    assert list(one) == list(other)
    assert one["progress"] == other["progress"]


def test_a_store_gives_every_option_on() -> None:
    given = set(inspect.signature(AsyncClient).parameters)
    assert set(AsyncClient("host=nowhere")._options) | {"max_size"} == given
