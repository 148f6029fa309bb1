"""Every command and option is documented, and the page in docs/ says what the program says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Annotated

import pytest
from cyclopts import App, Parameter
from tests.fix_cli import Cli

import cli_reference
from coldstream.cli.app import create, load
from coldstream.cli.examples import EXAMPLES, walk


def undocumented(app: App) -> list[str]:
    missing = []
    for name, command in cli_reference.commands(app):
        if not command.help.strip():
            missing.append(name)
        missing += [
            f"{name} {argument.name}"
            for argument in cli_reference.arguments(command)
            if not (argument.parameter.help or "").strip()
        ]
    return missing


def test_every_command_and_every_option_is_documented() -> None:
    assert len(list(cli_reference.commands(load()))) > 0
    assert undocumented(load()) == []


def test_what_is_not_documented_is_found() -> None:
    app = create()

    @app.command
    def bare(*, port: int = 0, host: Annotated[str, Parameter(help="Where.")] = "") -> None: ...

    assert undocumented(app) == ["bare", "bare --port"]


def test_the_page_has_every_command_and_option() -> None:
    app = load()
    page = cli_reference.reference(app)
    for name, command in cli_reference.commands(app):
        section = page.split(f"\n## coldstream {name}\n")[1].split("\n## ")[0]
        for argument in cli_reference.arguments(command):
            assert f"`{argument.name}" in section


def test_a_page_that_is_not_current_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "docs" / "cli.md"
    assert cli_reference.main(["--check"], page=page) == 1
    assert cli_reference.main([], page=page) == 0
    assert cli_reference.main(["--check"], page=page) == 0
    page.write_text(page.read_text().replace("loopback", "").replace("Ctrl-C", "Ctrl-D"))
    capsys.readouterr()
    assert cli_reference.main(["--check"], page=page) == 1
    printed = capsys.readouterr()
    assert "Ctrl-D" in printed.out
    assert "make pages" in printed.err


def test_every_command_has_examples_and_no_other_has() -> None:
    names = {name for name, _ in cli_reference.commands(load())}
    assert names == set(EXAMPLES)


@pytest.mark.parametrize("line", [line for each in EXAMPLES.values() for line, _ in each])
def test_an_example_is_understood(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLDSTREAM_DSN", "postgresql://nowhere.example/db")
    monkeypatch.setenv("COLDSTREAM_ARCHIVE", "file:///nowhere")
    words = shlex.split(line.split(" > ")[0].split(" < ")[0])
    load().parse_args(words, exit_on_error=False, print_error=False)


@pytest.mark.parametrize("words", [name.split() for name in [*EXAMPLES, "lifecycle", "iceberg"]])
def test_help_has_examples_and_names_what_is_to_be_given(
    words: list[str], cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    ran = cli(*words, "--help")
    assert ran.status == 0
    assert f"  coldstream {words[0]}" in ran.out.partition("\nExamples:\n")[2]
    assert max(map(len, ran.out.splitlines())) <= 80
    # What the types are called in Python is no help.
    assert not re.search(r"--[a-z-]+ (STR|INT|FLOAT|CHOICE|PATH)\b", ran.out)


@pytest.mark.parametrize(
    "line",
    [
        "compress --older-than 7d",
        "compress --older-than 7d --archive file:///archive",
        "archive --older-than 90d",
        "verify",
        "verify --all",
        "drop --older-than 90d --yes",
        "rehydrate --from 2026-01-01 --to 2026-02-01",
        "lifecycle run --yes",
        "iceberg publish",
        "iceberg status",
        "consumers notify",
        "consumers notify on",
        "consumers notify off",
    ],
)
def test_lines_of_a_schedule_go_on_working(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLDSTREAM_DSN", "postgresql://nowhere.example/db")
    load().parse_args(line.split(), exit_on_error=False, print_error=False)


@pytest.mark.parametrize("words", ["init", "write account-1 Opened", "chunks", "consumers"])
def test_what_needs_no_archive_does_not_offer_one_and_lets_it_be(
    words: str, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines that name the archive for every command go on working."""
    assert "--archive" not in cli(*words.split(), "--help").out
    monkeypatch.setenv("COLDSTREAM_DSN", "postgresql://nowhere.example/db")
    given = [*words.split(), "--archive", "file:///a", "--archive-option", "region=eu"]
    load().parse_args(given, exit_on_error=False, print_error=False)


def test_a_group_takes_no_word_for_an_action() -> None:
    for name, command in walk(load()):
        if any(not each.startswith("-") for each in command) and command.default_command:
            given = [a.name for a in cli_reference.arguments(command) if not a.name.startswith("-")]
            assert given == [], name


@pytest.mark.parametrize("words", [[], ["archive"], ["archive", "clean"], ["lifecycle"]])
def test_help_by_name_is_the_same_help(words: list[str], cli: Cli) -> None:
    by_name, by_option = cli("help", *words), cli(*words, "--help")
    assert (by_name.status, by_name.out) == (0, by_option.out)


def test_help_of_no_command(cli: Cli) -> None:
    ran = cli("help", "nosuch")
    assert ran.status == 2
    assert ran.err.startswith('coldstream: Unknown command "nosuch"')
