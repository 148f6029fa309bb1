"""The SQL of the benchmark's other contenders, and of loading all three.

``plain`` and ``seed`` (a hypertable without heads) make the table of each, ``names`` what that
needs, ``functions`` what both have on top of it; ``queries`` are statements of the benchmark, a
named file each. ``@plain@``, ``@seed@`` and ``@store@`` stand for the schemas of one arena,
``@extschema@`` for the one that a file is applied to.
"""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def files(folder: str) -> tuple[str, ...]:
    """The texts of a folder's files, in the order of their names."""
    entries = resources.files(__name__).joinpath(folder).iterdir()
    return tuple(
        entry.read_text("utf-8")
        for entry in sorted(entries, key=lambda entry: entry.name)
        if entry.name.endswith(".sql")
    )


@cache
def query(name: str) -> str:
    """The text of a named statement."""
    return resources.files(__name__).joinpath("queries", f"{name}.sql").read_text("utf-8")
