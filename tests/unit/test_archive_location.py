from __future__ import annotations

import io
import os
import time
from pathlib import Path
from typing import Any

import pytest

from coldstream.archive.storage.location import ArchiveLocation
from coldstream.errors import ArchiveConflict, ArchiveCorrupt, ArchiveError, ArchiveUnavailable

PART = 8 * 1024 * 1024


@pytest.fixture(params=["memory", "file"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> ArchiveLocation:
    if request.param == "memory":
        return ArchiveLocation.open("memory://")
    return ArchiveLocation.open((tmp_path / "far away" / "ärchive").as_uri())


def test_objects(location: ArchiveLocation) -> None:
    location.check_writable()
    assert list(location.list()) == []
    location.create("a/one", b"1")
    location.put_file("a/two", io.BytesIO(b"22"))
    location.put_file("ab/three", io.BytesIO(b""))
    assert {info.key: info.bytes for info in location.list()} == {
        "a/one": 1,
        "a/two": 2,
        "ab/three": 0,
    }
    assert sorted(info.key for info in location.list("a/")) == ["a/one", "a/two"]
    assert sorted(info.key for info in location.list("a")) == ["a/one", "a/two"]
    assert location.get("a/two") == b"22"
    assert location.get("ab/three") == b""
    assert location.exists("a/one")
    assert not location.exists("a/none")
    location.delete("a/one")
    location.delete("a/one")
    assert not location.exists("a/one")
    assert list(location.list("none")) == []


def test_create_never_replaces(location: ArchiveLocation) -> None:
    location.create("key", b"first")
    with pytest.raises(ArchiveConflict, match="it exists already"):
        location.create("key", b"second")
    assert location.get("key") == b"first"


def test_large_files_go_in_parts_both_ways(location: ArchiveLocation, tmp_path: Path) -> None:
    data = os.urandom(1024) * (20 * 1024)
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(data)
    seen: list[tuple[int, int]] = []
    assert location.put_file("large", source, lambda *done: seen.append(done)) == len(data)
    assert seen == [(done, len(data)) for done in (PART, 2 * PART, len(data))]
    seen.clear()
    assert location.download("large", target, lambda *done: seen.append(done)) == len(data)
    assert seen == [(done, len(data)) for done in (PART, 2 * PART, len(data))]
    assert target.read_bytes() == data


def test_a_failed_upload_leaves_no_object(location: ArchiveLocation) -> None:
    class Failing(io.BytesIO):
        reads = 0

        def read(self, size: int | None = -1, /) -> bytes:
            self.reads += 1
            if self.reads == 2:
                raise OSError("the disk went away")
            return super().read(size)

    with pytest.raises(ArchiveUnavailable, match="the disk went away"):
        location.put_file("large", Failing(bytes(3 * PART)))
    assert not location.exists("large")
    assert list(location.list()) == []


def test_open_object_reads_ranges(location: ArchiveLocation) -> None:
    location.put_file("object", io.BytesIO(bytes(range(256)) * 100))
    file = location.open_object("object")
    assert file.seek(-4, io.SEEK_END) == 25_596
    assert file.read() == bytes((252, 253, 254, 255))
    assert file.read(10) == b""
    file.seek(256)
    buffer = bytearray(3)
    assert file.readinto(buffer) == 3
    assert bytes(buffer) == bytes((0, 1, 2))
    assert file.tell() == 259
    assert (file.requests, file.fetched) == (2, 7)
    with pytest.raises(ValueError, match="before the start"):
        file.seek(-1)


def test_an_object_shorter_than_said_is_found_out(location: ArchiveLocation) -> None:
    location.create("object", b"1234")
    file = location.open_object("object", 5)
    with pytest.raises(ArchiveCorrupt, match="shorter than its 5 bytes"):
        file.read()


@pytest.mark.parametrize("action", ["get", "download", "open_object"])
def test_what_is_not_there(location: ArchiveLocation, action: str, tmp_path: Path) -> None:
    arguments: list[Any] = [tmp_path / "x"] if action == "download" else []
    with pytest.raises(ArchiveUnavailable, match="none: it does not exist") as caught:
        getattr(location, action)("none", *arguments)
    assert "\n" not in str(caught.value)


def test_urls(tmp_path: Path) -> None:
    assert ArchiveLocation.open("memory://").url_of("a/b") == "memory://a/b"
    folder = tmp_path / "a b"
    by_path = ArchiveLocation.open(str(folder))
    assert by_path.url == folder.as_uri()
    by_path.create("key", b"1")
    assert ArchiveLocation.open(folder.as_uri()).get("key") == b"1"
    assert (folder / "key").read_bytes() == b"1"
    options = {"access_key_id": "a", "secret_access_key": "b"}
    s3 = ArchiveLocation.open("s3://bucket/prefix/", options)
    assert s3.url_of("a/b") == "s3://bucket/prefix/a/b"


def test_named_memory_is_shared_and_unnamed_is_not() -> None:
    ArchiveLocation.open("memory://shared-by-this-test").create("key", b"1")
    assert ArchiveLocation.open("memory://shared-by-this-test").get("key") == b"1"
    ArchiveLocation.open("memory://").create("key", b"1")
    assert not ArchiveLocation.open("memory://").exists("key")


@pytest.mark.parametrize("url", ["ftp://host/x", "file://host/x", "", "s3://", "file://"])
def test_no_such_location(url: str) -> None:
    with pytest.raises(ArchiveUnavailable) as caught:
        ArchiveLocation.open(url)
    assert "\n" not in str(caught.value)


def test_unknown_options() -> None:
    with pytest.raises(ArchiveUnavailable, match="'nonsense' is not valid"):
        ArchiveLocation.open("s3://bucket", {"nonsense": "1"})
    with pytest.raises(ArchiveUnavailable, match="could not convert"):
        ArchiveLocation.open("s3://bucket", {"retry_timeout": "soon"})


def test_a_file_in_the_way_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for url in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ArchiveUnavailable, match="a file is in the way") as caught:
            ArchiveLocation.open(str(url)).check_writable()
        assert caught.value.hint


def test_a_folder_that_cannot_be_made() -> None:
    # Not even root can make one there.
    with pytest.raises(
        ArchiveUnavailable, match="Cannot open file:///proc/coldstream/archive: the f"
    ):
        ArchiveLocation.open("/proc/coldstream/archive")


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    location = ArchiveLocation.open(str(folder))
    # A file in the folder's place refuses everybody, even root, whom permissions do not bind.
    folder.rmdir()
    folder.write_text("")
    with pytest.raises(ArchiveUnavailable, match="Cannot write to file://") as caught:
        location.check_writable()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("Generic S3 error: <Code>InvalidAccessKeyId</Code> 403 Forbidden", "not accepted"),
        ("403 Forbidden: <Code>SignatureDoesNotMatch</Code>", "not accepted"),
        ("403 Forbidden: <Code>AccessDenied</Code>", "permission denied"),
        ("Unable to create dir /x: Permission denied (os error 13)", "permission denied"),
        ("404 Not Found: <Code>NoSuchBucket</Code>", "no such bucket"),
        ("Unable to copy: No space left on device (os error 28)", "the disk is full"),
        ("Read-only file system (os error 30)", "read-only"),
        ("HTTP error: operation timed out", "cannot be reached"),
        ("PUT http://169.254.169.254/latest/api/token", "no credentials were found"),
        ("something new\n\nDebug source:\nGeneric { }", "something new"),
    ],
)
def test_what_stores_say_becomes_one_line(said: str, reason: str) -> None:
    from coldstream.archive.storage.faults import reported

    with pytest.raises(ArchiveUnavailable, match=reason) as caught, reported("write s3://b/k"):
        raise OSError(said)
    assert str(caught.value).startswith("Cannot write s3://b/k: ")
    assert "\n" not in str(caught.value)


def test_our_own_errors_pass_unchanged() -> None:
    from coldstream.archive.storage.faults import reported

    with pytest.raises(ArchiveError) as caught, reported("do anything"):
        raise ArchiveCorrupt("as it is")
    assert str(caught.value) == "as it is"


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9", "http://localhost:9"])
def test_an_endpoint_that_does_not_answer(endpoint: str) -> None:
    location = ArchiveLocation.open(
        "s3://bucket/x", {"endpoint": endpoint, "access_key_id": "a", "secret_access_key": "b"}
    )
    started = time.monotonic()
    with pytest.raises(ArchiveUnavailable, match="the endpoint cannot be reached") as caught:
        location.check_writable()
    assert time.monotonic() - started < 8
    assert "AWS_ENDPOINT_URL" in str(caught.value.hint)


def test_plain_http_only_to_this_machine() -> None:
    options = {"access_key_id": "a", "secret_access_key": "b", "endpoint": "http://192.0.2.1:9"}
    with pytest.raises(ArchiveUnavailable, match="plain http"):
        ArchiveLocation.open("s3://bucket/x", options).check_writable()


def test_the_endpoint_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ArchiveUnavailable, match="the endpoint cannot be reached"):
        ArchiveLocation.open("s3://bucket/x").check_writable()


def test_files_are_on_disk_before_put_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows are dropped on the strength of these bytes: file and every folder above are synced."""
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(os.fstat(file).st_ino))

    def taken() -> list[int]:
        taken = synced.copy()
        synced.clear()
        return taken

    def inodes(*paths: Path) -> list[int]:
        return [path.stat().st_ino for path in paths]

    root = tmp_path / "one" / "two"
    location = ArchiveLocation.open(str(root))
    assert taken() == inodes(root.parent, tmp_path)
    location.put_file("a/b/object", io.BytesIO(b"1"))
    assert taken() == inodes(root / "a/b/object", root / "a/b", root / "a", root)
    location.create("a/manifest", b"1")
    assert taken() == inodes(root / "a/manifest", root / "a", root)
