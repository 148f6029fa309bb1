"""Kinds of findings, and the registry of all of them, which the reference page is made of."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, TypeAlias

Level: TypeAlias = Literal["error", "warning", "advice"]
"""An error is what somebody should be woken for: it loses or hides data, or stops writers or the
lifecycle. A warning may become one. An advice makes the store faster or safer."""
LEVELS: tuple[Level, ...] = ("error", "warning", "advice")
TOPICS = (
    "server",
    "settings",
    "invented",
    "schema",
    "rights",
    "jobs",
    "ledger",
    "heads",
    "archive",
    "sessions",
)
"""The modules of this room that find something, in the order in which they ask."""


@dataclass(frozen=True)
class Kind:
    """What may be found. ``what``, ``mend`` and ``fix`` are templates: a finding fills in the names
    in braces. ``fix``: a statement that ``--fix`` may run; ``None`` where a person must decide."""

    code: str
    level: Level
    what: str
    why: str
    mend: str
    fix: str | None = None

    def __call__(self, **values: Any) -> Found:
        return Found(
            self.code,
            self.level,
            self.what.format(**values),
            self.why,
            self.mend.format(**values),
            None if self.fix is None else self.fix.format(**values),
        )


@dataclass(frozen=True)
class Found:
    """A finding: ``what`` it is, ``why`` it matters, and the command that mends it. ``fix`` is the
    statement of it that ``--fix`` runs, or ``None``."""

    code: str
    level: Level
    what: str
    why: str
    mend: str
    fix: str | None = None


@cache
def kinds() -> dict[str, tuple[Kind, ...]]:
    """All kinds, by topic, in the order of their definition.

    Raises:
        ValueError: two have one code.
    """
    found = {}
    codes: set[str] = set()
    for topic in TOPICS:
        module = importlib.import_module(f"coldstream.doctor.{topic}")
        found[topic] = tuple(each for each in vars(module).values() if isinstance(each, Kind))
        for each in found[topic]:
            if each.code in codes:
                raise ValueError(f"Two kinds of findings are called {each.code}")
            codes.add(each.code)
    return found
