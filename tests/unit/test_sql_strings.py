"""A string of the SQL is the same whatever a database says of standard_conforming_strings."""

from __future__ import annotations

import re
from pathlib import Path

import coldstream

ROOT = Path(coldstream.__file__).parent
# E'...' may have a backslash: there it means the same everywhere.
_STRING = re.compile(r"(?<![\w])(E?)'((?:[^'\\]|''|\\.)*)'", re.DOTALL)


def backslashes(text: str) -> list[str]:
    """The strings of a statement that have one and do not say so."""
    code = re.sub(r"--[^\n]*", "", text)
    return [string for escaped, string in _STRING.findall(code) if "\\" in string and not escaped]


def test_no_plain_string_has_a_backslash() -> None:
    files = sorted(ROOT.rglob("*.sql"))
    assert len(files) > 200
    found = {str(path.relative_to(ROOT)): backslashes(path.read_text("utf-8")) for path in files}
    assert {name: strings for name, strings in found.items() if strings} == {}


def test_finding_them() -> None:
    assert backslashes(r"SELECT 'a\b', E'c\n', 'it''s' -- 'x\y'") == [r"a\b"]
