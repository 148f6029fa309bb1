from __future__ import annotations

import json
from dataclasses import fields, replace
from hashlib import sha256
from typing import Any

import pytest
from tests.archive_rows import END, START

from coldstream.archive.format.rows import COLUMNS
from coldstream.archive.format.summary import CategorySummary
from coldstream.archive.manifest import layout
from coldstream.archive.manifest.manifest import ArchiveFile, Manifest, sealed
from coldstream.errors import ArchiveCorrupt, ArchiveError


def key(sha256: str, format: str = "parquet") -> str:
    return layout.object_key("message_store", START, END, sha256=sha256, format=format)


MANIFEST = Manifest(
    schema="message_store",
    chunk="_hyper_1_2_chunk",
    range_start=START,
    range_end=END,
    format="parquet",
    files=(
        ArchiveFile(
            key=key("ab" * 32),
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
            key=key("ba" * 32),
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
    columns=COLUMNS,
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
                key=key("ab" * 32, "csv"),
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
        columns=COLUMNS[:-1],
    )
    assert Manifest.from_json(empty.to_json()) == empty


def test_text() -> None:
    text = MANIFEST.to_json().decode()
    assert text.startswith('{\n "format_version": 3,\n "schema": "message_store",\n')
    assert list(document()) == ["format_version", *(field.name for field in fields(Manifest))]
    assert document()["range_start"] == "2026-11-03T00:00:00.000000Z"
    assert document()["categories"][1] == {
        "category": "ünï",
        "messages": 1,
        "first_global_position": 7,
        "last_global_position": 7,
    }


def test_another_format_version() -> None:
    for version in (1, 2, 4, 0, -1):
        with pytest.raises(ArchiveCorrupt, match="this release reads 3") as caught:
            Manifest.from_json(sealed(document() | {"format_version": version}))
        assert caught.value.hint
    nothings: list[object] = ["3", None, True, 3.0, [[]]]
    for nothing in nothings:
        with pytest.raises(ArchiveCorrupt, match="no format version; this release reads 3"):
            Manifest.from_json(sealed(document() | {"format_version": nothing}))


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


def category(name: str, messages: int, first: int, last: int) -> dict[str, Any]:
    positions = {"first_global_position": first, "last_global_position": last}
    return {"category": name, "messages": messages, **positions}


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
        (in_a_file(rows=2), "number 1: digest"),
        (
            in_a_file(key=key("ab" * 32), sha256="ab" * 32),
            "files: one key twice",
        ),
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
        ({"columns": ["global_position", "position"]}, "columns: others"),
        # Numbers that no reader after this one can hold, and those that no count can be.
        ({"rows": 10**30}, "rows: a number of more than 64 bits"),
        ({"first_global_position": -(2**63) - 1}, "a number of more than 64 bits"),
        ({"rows": -3}, "files: their rows do not add up"),
        (in_a_file(bytes=-1), "footer_bytes|no size"),
        (in_a_file(rows=-1), "no size"),
        ({"streams": 4}, "streams: not a number"),
        ({"streams": 0}, "streams: not a number"),
        ({"digest": "sum-sha256:03:" + "0f" * 16}, "digest"),
        ({"digest": "sum-sha256:٣:" + "0f" * 16}, "digest"),
        # Ranges that do not fit what they are ranges of.
        ({"first_global_position": 4}, "files: their global positions"),
        ({"last_time": "2026-11-10T00:00:00.000000Z"}, "outside the range"),
        ({"first_time": "2026-11-02T23:59:59.999999Z"}, "outside the range"),
        ({"files": MANIFEST_FILES[::-1]}, "not in the order of their stream names"),
        ({"categories": [category("account", 3, 5, 8)]}, "categories: their global positions"),
        (
            {"categories": [category("account", 2, 5, 9), category("account", 1, 7, 7)]},
            "categories: one name twice",
        ),
        (
            {"categories": [category("account", 4, 5, 9), category("b", -1, 7, 7)]},
            "categories: one without messages",
        ),
        ({"chunk": "a\0b"}, "chunk: a text that PostgreSQL does not take"),
    ],
    ids=str,
)
def test_what_is_damaged(change: dict[str, Any], error: str) -> None:
    with pytest.raises(ArchiveCorrupt, match=f"The manifest is damaged: .*{error}"):
        Manifest.from_json(sealed(document() | change))


ELSEWHERE = [
    # Out of the folder, out of the archive, on another server.
    "secret.csv",
    "../secret.parquet",
    "/etc/passwd",
    "file:///etc/passwd",
    "s3://other/bucket.parquet",
    "https://example.org/x.parquet",
    "",
    # Other ranges, other stores, other files of this range.
    key("ba" * 32).replace("20261110", "20261117"),
    key("ba" * 32).replace("message_store", "other"),
    key("ba" * 32).replace("/messages", "//messages"),
    key("ba" * 32).replace("message_store/", "message_store/../message_store/"),
    "./" + key("ba" * 32),
    "/" + key("ba" * 32),
    key("bb" * 32),
    key("ba" * 32, "csv"),
    key("ba" * 32).replace("/messages", "/other/messages"),
    key("ba" * 32).replace(".parquet", ".parquet?version=1"),
    key("ba" * 32) + "\n",
]


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_no_key_leads_out_of_its_own_range(elsewhere: str) -> None:
    with pytest.raises(ArchiveCorrupt, match="number 1: key: not that of a file of this range"):
        Manifest.from_json(sealed(document() | in_a_file(key=elsewhere)))


def test_nesting_that_no_parser_follows() -> None:
    for data in (b"[" * 200_000, b'{"a":' * 200_000, b'{"format_version": ' + b"[" * 200_000):
        with pytest.raises(ArchiveCorrupt, match="nested too deep"):
            Manifest.from_json(data)


def test_a_key_that_is_there_twice() -> None:
    text = MANIFEST.to_json().decode()
    for at in ('"rows": 3', '"bytes": 1234', '"messages": 2', '"format_version": 3'):
        twice = text.replace(at, f"{at}, {at}", 1)
        assert twice != text
        with pytest.raises(ArchiveCorrupt, match="is there twice"):
            Manifest.from_json(twice)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "9" * 5_000])
def test_what_is_no_number(number: str) -> None:
    text = MANIFEST.to_json().decode().replace('"rows": 3', f'"rows": {number}')
    with pytest.raises(ArchiveCorrupt, match="is not JSON"):
        Manifest.from_json(text)


def test_half_a_surrogate_pair() -> None:
    # As JSON can write it. Its hash is right: that was made of these bytes.
    text = MANIFEST.to_json().decode().replace("coldstream 1.0", "\\ud800")
    head = text[: text.index(' "manifest_sha256"')]
    seal = f' "manifest_sha256": "{sha256(head.encode()).hexdigest()}"\n}}\n'
    with pytest.raises(ArchiveCorrupt, match="software: a text that PostgreSQL does not take"):
        Manifest.from_json(head + seal)


def test_one_that_is_too_long_is_neither_written_nor_read(monkeypatch: pytest.MonkeyPatch) -> None:
    data = MANIFEST.to_json()
    monkeypatch.setattr("coldstream.archive.manifest.manifest.MOST_BYTES", len(data) - 1)
    with pytest.raises(ArchiveError, match="too long"):
        MANIFEST.to_json()
    with pytest.raises(ArchiveCorrupt, match="is no manifest"):
        Manifest.from_json(data)


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
