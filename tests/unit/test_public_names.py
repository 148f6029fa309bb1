"""What the package says it offers is what it offers."""

from __future__ import annotations

import inspect
import re
from datetime import UTC, datetime
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest

import coldstream
import coldstream.consumers
import coldstream.lifecycle
from coldstream import errors

# Sub-packages that people import by their own names, and what "from coldstream import *" needs not.
_NOT_OFFERED = {"annotations", "Mapping", "TYPE_CHECKING", "Any", "import_module"}


def test_all_is_every_public_name() -> None:
    public = {
        name
        for name, value in vars(coldstream).items()
        if not name.startswith("_")
        and not isinstance(value, ModuleType)
        and name not in _NOT_OFFERED
    }
    assert set(coldstream.__all__) == public | set(coldstream._LATE) | {"__version__"}
    assert sorted(coldstream.__all__) == sorted(set(coldstream.__all__))


@pytest.mark.parametrize("name", coldstream.__all__)
def test_every_name_in_all_is_there(name: str) -> None:
    assert getattr(coldstream, name) is not None


def test_no_other_name_is_made_up() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Stroe'"):
        _ = coldstream.Stroe  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "package", [coldstream, coldstream.consumers, coldstream.lifecycle], ids=lambda m: m.__name__
)
def test_names_that_are_loaded_late_are_there_before(package: ModuleType) -> None:
    assert set(package.__all__) <= set(dir(package))
    for name in package.__all__:
        assert getattr(package, name) is not None


CLASSES: dict[str, Any] = {
    name: kind
    for name, kind in vars(errors).items()
    if inspect.isclass(kind) and kind.__module__ == errors.__name__
}


def drawn() -> dict[str, str | None]:
    """The tree in the docstring: class name -> its parent's name."""
    parents: list[str] = []
    tree: dict[str, str | None] = {}
    assert errors.__doc__
    for line in errors.__doc__.splitlines():
        found = re.match(r"    ((?:[│ ]   )*)(?:[├└]── )?([A-Z]\w+)", line)
        if not found or not line.startswith("    "):
            continue
        depth = len(found[1]) // 4 + ("── " in line)
        parents[depth:] = [found[2]]
        tree[found[2]] = parents[depth - 1] if depth else None
    return tree


def test_the_tree_of_errors_names_every_class_and_no_other() -> None:
    assert set(drawn()) == set(CLASSES)


@pytest.mark.parametrize("name", CLASSES)
def test_the_tree_of_errors_shows_the_parent(name: str) -> None:
    parent = drawn()[name]
    assert CLASSES[name].__bases__[0] is (CLASSES[parent] if parent else Exception)


@pytest.mark.parametrize("name", CLASSES)
def test_every_error_is_offered_and_says_what_it_means(name: str) -> None:
    assert getattr(coldstream, name) is CLASSES[name]
    assert inspect.getdoc(CLASSES[name])
    assert issubclass(CLASSES[name], errors.ColdstreamError)


def test_every_error_has_a_hint() -> None:
    for kind in CLASSES.values():
        if kind in (errors.ExpectedVersionError, errors.PayloadMismatch):
            continue
        assert kind("message").hint is None
        assert kind("message", hint="Do this.").hint == "Do this."
        assert str(kind("message", hint="Do this.")) == "message"


def test_a_store_shows_where_it_is_and_no_password() -> None:
    store = coldstream.connect("postgresql://me:secret@db.example/app", schema="shop")
    assert repr(store) == "<Store shop in db.example/app, not open>"
    store = coldstream.connect("host=db.example user=me password=secret")
    assert repr(store) == "<Store message_store in db.example/me, not open>"


def test_a_message_shows_the_beginning_of_its_data() -> None:
    time = datetime(2025, 1, 2, tzinfo=UTC)
    id = UUID("a11e9022-e741-4450-bf9c-c4cc5ddb6ea3")
    text = '{"amount": "' + "1" * 200 + '"}'
    message = coldstream.Message(id, "account-1", "Deposited", 3, 12, text, None, time)
    assert repr(message) == (
        "Message(stream_name='account-1', position=3, type='Deposited', "
        f"data='{text[:80]}...', metadata=None, global_position=12, "
        "time=2025-01-02T00:00:00+00:00, id=a11e9022-e741-4450-bf9c-c4cc5ddb6ea3)"
    )
