"""What the pages, and the hints of errors, say one can type is there to be typed.

Blocks tagged ``sh`` run; this is for the prose, for what does not run, and for the hints.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from tests.docs.pages import ROOT, parse, paths

import cli_reference
from coldstream.cli.app import load

_COMMAND = re.compile(r"\bcoldstream (?P<name>[a-z]+(?:-[a-z]+)*(?: [a-z]+)?)(?P<rest>[^`\"'\n;]*)")
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def mentioned(code: str) -> Iterator[tuple[str, list[str]]]:
    """Every command in a piece of code, with its options."""
    for found in _COMMAND.finditer(code):
        yield found["name"], _OPTION.findall(found["rest"])


def in_pages() -> Iterator[tuple[str, str]]:
    for path in paths():
        page = parse(path)
        for block in page.blocks:
            if block.tag in ("sh", "shell", "text"):
                yield f"{page.name}:{block.line}", block.text
        for line, text in page.prose:
            for code in re.findall(r"`([^`]*)`", text):
                yield f"{page.name}:{line}", code


def in_hints() -> Iterator[tuple[str, str]]:
    """Strings of the sources; a comment that names a command is held to it too."""
    for kind in ("py", "sql"):
        for path in sorted((ROOT / "src").rglob(f"*.{kind}")):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                for options in re.findall(r"coldstream [a-z]+(?: --[a-z-]+)+", line):
                    yield f"{path.relative_to(ROOT)}:{number}", options


def unknown(places: Iterator[tuple[str, str]]) -> tuple[int, list[str]]:
    """How many commands are mentioned, and those that are not there."""
    options = {
        name: {option for argument in cli_reference.arguments(command) for option in argument.names}
        for name, command in cli_reference.commands(load())
    }
    count, wrong = 0, []
    for place, code in places:
        for words, given in mentioned(code):
            count += 1
            # The second word is a command's own command, or what the first one is about.
            name = words if words in options else words.partition(" ")[0]
            if name not in options:
                wrong.append(f"{place}: coldstream {name}")
                continue
            known = options[name] | {"--help"}
            wrong += [f"{place}: coldstream {name} {o}" for o in given if o not in known]
    return count, wrong


def test_pages_name_commands_that_are_there():
    count, wrong = unknown(in_pages())
    assert count > 50
    assert wrong == []


def test_hints_name_commands_that_are_there():
    count, wrong = unknown(in_hints())
    assert count > 0
    assert wrong == []


@pytest.mark.parametrize(
    ("code", "wrong"),
    [
        ("coldstream verify --all", []),
        ("10 2 * * *  coldstream archive --older-than 90d", []),
        ("coldstream verify --again", ["page: coldstream verify --again"]),
        ("coldstream undo", ["page: coldstream undo"]),
        ("coldstream lifecycle run --dry-run", []),
        ("coldstream lifecycle undo", ["page: coldstream lifecycle"]),
        ("coldstream lifecycle run --again", ["page: coldstream lifecycle run --again"]),
    ],
)
def test_finding_them(code: str, wrong: list[str]):
    assert unknown(iter([("page", code)])) == (1, wrong)


def test_ci_runs_targets_that_are_there():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    files = [ROOT / ".ci" / "run", *sorted((ROOT / ".github" / "workflows").glob("*.yml"))]
    run = {name for file in files for name in re.findall(r"\bmake ([a-z-]+)", file.read_text())}
    assert {"lint", "test", "test-wheel"} <= run
    assert run <= targets
