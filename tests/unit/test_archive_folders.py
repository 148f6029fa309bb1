"""Archived messages on this machine are for their owner alone, and a folder has an end."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from tests.archive_files import export_rows
from tests.archive_rows import END, START, batches, make_rows

from coldstream.archive.manifest.commit import commit_manifest
from coldstream.archive.manifest.inventory import newest_manifests
from coldstream.archive.manifest.manifest import Manifest
from coldstream.archive.manifest.orphans import orphans
from coldstream.archive.storage.block_cache import BlockCache
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.archive.storage.spool import spool_file

OBJECT = sha256(b"object").hexdigest()


@pytest.fixture(params=[0o000, 0o022, 0o277], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    try:
        yield
    finally:
        os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def archived(location: ArchiveLocation) -> Manifest:
    manifest = export_rows(
        location,
        batches(make_rows(20)),
        schema="message_store",
        chunk_name="chunk",
        range_start=START,
        range_end=END,
    )
    commit_manifest(location, manifest)
    return manifest


@pytest.mark.usefixtures("umask")
def test_files_and_folders_of_an_archive_are_private(tmp_path: Path) -> None:
    location = ArchiveLocation.open(str(tmp_path / "new" / "archive"))
    location.check_writable()
    archived(location)
    made = list((tmp_path / "new").rglob("*"))
    files = [path for path in made if path.is_file()]
    assert len(files) == 2
    assert {mode(path) for path in files} == {0o600}
    assert {mode(path) for path in (tmp_path / "new", *made) if path.is_dir()} == {0o700}


def test_a_folder_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    archived(ArchiveLocation.open(str(tmp_path)))
    assert mode(tmp_path) == 0o755
    assert mode(tmp_path / "message_store") == 0o700


@pytest.mark.usefixtures("umask")
def test_files_that_are_not_the_archive_are_private(tmp_path: Path) -> None:
    cache = BlockCache(tmp_path / "one" / "cache", 1_000)
    cache.put(OBJECT, 0, b"bytes")
    assert cache.get(OBJECT, 0, 5) == b"bytes"
    made = [tmp_path / "one", *(tmp_path / "one").rglob("*")]
    assert {mode(path) for path in made if path.is_dir()} == {0o700}
    assert {mode(path) & 0o177 for path in made if path.is_file()} == {0}
    with spool_file(tmp_path) as spool:
        assert stat.S_IMODE(os.fstat(spool.fileno()).st_mode) & 0o077 == 0


def of_another_user(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may give it away; anybody else is another one from now on."""
    if os.geteuid() == 0:
        os.chown(path, 12345, 12345)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 12345)


@pytest.mark.parametrize("what", ["folder", "ranges", "file"])
def test_a_cache_of_another_user_is_not_used(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "cache"
    BlockCache(folder, 1_000).put(OBJECT, 0, b"poison")
    [file] = [path for path in folder.rglob("*") if path.is_file()]
    places = {"folder": folder, "ranges": folder / "ranges", "file": file}
    of_another_user(places[what], monkeypatch)
    cache = BlockCache(folder, 1_000)
    with caplog.at_level(logging.WARNING):
        assert cache.get(OBJECT, 0, 6) is None
        assert cache.get(OBJECT, 0, 6) is None
    assert len(caplog.records) == 1
    assert str(folder) in caplog.text


@pytest.mark.parametrize("what", ["folder", "ranges", "file"])
def test_a_cache_that_others_may_write_in_is_not_used(what: str, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    BlockCache(folder, 1_000).put(OBJECT, 0, b"poison")
    [file] = [path for path in folder.rglob("*") if path.is_file()]
    {"folder": folder, "ranges": folder / "ranges", "file": file}[what].chmod(0o777)
    cache = BlockCache(folder, 1_000)
    assert cache.get(OBJECT, 0, 6) is None
    if what != "file":
        cache.put(OBJECT, 50, b"more")
        assert len([path for path in folder.rglob("*") if path.is_file()]) == 1


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    cache = BlockCache(tmp_path / "cache", 1_000)
    cache.put(OBJECT, 0, b"bytes")
    [file] = [path for path in cache.folder.rglob("*") if path.is_file()]
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    assert cache.get(OBJECT, 0, 5) is None
    file.unlink()
    # Whoever opens it would wait for somebody who writes.
    os.mkfifo(file)
    assert cache.get(OBJECT, 0, 5) is None


def test_a_link_that_leads_back_ends_nothing(tmp_path: Path) -> None:
    location = ArchiveLocation.open(str(tmp_path / "archive"))
    manifest = archived(location)
    range_folder = (tmp_path / "archive" / manifest.keys[0]).parent
    (range_folder / "up").symlink_to(tmp_path / "archive")
    (range_folder / "self").symlink_to(range_folder / "self")
    (range_folder / "nowhere").symlink_to(tmp_path / "nowhere")
    (tmp_path / "archive" / "message_store" / "again").symlink_to(range_folder)
    (range_folder / os.fsdecode(b"\xff.parquet")).touch()
    os.mkfifo(range_folder / "pipe")
    (range_folder / f"messages-{OBJECT}.parquet#1").touch()
    expected = {manifest.keys[0], f"{manifest.keys[0].rpartition('/')[0]}/_manifest-000001.json"}
    found = {info.key: info for info in location.list("message_store")}
    assert expected <= set(found)
    assert not [key for key in found if "#" in key or "up/" in key or "self" in key]
    assert found[manifest.keys[0]].bytes == manifest.bytes
    age = datetime.now(UTC) - found[manifest.keys[0]].last_modified
    assert timedelta(minutes=-1) < age < timedelta(minutes=5)
    assert newest_manifests(location, "message_store") == [manifest]
    later = datetime.now(UTC) + timedelta(days=1)
    left, damaged = orphans(location, "message_store", written_before=later, known=frozenset())
    assert [info.key.rpartition("/")[2] for info in left] == [f"messages-{OBJECT}.parquet#1"]
    assert damaged == []


def test_listing_what_is_not_there(tmp_path: Path) -> None:
    location = ArchiveLocation.open(str(tmp_path / "archive"))
    (tmp_path / "archive" / "file").touch()
    assert list(location.list("nothing")) == []
    assert list(location.list("file")) == []
    assert [info.key for info in location.list()] == ["file"]
