"""The files that make a store's functions, views, triggers and privileges: one object a file.

A folder is a topic. The first line of a file says whom its object is for, and everything that must
know it asks here: the privileges, the reference page, the tests.

- ``message_db``: Message DB's interface; the application's role may call it.
- ``application``: Coldstream's; the application's role may call it.
- ``part``: what those are made of, or what the client asks. They run with the caller's rights, so
  the application's role may call it too.
- ``owner``: for whoever owns the store.
- ``internal``: the owner's alone, and nothing to call by hand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Literal, TypeAlias, get_args

Audience: TypeAlias = Literal["message_db", "application", "part", "owner", "internal"]
Kind: TypeAlias = Literal["function", "view", "trigger", "privilege"]

AUDIENCES: tuple[Audience, ...] = get_args(Audience)
KINDS: tuple[Kind, ...] = get_args(Kind)
"""In the order in which an install applies them: each is made of what comes before."""
OF_THE_ROLE: tuple[Audience, ...] = ("message_db", "application", "part")
STATEMENTS = "statements"
"""The folder that has no objects."""

_FIRST_LINE = re.compile(r"-- audience: (\w+)\n")
_MAKES: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("function", re.compile(r"^CREATE OR REPLACE (?:FUNCTION|PROCEDURE) ", re.MULTILINE)),
    ("view", re.compile(r"^CREATE OR REPLACE VIEW ", re.MULTILINE)),
    ("trigger", re.compile(r"^ +CREATE TRIGGER ", re.MULTILINE)),
)


@dataclass(frozen=True)
class Object:
    """A file: its folder, its name, which is that of the object it makes, and its text."""

    room: str
    name: str
    text: str

    @property
    def path(self) -> str:
        return f"{self.room}/{self.name}.sql"

    @cached_property
    def audience(self) -> Audience:
        """
        Raises:
            ValueError: the first line does not say it.
        """
        found = _FIRST_LINE.match(self.text)
        for audience in AUDIENCES:
            if found and found[1] == audience:
                return audience
        raise ValueError(f"{self.path}: the first line names none of {', '.join(AUDIENCES)}")

    @cached_property
    def kind(self) -> Kind:
        """What it makes; what is nothing else is a privilege."""
        for kind, makes in _MAKES:
            if makes.search(self.text):
                return kind
        return "privilege"


@cache
def objects() -> tuple[Object, ...]:
    """All of them, in the order in which an install applies them."""
    found = [
        Object(room.name, entry.name.removesuffix(".sql"), entry.read_text("utf-8"))
        for room in resources.files(__package__ or "").iterdir()
        if room.is_dir() and room.name != STATEMENTS
        for entry in _sql_files(room)
    ]
    return tuple(sorted(found, key=lambda each: (KINDS.index(each.kind), each.room, each.name)))


@cache
def functions(*audiences: Audience) -> tuple[Object, ...]:
    """The functions and procedures for these audiences; without any, all."""
    return tuple(
        each
        for each in objects()
        if each.kind == "function" and (not audiences or each.audience in audiences)
    )


@cache
def views() -> tuple[Object, ...]:
    return tuple(each for each in objects() if each.kind == "view")


def _sql_files(folder: Traversable) -> list[Traversable]:
    return [entry for entry in folder.iterdir() if entry.name.endswith(".sql")]
