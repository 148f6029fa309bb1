"""What the package says it offers is what it offers."""

from __future__ import annotations

import inspect
import re
from types import ModuleType

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


CLASSES = {
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
