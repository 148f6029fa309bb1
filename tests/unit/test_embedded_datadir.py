"""One server a data directory, and never somebody else's directory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from coldstream.embedded.datadir import DataDir
from coldstream.errors import EmbeddedError


@pytest.fixture
def template(tmp_path: Path) -> Path:
    directory = tmp_path / "template"
    (directory / "base").mkdir(parents=True)
    (directory / "PG_VERSION").write_text("17\n")
    return directory


def test_a_new_directory_gets_a_cluster_of_its_own(tmp_path: Path, template: Path) -> None:
    directory = DataDir(tmp_path / "deep" / "data")
    directory.open(template)
    assert (directory.pgdata / "PG_VERSION").read_text() == "17\n"
    (directory.pgdata / "PG_VERSION").write_text("changed")
    directory.close()
    directory.open(template)
    assert (directory.pgdata / "PG_VERSION").read_text() == "changed"
    directory.close()
    assert (template / "PG_VERSION").read_text() == "17\n"


def test_a_second_server_is_refused_until_the_first_is_done(tmp_path: Path, template: Path) -> None:
    first, second = DataDir(tmp_path / "data"), DataDir(tmp_path / "data")
    first.open(template)
    first.record(pid=4321)
    with pytest.raises(EmbeddedError, match=r"another embedded server .*4321"):
        second.open(template)
    first.close()
    second.open(template)
    second.close()


def test_a_cluster_that_was_not_finished_is_made_again(tmp_path: Path, template: Path) -> None:
    path = tmp_path / "data"
    (path / ".partial").mkdir(parents=True)
    (path / ".partial" / "half").write_text("")
    (path / "server.lock").write_text("")
    directory = DataDir(path)
    directory.open(template)
    directory.close()
    assert {entry.name for entry in path.iterdir()} == {"pgdata", "engine.json", "server.lock"}
    assert not (path / "pgdata" / "half").exists()


def test_a_directory_of_something_else_is_left_alone(tmp_path: Path, template: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "thesis.txt").write_text("mine")
    with pytest.raises(EmbeddedError, match="not made by the embedded server"):
        DataDir(tmp_path / "data").open(template)
    assert [entry.name for entry in (tmp_path / "data").iterdir()] == ["thesis.txt"]


def test_a_cluster_of_another_version_is_refused(tmp_path: Path, template: Path) -> None:
    directory = DataDir(tmp_path / "data")
    directory.open(template)
    directory.close()
    (directory.path / "engine.json").write_text(json.dumps({"name": "x", "version": "0.1"}))
    for _ in range(2):
        # Twice: a refusal lets go of the lock.
        with pytest.raises(EmbeddedError, match=r"another version of the embedded server: 0\.1"):
            directory.open(template)


def test_a_file_in_its_place(tmp_path: Path, template: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(EmbeddedError, match="cannot use the data directory"):
        DataDir(tmp_path / "data").open(template)
