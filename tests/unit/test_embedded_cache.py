"""A cache entry is either complete or absent."""

from __future__ import annotations

from pathlib import Path

import pytest

from coldstream.embedded.cache import cache_directory, cached
from coldstream.errors import EmbeddedError


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "cache"
    monkeypatch.setenv("COLDSTREAM_CACHE", str(directory))
    return directory


class Builder:
    """Fills an entry with two files and counts how often."""

    def __init__(self) -> None:
        self.builds = 0

    def __call__(self, directory: Path) -> None:
        self.builds += 1
        (directory / "inner").mkdir()
        (directory / "inner" / "a.txt").write_text("content")
        (directory / "b.txt").write_text("more")


def test_an_entry_is_built_once(cache: Path) -> None:
    build = Builder()
    first, second = cached("group/entry", build), cached("group/entry", build)
    assert first == second == cache / "group" / "entry"
    assert (first / "inner" / "a.txt").read_text() == "content"
    assert build.builds == 1


@pytest.mark.parametrize("damage", ["missing", "emptied", "extra", "no list", "torn list"])
def test_a_damaged_entry_is_built_again(damage: str) -> None:
    build = Builder()
    entry = cached("group/entry", build)
    if damage == "missing":
        (entry / "b.txt").unlink()
    elif damage == "emptied":
        (entry / "inner" / "a.txt").write_text("")
    elif damage == "extra":
        (entry / "inner" / "c.txt").write_text("not mine")
    elif damage == "no list":
        (entry / ".contents.json").unlink()
    else:
        (entry / ".contents.json").write_text('{"b.txt":')
    assert cached("group/entry", build) == entry
    assert build.builds == 2
    assert {path.name for path in entry.rglob("*.txt")} == {"a.txt", "b.txt"}
    assert (entry / "inner" / "a.txt").read_text() == "content"


def test_a_build_that_fails_leaves_nothing(cache: Path) -> None:
    def build(directory: Path) -> None:
        (directory / "half.txt").write_text("half")
        raise EmbeddedError("no more")

    with pytest.raises(EmbeddedError, match="no more"):
        cached("group/entry", build)
    assert list((cache / "group").iterdir()) == []


def test_what_a_killed_build_left_is_removed(cache: Path) -> None:
    leftover = cache / "group" / ".partial-abc"
    leftover.mkdir(parents=True)
    (leftover / "half.txt").write_text("half")
    cached("group/entry", Builder())
    assert [path.name for path in (cache / "group").iterdir()] == ["entry"]


def test_a_directory_that_cannot_be_written_is_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("COLDSTREAM_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(EmbeddedError, match="cannot write the cache directory") as caught:
        cached("group/entry", Builder())
    assert "COLDSTREAM_CACHE" in str(caught.value.hint)


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_directory() == tmp_path / "cache"
    monkeypatch.delenv("COLDSTREAM_CACHE")
    assert cache_directory() == tmp_path / "xdg" / "coldstream"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_directory() == tmp_path / "home" / ".cache" / "coldstream"
