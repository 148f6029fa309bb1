"""When the set-up has something to do, and what it says when it cannot do it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import bootstrap

PROJECT = """\
[project]
name = "sample"
[project.optional-dependencies]
cli = []
dev = []
[dependency-groups]
no-deps = ["other>=1"]
"""
TOOLS = Path(bootstrap.__file__).parent


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What pip was called with, in a project whose environment has a Python and no more."""
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    monkeypatch.setattr(bootstrap, "STAMP", tmp_path / ".venv" / "stamp.json")
    monkeypatch.setattr(bootstrap, "PROJECT", tmp_path / "pyproject.toml")
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    made: list[tuple[str, ...]] = []
    monkeypatch.setattr(bootstrap, "pip", lambda *arguments: made.append(arguments))

    def create_environment() -> None:
        bootstrap.PYTHON.unlink(missing_ok=True)
        program(tmp_path, ".venv/bin/python", REAL)
        made.append(("create",))

    monkeypatch.setattr(bootstrap, "create_environment", create_environment)
    return made


def test_it_installs_once(calls: list[tuple[str, ...]], capsys: pytest.CaptureFixture[str]) -> None:
    assert bootstrap.main(["dev"]) == 0
    assert calls == [
        ("create",),
        ("--prefer-binary", "--editable", ".[dev]"),
        ("--no-deps", "--only-binary", ":all:", "other>=1"),
    ]
    assert capsys.readouterr().out.count("==> ") == 3
    calls.clear()
    assert bootstrap.main(["dev"]) == 0
    assert calls == []
    assert capsys.readouterr().out == ""


def test_extras_add_up(calls: list[tuple[str, ...]]) -> None:
    bootstrap.main(["cli"])
    bootstrap.main(["dev"])
    assert calls[2] == ("--prefer-binary", "--editable", ".[cli,dev]")
    calls.clear()
    bootstrap.main(["cli"])
    bootstrap.main(["cli,dev"])
    assert calls == []


def test_a_changed_project_is_installed_again(calls: list[tuple[str, ...]]) -> None:
    bootstrap.main(["cli"])
    calls.clear()
    bootstrap.PROJECT.write_text(PROJECT + "# changed\n")
    bootstrap.main(["cli"])
    assert calls == [("--prefer-binary", "--editable", ".[cli]")]


@pytest.mark.parametrize(("key", "value"), [("python", "3.10"), ("root", "/elsewhere")])
def test_an_environment_of_another_python_or_place_is_made_again(
    key: str, value: str, calls: list[tuple[str, ...]]
) -> None:
    bootstrap.main(["cli"])
    calls.clear()
    stamp = json.loads(bootstrap.STAMP.read_text())
    bootstrap.STAMP.write_text(json.dumps(stamp | {key: value}))
    bootstrap.main(["cli"])
    assert calls == [("create",), ("--prefer-binary", "--editable", ".[cli]")]


def test_a_broken_environment_is_made_again(calls: list[tuple[str, ...]]) -> None:
    bootstrap.main(["cli"])
    calls.clear()
    bootstrap.PYTHON.unlink()
    bootstrap.PYTHON.symlink_to("/nowhere/python")
    bootstrap.main(["cli"])
    assert calls[0] == ("create",)


def test_an_interrupted_set_up_is_not_current(
    calls: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    bootstrap.main(["cli"])

    def interrupted(*arguments: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(bootstrap, "pip", interrupted)
        with pytest.raises(KeyboardInterrupt):
            bootstrap.main(["dev"])
    calls.clear()
    bootstrap.main(["cli"])
    assert calls == [("--prefer-binary", "--editable", ".[cli]")]


def test_an_unknown_extra_is_named(
    calls: list[tuple[str, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as raised:
        bootstrap.main(["cli,nonsense"])
    assert raised.value.code == 1
    assert capsys.readouterr().err == "coldstream: no such extra: nonsense (there are cli, dev)\n"
    assert calls == []


def find_python(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the search in a project at ``folder`` where PATH has nothing but ``folder/bin``."""
    (folder / "tools").mkdir(exist_ok=True)
    script = folder / "tools" / "find-python"
    script.write_text((TOOLS / "find-python").read_text())
    (folder / "bin").mkdir(exist_ok=True)
    if not (folder / "bin" / "dirname").exists():
        (folder / "bin" / "dirname").symlink_to(shutil.which("dirname") or "/usr/bin/dirname")
    return subprocess.run(
        ["/bin/sh", script],
        env={"PATH": str(folder / "bin"), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def program(folder: Path, name: str, body: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


REAL = f'exec "{sys.executable}" "$@"'
OLD = "exit 1"
WITHOUT_VENV = f'case "$2" in *ensurepip*) exit 1;; esac\n{REAL}'


def test_a_python_that_runs_is_found(tmp_path: Path) -> None:
    program(tmp_path, "bin/python3.13", "echo 'python3.13: not installed' >&2; exit 127")
    program(tmp_path, "bin/python3.12", WITHOUT_VENV)
    program(tmp_path, "bin/python3", REAL)
    assert find_python(tmp_path).stdout == "python3\n"


def test_the_environments_own_python_comes_first(tmp_path: Path) -> None:
    program(tmp_path, "bin/python3", REAL)
    program(tmp_path, ".venv/bin/python", REAL)
    assert find_python(tmp_path).stdout == ".venv/bin/python\n"


def test_a_named_python_comes_before_all(tmp_path: Path) -> None:
    program(tmp_path, ".venv/bin/python", REAL)
    named = str(program(tmp_path, "other/python", REAL))
    assert find_python(tmp_path, PYTHON=named).stdout == f"{named}\n"


@pytest.mark.parametrize(
    ("body", "named", "message"),
    [
        (None, None, "no Python 3.11 or newer on PATH"),
        (OLD, None, "no Python 3.11 or newer on PATH"),
        (WITHOUT_VENV, None, "python3 lacks venv or ensurepip"),
        (REAL, "/nowhere/python", "PYTHON=/nowhere/python is not a Python 3.11 or newer"),
    ],
)
def test_what_is_missing_is_said_in_one_line(
    body: str | None, named: str | None, message: str, tmp_path: Path
) -> None:
    if body is not None:
        program(tmp_path, "bin/python3", body)
    answer = find_python(tmp_path, **({"PYTHON": named} if named else {}))
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert answer.stderr.startswith(f"coldstream: {message}")
    assert answer.stderr.count("\n") == 1


def test_make_sets_up_before_it_runs(tmp_path: Path) -> None:
    """Every target that needs the environment asks for it, and stops where there is none."""
    (tmp_path / "Makefile").write_text((TOOLS.parent / "Makefile").read_text())
    program(tmp_path, "tools/find-python", "echo 'coldstream: no Python' >&2; exit 1")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    for target in ("demo", "test", "lint", "docs", "generate"):
        done = subprocess.run(
            ["make", target],
            cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 2
        assert done.stderr.startswith("coldstream: no Python\n")
        assert done.stdout == ""
