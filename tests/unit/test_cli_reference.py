"""Every command and option is documented, and the page in docs/ says what the program says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest
from cyclopts import App, Parameter

import cli_reference
from coldstream.cli.app import create, load


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
    page = cli_reference.reference(load())
    for name, command in cli_reference.commands(load()):
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
    assert "make docs" in printed.err
