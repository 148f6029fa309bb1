"""Plain English: what CONTRIBUTING's rule sheet says is not said is in no text that is read.

That is every page, and in the sources every string: errors, hints, help, docstrings. Comments are
held to it where pages are made of them (docs/reference/sql.md).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.docs.pages import FRONT, ROOT


def strings(text: str) -> str:
    """The strings of a Python source, each on its lines."""
    lines = [""] * (text.count("\n") + 1)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for number, line in enumerate(node.value.splitlines(), node.lineno - 1):
                if number < len(lines):
                    lines[number] += f"{line} "
    return "\n".join(line.rstrip() for line in lines)


def literals(text: str) -> str:
    """The strings of an SQL source, each on its line."""
    lines = (line.partition("--")[0] for line in text.splitlines())
    return "\n".join(" ".join(re.findall(r"'(?:[^']|'')*'", line)) for line in lines)


KINDS: dict[str, Callable[[str], str]] = {".md": str, ".py": strings, ".sql": literals}
# A question, or a name for one: "Who may write below a prefix", "Who these writers are".
_WHO = re.compile(
    r"(?:^|[.:;|] |\"\"\"|-- |# )Who (?!(?:may|has the|holds|these|works$)\b)[a-z]+", re.MULTILINE
)


def phrases() -> list[str]:
    """The left column of the rule sheet's table."""
    sheet = (ROOT / "CONTRIBUTING.md").read_text().partition("## Plain English")[2]
    table = sheet.partition("| not | but |\n|---|---|\n")[2].partition("\n\n")[0]
    return [
        phrase for row in table.splitlines() for phrase in row.split("|")[1].strip().split(", ")
    ]


def texts() -> Iterator[tuple[Path, str]]:
    folders = ("docs", "src", "proof", "bench", "tools", "examples")
    paths = [path for folder in folders for path in sorted((ROOT / folder).rglob("*"))]
    for path in [*(ROOT / name for name in FRONT), *paths]:
        if path.suffix in KINDS:
            text = path.read_text()
            if path.name == "CONTRIBUTING.md":
                text = text.partition("## Plain English")[0] + text.partition("## Before a rel")[2]
            yield path, KINDS[path.suffix](text)


def found(text: str, forbidden: re.Pattern[str]) -> list[tuple[int, str]]:
    """Lines that say what is not said, and the words."""
    matches = [*forbidden.finditer(text), *_WHO.finditer(text)]
    return sorted((text.count("\n", 0, m.start()) + 1, " ".join(m[0].split())) for m in matches)


def forbidden() -> re.Pattern[str]:
    # A phrase may go over the end of a line, and of a comment's line.
    words = (r"[ \n#-]+".join(map(re.escape, phrase.split())) for phrase in phrases())
    return re.compile(rf"\b(?:{'|'.join(words)})(?!\w)", re.IGNORECASE)


def test_words():
    pattern = forbidden()
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {words!r}"
        for path, text in texts()
        for line, words in found(text, pattern)
    ]
    assert wrong == [], 'CONTRIBUTING, "Plain English", has what to say instead'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It skips them without a word.", ["without a word"]),
        ("-- it skips them without\n-- a word", ["without -- a word"]),
        ("The lock was not to be had.", ["to be had"]),
        ("So many attempts", ["So many"]),
        ("A lease is nobody's.", ["nobody's"]),
        ("The page ends. Who reads one costs", [". Who reads"]),
        ('"""Who may write below a prefix', []),
        ("Nobody knows how many; nobody asks who reads it.", []),
    ],
)
def test_finding_them(text: str, words: list[str]):
    assert [each for _, each in found(text, forbidden())] == words


def test_the_rule_sheet_has_phrases():
    assert len(phrases()) > 10


def test_strings_and_where_they_are():
    assert strings('"""Doc.\n\nSo many."""\nx = 1  # so many\n').splitlines() == [
        "Doc.",
        "",
        "So many.",
        "",
    ]
    assert found(literals("-- so many\nRAISE 'so many';\n"), forbidden()) == [(2, "so many")]
