from __future__ import annotations

import json
from dataclasses import fields, replace
from hashlib import sha256
from typing import Any

import pytest
from tests.archive_rows import END, START

from coldstream.archive.manifest import ArchiveFile, CategorySummary, Manifest, sealed
from coldstream.errors import ArchiveCorrupt

MANIFEST = Manifest(
    schema="message_store",
    chunk="_hyper_1_2_chunk",
    range_start=START,
    range_end=END,
    format="parquet",
    files=(
        ArchiveFile(
            key="message_store/x/y.parquet",
            bytes=1234,
            sha256="ab" * 32,
            footer_bytes=500,
            footer_sha256="cd" * 32,
            rows=2,
            digest="sum-sha256:2:" + "0e" * 16,
            first_stream_name="account-1",
            last_stream_name="account-2",
            first_global_position=5,
            last_global_position=9,
        ),
        ArchiveFile(
            key="message_store/x/z.parquet",
            bytes=1000,
            sha256="ba" * 32,
            footer_bytes=400,
            footer_sha256="dc" * 32,
            rows=1,
            digest="sum-sha256:1:" + "01" * 16,
            first_stream_name="ünï-1",
            last_stream_name="ünï-1",
            first_global_position=7,
            last_global_position=7,
        ),
    ),
    rows=3,
    streams=2,
    digest="sum-sha256:3:" + "0f" * 16,
    first_global_position=5,
    last_global_position=9,
    first_time=START,
    last_time=START.replace(microsecond=1),
    categories=(CategorySummary("account", 2, 5, 9), CategorySummary("ünï", 1, 7, 7)),
    columns=("global_position", "position"),
    created_at=END,
    store_id=None,
    software="coldstream 1.0",
)


def document() -> dict[str, Any]:
    parsed = json.loads(MANIFEST.to_json())
    assert isinstance(parsed, dict)
    del parsed["manifest_sha256"]
    return parsed


def test_round_trip() -> None:
    assert Manifest.from_json(MANIFEST.to_json()) == MANIFEST
    named = replace(MANIFEST, store_id="0192d3a4")
    assert Manifest.from_json(named.to_json()) == named
    empty = replace(
        MANIFEST,
        format="csv",
        files=(
            replace(
                MANIFEST.files[0],
                footer_bytes=None,
                footer_sha256=None,
                rows=0,
                digest="sum-sha256:0:" + "0" * 32,
                first_stream_name=None,
                last_stream_name=None,
                first_global_position=None,
                last_global_position=None,
            ),
        ),
        rows=0,
        streams=0,
        digest="sum-sha256:0:" + "0" * 32,
        first_global_position=None,
        last_global_position=None,
        first_time=None,
        last_time=None,
        categories=(),
    )
    assert Manifest.from_json(empty.to_json()) == empty


def test_text() -> None:
    text = MANIFEST.to_json().decode()
    assert text.startswith('{\n "format_version": 2,\n "schema": "message_store",\n')
    assert list(document()) == ["format_version", *(field.name for field in fields(Manifest))]
    assert document()["range_start"] == "2026-11-03T00:00:00.000000Z"
    assert document()["categories"][1] == {
        "category": "ünï",
        "messages": 1,
        "first_global_position": 7,
        "last_global_position": 7,
    }


def of_version_1() -> dict[str, Any]:
    """The document as it was when a range had one file."""
    one = document()["files"][0]
    moved = {name: one[name] for name in ("key", "bytes", "sha256", "footer_bytes")}
    rest = {key: value for key, value in document().items() if key != "files"}
    return rest | moved | {"footer_sha256": one["footer_sha256"], "format_version": 1}


def test_a_manifest_of_the_first_version_has_one_file() -> None:
    found = Manifest.from_json(sealed(of_version_1()))
    whole = {name: getattr(MANIFEST, name) for name in ("rows", "digest")}
    unknown = {"first_stream_name": None, "last_stream_name": None}
    assert found == replace(MANIFEST, files=(replace(MANIFEST.files[0], **whole, **unknown),))
    assert json.loads(found.to_json())["format_version"] == 2


@pytest.mark.parametrize("name", ["key", "bytes", "sha256", "footer_sha256", "rows"])
def test_every_field_of_the_first_version_is_needed(name: str) -> None:
    without = {key: value for key, value in of_version_1().items() if key != name}
    with pytest.raises(ArchiveCorrupt, match=f"{name} is missing"):
        Manifest.from_json(sealed(without))


def test_another_format_version() -> None:
    for version in (3, 0, "1", None, True):
        with pytest.raises(ArchiveCorrupt, match="this release reads 2") as caught:
            Manifest.from_json(sealed(document() | {"format_version": version}))
        assert caught.value.hint


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff"])
def test_no_manifest_at_all(data: bytes) -> None:
    with pytest.raises(ArchiveCorrupt, match="s3://b/m is not"):
        Manifest.from_json(data, name="s3://b/m")


@pytest.mark.parametrize("name", [field.name for field in fields(Manifest)])
def test_every_field_is_needed_and_typed(name: str) -> None:
    without = {key: value for key, value in document().items() if key != name}
    with pytest.raises(ArchiveCorrupt, match=f"{name} is missing"):
        Manifest.from_json(sealed(without))
    with pytest.raises(ArchiveCorrupt, match=name):
        Manifest.from_json(sealed(document() | {name: {"of another": "type"}}))


MANIFEST_FILES = document()["files"]


def in_a_file(**change: Any) -> dict[str, Any]:
    return {"files": [MANIFEST_FILES[0], MANIFEST_FILES[1] | change]}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"extra": 1}, "extra is not known"),
        ({"rows": None}, "rows: not a whole number"),
        ({"rows": True}, "rows: not a whole number"),
        ({"rows": 3.0}, "rows: not a whole number"),
        ({"rows": 4}, "files: their rows do not add up"),
        ({"digest": "sum-sha256:4:" + "0" * 32}, "digest: not the digest of that many rows"),
        ({"format": "orc"}, "format: 'orc' is not known"),
        ({"files": []}, "files: none"),
        ({"files": MANIFEST_FILES[:1]}, "files: their rows do not add up"),
        ({"files": [MANIFEST_FILES[0] | {"extra": 1}]}, "files: extra is not known"),
        ({"files": [*MANIFEST_FILES[:1], MANIFEST_FILES[0] | {"rows": 1}]}, "number 1: digest"),
        (in_a_file(key="message_store/x/y.parquet"), "files: one key twice"),
        (in_a_file(sha256="ab" * 31), "files: number 1: sha256"),
        (in_a_file(footer_sha256=None), "footer_sha256"),
        (in_a_file(footer_bytes=0), "footer_bytes"),
        (in_a_file(footer_bytes=5_000), "footer_bytes"),
        (in_a_file(last_stream_name=None), "the ranges do not fit"),
        (in_a_file(last_stream_name="z"), "a range ends before it starts"),
        (in_a_file(first_global_position=8), "a range ends before it starts"),
        ({"digest": "sum-sha256:3:0"}, "digest"),
        ({"range_start": "2026-11-03T00:00:00.000000"}, "range_start: not a time"),
        ({"range_start": "2026-13-03T00:00:00.000000Z"}, "range_start: month"),
        ({"range_end": "2026-11-03T00:00:00.000000Z"}, "range_end: not after"),
        ({"first_global_position": None}, "the ranges do not fit"),
        ({"last_time": None}, "the ranges do not fit"),
        ({"first_global_position": 10}, "a range ends before it starts"),
        ({"categories": []}, "do not add up"),
        ({"categories": [{"category": "a"}]}, "categories: messages is missing"),
        ({"categories": ["a"]}, "categories: not a list of objects"),
        ({"columns": [1]}, "columns: not a text"),
    ],
    ids=str,
)
def test_what_is_damaged(change: dict[str, Any], error: str) -> None:
    with pytest.raises(ArchiveCorrupt, match=f"The manifest is damaged: .*{error}"):
        Manifest.from_json(sealed(document() | change))


def test_a_change_of_any_bit_is_found() -> None:
    data = MANIFEST.to_json()
    for bit in range(len(data) * 8):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ArchiveCorrupt):
            Manifest.from_json(bytes(damaged))


def test_every_truncation_is_found() -> None:
    data = MANIFEST.to_json()
    for size in range(len(data)):
        with pytest.raises(ArchiveCorrupt):
            Manifest.from_json(data[:size])


def test_the_hash_is_that_of_the_lines_before() -> None:
    *lines, _, _ = MANIFEST.to_json().splitlines(keepends=True)
    hash = sha256(b"".join(lines)).hexdigest()
    assert json.loads(MANIFEST.to_json())["manifest_sha256"] == hash
