"""The statements of the client and the lifecycle, by their names.

A file of ``statements`` has those of a topic, each after a line ``-- name: NAME``. One that is
nothing but a call of the function of its name stands in none: it is made from how many arguments
that takes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources

from coldstream.sql.objects import STATEMENTS, functions

_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)
_SIGNATURE = re.compile(
    r"^CREATE OR REPLACE (FUNCTION|PROCEDURE) @extschema@\.\w+"
    r"\((.*?)\)\s+(?:RETURNS (\S+).*?)?LANGUAGE",
    re.DOTALL | re.MULTILINE,
)


def statement(name: str) -> str:
    """A named statement, as it stands in its file, or as a call.

    Raises:
        KeyError: there is none, and no function of this name.
    """
    found = _statements().get(name)
    return _calls()[name] if found is None else found


@cache
def _statements() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for entry in resources.files(__package__ or "").joinpath(STATEMENTS).iterdir():
        if entry.name.endswith(".sql"):
            _, *parts = _NAME.split(entry.read_text("utf-8"))
            for name, text in zip(parts[::2], parts[1::2], strict=True):
                if name in found:
                    raise ValueError(f"Two statements are called {name}")
                found[name] = text.strip() + "\n"
    return found


@cache
def _calls() -> Mapping[str, str]:
    return {each.name: call(each.name, each.text) for each in functions()}


def call(name: str, text: str) -> str:
    """The call of a function with all of its arguments, from the text that makes it."""
    found = _SIGNATURE.search(text)
    if found is None:
        raise ValueError(f"{name}: no signature")
    kind, arguments, returns = found.groups()
    # A default may be a call, whose commas are none of the list's.
    arguments = re.sub(r"\([^()]*\)", "", arguments)
    given = [each for each in arguments.split(",") if each.split()[:1] not in ([], ["OUT"])]
    call = f"@extschema@.{name}({', '.join(['%s'] * len(given))})"
    if kind == "PROCEDURE":
        return f"CALL {call}\n"
    return f"SELECT {'* FROM ' if returns in ('TABLE', 'SETOF') else ''}{call}\n"
