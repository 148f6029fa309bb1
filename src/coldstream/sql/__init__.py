"""The SQL files of a store, and the names that are put into them.

Folders: ``functions`` (what the application's role may call), ``internals`` and ``lifecycle`` (the
owner's), ``views``, ``triggers`` and ``privileges`` are applied at every install; ``queries`` are
statements of the client and the lifecycle, a named file each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

from coldstream.errors import InvalidInput

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")


@dataclass(frozen=True)
class Names:
    """The names a store is installed with: its schema, its role, and TimescaleDB's schema.

    Raises:
        InvalidInput: a name is not letters, digits and underscores, 63 at most. Names go into the
            text of functions, so nothing that would need quoting there is let in.
    """

    schema: str = "message_store"
    role: str | None = None
    timescaledb: str = "public"

    def __post_init__(self) -> None:
        for kind, name in (("schema", self.schema), ("role", self.role_name)):
            if not _NAME.fullmatch(name):
                raise InvalidInput(
                    f"Not a {kind} name: {name!r}",
                    hint="Letters, digits and underscores, 63 at most, not starting with a digit.",
                )

    @property
    def role_name(self) -> str:
        return self.role or self.schema

    @property
    def inserter_name(self) -> str:
        """The role that may insert into messages; the application's roles are members of it."""
        return f"{self.schema[:56]}_insert"

    def render(self, sql: str) -> str:
        """Put the names into a file's text."""
        values = {
            "@extschema:timescaledb@": _quote(self.timescaledb),
            "@extschema@": _quote(self.schema),
            "@extschema_name@": self.schema,
            "@role@": _quote(self.role_name),
            "@role_name@": self.role_name,
            "@inserter@": _quote(self.inserter_name),
            "@inserter_name@": self.inserter_name,
            "@functions@": ",".join(names("functions")),
            "@all_functions@": ",".join(
                name for folder in ("internals", "functions", "lifecycle") for name in names(folder)
            ),
            "@views@": ", ".join(f"{_quote(self.schema)}.{view}" for view in names("views")),
        }
        return re.sub("|".join(map(re.escape, values)), lambda match: values[match[0]], sql)


def _quote(name: str) -> str:
    # A name in lower case needs no quotes, and reads better without them in the printed SQL.
    return name if name == name.lower() and name.isidentifier() else f'"{name}"'


@cache
def files(folder: str) -> tuple[tuple[str, str], ...]:
    """The files of a folder as (name without ``.sql``, text), in the order of their names."""
    entries = resources.files(__name__).joinpath(folder).iterdir()
    return tuple(
        (entry.name.removesuffix(".sql"), entry.read_text("utf-8"))
        for entry in sorted(entries, key=lambda entry: entry.name)
        if entry.name.endswith(".sql")
    )


def names(folder: str) -> Iterator[str]:
    """The names of a folder's files, which are the names of the objects they make."""
    return (name for name, _ in files(folder))


@cache
def query(name: str, schema: str) -> str:
    """A named statement of ``queries``, with the schema put in."""
    return Names(schema).render(dict(files("queries"))[name])
