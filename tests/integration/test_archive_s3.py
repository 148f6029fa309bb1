"""The archive over a real S3 server."""

from __future__ import annotations

import io
import itertools
import os
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.archive_files import export_rows, find_manifest, read_category
from tests.archive_rows import END, START, batches, make_rows
from tests.fix_s3 import S3Server

from coldstream.archive.manifest.claims import Claim, create_claim, newest_claim, read_claim
from coldstream.archive.manifest.commit import commit_manifest
from coldstream.archive.read.reader import ArchiveReader
from coldstream.archive.read.verify import verify_files
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.errors import ArchiveConflict, ArchiveCorrupt, ArchiveError, ArchiveUnavailable
from coldstream.settings import Format

_prefixes = itertools.count()


@pytest.fixture
def location(s3: S3Server) -> ArchiveLocation:
    return ArchiveLocation.open(s3.url(f"test {next(_prefixes)}/ä"), s3.options)


@pytest.mark.parametrize("format", ["parquet", "csv"])
def test_full_circle(location: ArchiveLocation, format: Format) -> None:
    rows = make_rows(5_000)
    location.check_writable()
    assert list(location.list()) == []
    manifest = export_rows(
        location,
        batches(rows),
        schema="my schema",
        chunk_name="_hyper_1_2_chunk",
        range_start=START,
        range_end=END,
        format=format,
    )
    verify_files(location, manifest)
    key = commit_manifest(location, manifest)
    assert commit_manifest(location, manifest) == key
    assert find_manifest(location, "my schema", START, END) == manifest
    assert {info.key for info in location.list("my~20schema")} == {key, manifest.files[0].key}
    reader = ArchiveReader(location)
    found = list(read_category(reader, [manifest], None))
    assert [(m.global_position, m.data_text, m.time) for m in found] == [
        (row[0], row[5], row[2]) for row in sorted(rows)
    ]
    name = rows[2_500][3]
    assert [m.global_position for m in reader.read_stream([manifest], name)] == [
        row[0] for row in rows if row[3] == name
    ]


def test_settings_from_the_environment(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    ArchiveLocation.open(s3.url("environment")).check_writable()


def test_a_large_object_goes_in_parts(location: ArchiveLocation, tmp_path: Path) -> None:
    data = os.urandom(1 << 20) * 37
    steps: list[int] = []
    location.put_file("large", io.BytesIO(data), lambda done, total: steps.append(done))
    assert len(steps) == 5
    location.download("large", tmp_path / "large")
    assert (tmp_path / "large").read_bytes() == data
    file = location.open_object("large")
    file.seek(20_000_000)
    assert file.read(1_000) == data[20_000_000:20_001_000]


def test_a_failed_upload_leaves_no_object(location: ArchiveLocation) -> None:
    class Failing(io.BytesIO):
        reads = 0

        def read(self, size: int | None = -1, /) -> bytes:
            self.reads += 1
            if self.reads == 3:
                raise OSError("the disk went away")
            return super().read(size)

    with pytest.raises(ArchiveUnavailable, match="the disk went away"):
        location.put_file("large", Failing(bytes(30_000_000)))
    assert not location.exists("large")


def test_of_many_creators_one_wins(location: ArchiveLocation) -> None:
    outcomes: list[bytes | type[ArchiveError]] = []
    barrier = threading.Barrier(8)

    def create(data: bytes) -> None:
        barrier.wait()
        try:
            location.create("manifest", data)
        except ArchiveError as error:
            outcomes.append(type(error))
        else:
            outcomes.append(data)

    threads = [threading.Thread(target=create, args=(b"%d" % n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count(ArchiveConflict) == 7
    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, bytes)]
    assert location.get("manifest") == winner


def test_commit_refuses_a_second_first_generation(location: ArchiveLocation) -> None:
    location.create("key", b"1")
    with pytest.raises(ArchiveConflict, match="it exists already"):
        location.create("key", b"1")


@pytest.mark.parametrize("wrong", ["access_key_id", "secret_access_key"])
def test_wrong_credentials(s3: S3Server, wrong: str) -> None:
    location = ArchiveLocation.open(s3.url("x"), s3.options | {wrong: "wrong"})
    actions: dict[str, Any] = {
        "check_writable": location.check_writable,
        "list": lambda: list(location.list()),
        "head": lambda: location.head("key"),
        "get": lambda: location.get("key"),
        "create": lambda: location.create("key", b"1"),
        "delete": lambda: location.delete("key"),
    }
    for name, action in actions.items():
        with pytest.raises(ArchiveUnavailable, match=r"not accepted|permission denied") as caught:
            action()
        assert "\n" not in str(caught.value), name
        assert caught.value.hint, name


def test_a_missing_bucket_is_not_a_missing_object(s3: S3Server) -> None:
    location = ArchiveLocation.open("s3://no-such-bucket/x", s3.options)
    with pytest.raises(ArchiveUnavailable, match="there is no such bucket"):
        location.get("key")
    with pytest.raises(ArchiveUnavailable, match="there is no such bucket"):
        list(location.list())


def test_missing_objects(location: ArchiveLocation) -> None:
    assert location.head("none") is None
    location.delete("none")
    with pytest.raises(ArchiveUnavailable, match="it does not exist"):
        location.get("none")
    with pytest.raises(ArchiveUnavailable, match="it does not exist"):
        location.open_object("none")


@pytest.fixture
def silent_endpoint() -> Iterator[str]:
    """A server that takes connections and never answers."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_an_endpoint_that_never_answers(s3: S3Server, silent_endpoint: str) -> None:
    options = s3.options | {"endpoint": silent_endpoint, "timeout": "1s", "retry_timeout": "2"}
    location = ArchiveLocation.open("s3://bucket/x", options)
    started = time.monotonic()
    with pytest.raises(ArchiveUnavailable, match="the endpoint cannot be reached"):
        location.check_writable()
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("format", ["parquet", "csv"])
def test_changed_bits_and_truncation_are_found(location: ArchiveLocation, format: Format) -> None:
    manifest = export_rows(
        location,
        batches(make_rows(1_000)),
        schema="s",
        chunk_name="c",
        range_start=START,
        range_end=END,
        format=format,
    )
    whole = location.get(manifest.files[0].key)
    chosen = random.Random(3)
    for _ in range(10):
        damaged = bytearray(whole)
        damaged[chosen.randrange(len(whole))] ^= 1 << chosen.randrange(8)
        location.put_file(manifest.files[0].key, io.BytesIO(damaged))
        with pytest.raises(ArchiveCorrupt):
            verify_files(location, manifest)
    location.put_file(manifest.files[0].key, io.BytesIO(whole[:-1]))
    with pytest.raises(ArchiveCorrupt):
        verify_files(location, manifest)
    location.put_file(manifest.files[0].key, io.BytesIO(whole))
    verify_files(location, manifest)


def test_a_stream_costs_few_requests(
    location: ArchiveLocation, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = make_rows(25_000)
    manifest = export_rows(
        location, batches(rows), schema="s", chunk_name="c", range_start=START, range_end=END
    )
    lengths: list[int] = []
    get_range = location.get_range

    def counted(key: str, start: int, length: int) -> bytes:
        lengths.append(length)
        return get_range(key, start, length)

    monkeypatch.setattr(location, "get_range", counted)
    name = rows[5_000][3]
    # The footer, the names, the rest; and no names where it is certain that the stream is there.
    for certain, requests in (((), 3), ((manifest.files[0].key,), 2)):
        lengths.clear()
        messages = ArchiveReader(location).read_stream([manifest], name, certain=certain)
        assert [m.global_position for m in messages] == [r[0] for r in rows if r[3] == name]
        assert len(lengths) == requests
        assert sum(lengths) < 1_000_000


def test_of_two_claims_one_is_made(location: ArchiveLocation) -> None:
    assert newest_claim(location, "message_store") is None
    ours = Claim.now(1, "ours", "store", "us")
    create_claim(location, "message_store", ours)
    with pytest.raises(ArchiveConflict):
        create_claim(location, "message_store", Claim.now(1, "theirs", "store", "them"))
    create_claim(location, "message_store", Claim.now(2, "theirs", "store", "them"))
    assert read_claim(location, "message_store", 1) == ours
    assert read_claim(location, "message_store", 3) is None
    newest = newest_claim(location, "message_store")
    assert newest is not None
    assert (newest.number, newest.token) == (2, "theirs")
