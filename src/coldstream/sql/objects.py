"""The files that make a store's functions, views, triggers and privileges: one object a file.

A folder is a topic, but for ``statements`` and ``blocks``. What several functions have in common,
where a call would make them slower, is a file of ``blocks``; a line ``@include NAME@`` stands for
it.

The first line of a file says whom its object is for, and everything that must know it asks here:
the privileges, the reference page, the tests.

- ``message_db``: Message DB's interface; the application's role may call it.
- ``application``: Coldstream's; the application's role may call it.
- ``part``: what those are made of, or what the client asks. They run with the caller's rights, so
  the application's role may call it too.
- ``owner``: for whoever owns the store.
- ``internal``: the owner's alone, and nothing to call by hand.

A store has one of two engines: ``timescale``, a hypertable with a ledger of its chunks, or
``postgres``, an ordinary table with unique indexes. What differs is decided here alone. A first
line that ends in ``; needs timescale`` is of no use on the other: what somebody may call refuses
there, and the rest is not there. A file in ``postgres`` stands in the place of the one of its name
in a topic's folder. :data:`_EXPRESSIONS` are what a hot function has in one engine only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Literal, TypeAlias, get_args

Audience: TypeAlias = Literal["message_db", "application", "part", "owner", "internal"]
Kind: TypeAlias = Literal["function", "view", "trigger", "privilege"]
Engine: TypeAlias = Literal["timescale", "postgres"]

AUDIENCES: tuple[Audience, ...] = get_args(Audience)
ENGINES: tuple[Engine, ...] = get_args(Engine)
KINDS: tuple[Kind, ...] = get_args(Kind)
"""In the order in which an install applies them: each is made of what comes before."""
OF_THE_ROLE: tuple[Audience, ...] = ("message_db", "application", "part")
STATEMENTS = "statements"
BLOCKS = "blocks"

_INCLUDE = re.compile(r"^ *@include (\w+)@\n", re.MULTILINE)
_FIRST_LINE = re.compile(r"-- audience: (\w+)(; needs timescale)?\n")
_HEADER = re.compile(r"\A.*?^AS \$\$\n", re.DOTALL | re.MULTILINE)
_REFUSAL = "BEGIN\n  PERFORM @extschema@.check_tiers();\nEND;\n$$;\n"
_CALLABLE: tuple[Audience, ...] = ("message_db", "application", "owner")
_POSTGRES = "postgres"
"""The folder of what is made otherwise on an ordinary table."""
# Each stands in a function that every write or read runs, where a call would be paid each time.
_EXPRESSIONS: Mapping[str, Mapping[Engine, str]] = {
    # Whether TimescaleDB shows less than there is: during a restore, or where it is not loaded.
    "@rows_hidden@": {
        "timescale": "(pg_catalog.current_setting('timescaledb.restoring', true) "
        "OPERATOR(pg_catalog.=) 'off') IS NOT TRUE",
        "postgres": "false",
    },
    # Whether TimescaleDB knows the chunks of messages.
    "@is_hypertable@": {
        "timescale": """EXISTS (
    SELECT FROM _timescaledb_catalog.hypertable AS h
    WHERE h.schema_name = '@extschema_name@' AND h.table_name = 'messages'
  )""",
        "postgres": "true",
    },
}
_MAKES: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("function", re.compile(r"^CREATE OR REPLACE (?:FUNCTION|PROCEDURE) ", re.MULTILINE)),
    ("view", re.compile(r"^CREATE OR REPLACE VIEW ", re.MULTILINE)),
    ("trigger", re.compile(r"^ +CREATE TRIGGER ", re.MULTILINE)),
)


@dataclass(frozen=True)
class Object:
    """A file: its folder, its name, which is that of the object it makes, and its text, with the
    blocks that it includes."""

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

    @property
    def needs_timescale(self) -> bool:
        found = _FIRST_LINE.match(self.text)
        return found is not None and found[2] is not None

    @cached_property
    def kind(self) -> Kind:
        """What it makes; what is nothing else is a privilege."""
        for kind, makes in _MAKES:
            if makes.search(self.text):
                return kind
        return "privilege"


@cache
def objects(engine: Engine = "timescale") -> tuple[Object, ...]:
    """All of them, in the order in which an install of this engine applies them."""
    found = _of_engine(engine, _files())
    return tuple(sorted(found, key=lambda each: (KINDS.index(each.kind), each.room, each.name)))


@cache
def functions(*audiences: Audience, engine: Engine = "timescale") -> tuple[Object, ...]:
    """The functions and procedures for these audiences; without any, all."""
    return tuple(
        each
        for each in objects(engine)
        if each.kind == "function" and (not audiences or each.audience in audiences)
    )


@cache
def views() -> tuple[Object, ...]:
    return tuple(each for each in objects() if each.kind == "view")


@cache
def _files() -> tuple[Object, ...]:
    return tuple(
        Object(room.name, entry.name.removesuffix(".sql"), _with_blocks(entry.read_text("utf-8")))
        for room in resources.files(__package__ or "").iterdir()
        if room.is_dir() and room.name not in (STATEMENTS, BLOCKS)
        for entry in _sql_files(room)
    )


def _of_engine(engine: Engine, files: tuple[Object, ...]) -> Iterator[Object]:
    own = {each.name for each in files if each.room == _POSTGRES and engine == "postgres"}
    for each in files:
        text = each.text
        if each.room == _POSTGRES:
            if engine != "postgres":
                continue
        elif each.name in own:
            continue
        elif each.needs_timescale and engine != "timescale":
            header = _HEADER.match(text)
            if each.audience not in _CALLABLE or header is None:
                continue
            text = header[0] + _REFUSAL
        for name, values in _EXPRESSIONS.items():
            text = text.replace(name, values[engine])
        yield each if text == each.text else replace(each, text=text)


def _with_blocks(text: str) -> str:
    """A file's text with the blocks that it includes, and those that they do."""
    return _INCLUDE.sub(lambda found: _with_blocks(_blocks()[found[1]]), text)


@cache
def _blocks() -> Mapping[str, str]:
    folder = resources.files(__package__ or "").joinpath(BLOCKS)
    return {
        entry.name.removesuffix(".sql"): entry.read_text("utf-8") for entry in _sql_files(folder)
    }


def _sql_files(folder: Traversable) -> list[Traversable]:
    return [entry for entry in folder.iterdir() if entry.name.endswith(".sql")]
