"""The object store under faults: what passes is tried again, what stays is one clear error."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from typing import Any

import pytest
from proof.fault_proxy import FaultProxy, Rule
from tests.archive_files import export_rows, find_manifest
from tests.archive_rows import END, START, batches, make_rows
from tests.fix_s3 import S3Server

from coldstream.archive.manifest.commit import commit_manifest
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.errors import ArchiveConflict, ArchiveUnavailable

DATA = bytes(range(256)) * 800
LARGE = DATA * 42  # two parts

_prefixes = itertools.count()


@pytest.fixture
def options(s3: S3Server, fault_proxy: FaultProxy) -> dict[str, str]:
    """A stalled request is given up soon. So may be one that a busy machine answers late: it is
    tried again as often as it takes."""
    fault_proxy.seen.clear()
    return s3.options | {
        "endpoint": fault_proxy.endpoint,
        "read_timeout": "1s",
        "max_retries": "20",
        "retry_timeout": "120",
    }


@pytest.fixture
def location(s3: S3Server, options: dict[str, str]) -> ArchiveLocation:
    return ArchiveLocation.open(s3.url(f"faults-{next(_prefixes)}"), options)


@pytest.fixture
def impatient(location: ArchiveLocation, options: dict[str, str]) -> ArchiveLocation:
    """The same location, for faults that stay: two further tries, and that is it."""
    return ArchiveLocation.open(location.url, options | {"max_retries": "2", "retry_timeout": "10"})


def download(location: ArchiveLocation) -> bytes:
    target = io.BytesIO()
    location.download("there", target)
    return target.getvalue()


def created(location: ArchiveLocation) -> bool:
    location.create("new", b"1")
    return location.get("new") == b"1"


def deleted(location: ArchiveLocation) -> bool:
    location.delete("there")
    return not location.exists("there")


ACTIONS: dict[str, Callable[[ArchiveLocation], Any]] = {
    "upload": lambda location: location.put_file("new", io.BytesIO(b"1")) == 1,
    "upload in parts": lambda location: location.put_file("new", io.BytesIO(LARGE)) == len(LARGE),
    "create": created,
    "head": lambda location: getattr(location.head("there"), "bytes", 0) == len(DATA),
    "list": lambda location: [info.key for info in location.list()] == ["there"],
    "get": lambda location: location.get("there") == DATA,
    "range": lambda location: location.get_range("there", 7, 9_000) == DATA[7:9_007],
    "download": lambda location: download(location) == DATA,
    "delete": deleted,
}


@pytest.mark.parametrize(
    ("action", "fault"),
    [(action, fault) for action in ACTIONS for fault in ("reset", "503", "lost")]
    + [
        (action, fault)
        for action in ("upload in parts", "create", "list", "range", "delete")
        for fault in ("stall", "500", "truncated", "stalled body")
    ],
)
def test_a_fault_that_passes_is_overcome(
    location: ArchiveLocation, fault_proxy: FaultProxy, action: str, fault: str
) -> None:
    location.put_file("there", io.BytesIO(DATA))
    with fault_proxy.broken(Rule(fault)) as rule:
        assert ACTIONS[action](location)
    assert rule.met == 1


@pytest.mark.parametrize(
    ("action", "fault"),
    [
        (action, fault)
        for action in ("upload in parts", "create", "list", "get", "delete")
        for fault in ("reset", "503", "denied")
    ]
    + [("upload", "stall"), ("get", "500")],
)
def test_a_fault_that_stays_is_one_clear_error(
    location: ArchiveLocation,
    impatient: ArchiveLocation,
    fault_proxy: FaultProxy,
    action: str,
    fault: str,
) -> None:
    location.put_file("there", io.BytesIO(DATA))
    said = {
        "reset": "the connection broke off|the endpoint cannot be reached",
        "500": "the store failed",
        "503": "the store is too busy",
        "denied": "permission denied",
    }.get(fault, "the endpoint cannot be reached")
    with (
        fault_proxy.broken(Rule(fault, times=None)) as rule,
        pytest.raises(ArchiveUnavailable, match=said) as caught,
    ):
        ACTIONS[action](impatient)
    assert "\n" not in str(caught.value)
    assert caught.value.hint
    # What a second try cannot change is tried once (an upload in parts is given up as well).
    assert rule.met <= 2 if fault == "denied" else rule.met > 1
    assert not location.exists("new")
    assert location.get("there") == DATA


def test_an_upload_whose_end_is_not_answered_begins_again(
    location: ArchiveLocation, fault_proxy: FaultProxy
) -> None:
    with fault_proxy.broken(Rule("stall", "POST", r"uploadId=")) as rule:
        location.put_file("new", io.BytesIO(LARGE))
    assert rule.met == 1
    assert location.get("new") == LARGE


@pytest.mark.parametrize("fault", ["lost", "500"])
def test_a_manifest_whose_answer_was_lost_is_ours(
    location: ArchiveLocation, fault_proxy: FaultProxy, fault: str
) -> None:
    manifest = export_rows(
        location, batches(make_rows(10)), schema="s", chunk_name="c", range_start=START,
        range_end=END,
    )  # fmt: skip
    with fault_proxy.broken(Rule(fault, "PUT", "manifest", times=2)) as rule:
        key = commit_manifest(location, manifest)
    assert rule.met == 2
    assert find_manifest(location, "s", START, END) == manifest
    assert [info.key for info in location.list() if "manifest" in info.key] == [key]


def test_what_another_created_while_the_answer_was_lost_is_a_conflict(
    s3: S3Server, location: ArchiveLocation, fault_proxy: FaultProxy
) -> None:
    direct = ArchiveLocation.open(location.url, s3.options)
    direct.create("key", b"theirs")
    with (
        fault_proxy.broken(Rule("lost", "PUT")) as rule,
        pytest.raises(ArchiveConflict, match="it exists already"),
    ):
        location.create("key", b"ours")
    assert rule.met == 1
    assert direct.get("key") == b"theirs"


def test_encryption_and_storage_class_reach_the_server(
    s3: S3Server, options: dict[str, str], fault_proxy: FaultProxy
) -> None:
    location = ArchiveLocation.open(
        s3.url("with-options"),
        options | {"server_side_encryption": "AES256", "storage_class": "STANDARD_IA"},
    )
    location.put_file("small", io.BytesIO(b"1"))
    location.put_file("large", io.BytesIO(LARGE))
    location.create("manifest", b"1")
    sent = {
        seen.path.rpartition("/")[2]: (
            seen.headers.get("x-amz-server-side-encryption"),
            seen.headers.get("x-amz-storage-class"),
        )
        for seen in fault_proxy.seen
        if seen.method in ("PUT", "POST") and "uploadId" not in seen.path
    }
    assert sent == {
        "small": ("AES256", "STANDARD_IA"),
        "large?uploads=": ("AES256", "STANDARD_IA"),
        "manifest": ("AES256", None),
    }


def test_encryption_from_the_environment(
    s3: S3Server,
    options: dict[str, str],
    fault_proxy: FaultProxy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_SERVER_SIDE_ENCRYPTION", "AES256")
    ArchiveLocation.open(s3.url("with-variables"), options).create("key", b"1")
    assert {seen.headers["x-amz-server-side-encryption"] for seen in fault_proxy.seen} == {"AES256"}


def test_an_option_nobody_knows_is_refused(s3: S3Server, options: dict[str, str]) -> None:
    with pytest.raises(ArchiveUnavailable, match="no_such_option"):
        ArchiveLocation.open(s3.url("x"), options | {"no_such_option": "1"})
