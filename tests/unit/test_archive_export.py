from __future__ import annotations

import errno
import io
import os
import random
import signal
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.archive_files import Kind, export_rows, find_manifest
from tests.archive_rows import END, START, batches, make_rows, with_file

from coldstream.archive.format.rows import COLUMNS, Row, to_batches
from coldstream.archive.manifest.commit import KnownManifest, commit_manifest
from coldstream.archive.manifest.manifest import Manifest
from coldstream.archive.read.reader import ArchiveReader
from coldstream.archive.read.restore import archived_rows
from coldstream.archive.read.verify import verify_files
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.errors import (
    ArchiveConflict,
    ArchiveCorrupt,
    ArchiveUnavailable,
    InvalidInput,
)
from coldstream.settings import Format

FORMATS: tuple[Format, ...] = ("parquet", "csv")


@pytest.fixture
def location() -> ArchiveLocation:
    return ArchiveLocation.open("memory://")


def export(location: ArchiveLocation, rows: list[Row], **given: Any) -> Manifest:
    arguments: dict[str, Any] = {
        "schema": "message_store",
        "chunk_name": "_hyper_1_2_chunk",
        "range_start": START,
        "range_end": END,
    }
    return export_rows(location, batches(rows), **(arguments | given))


@pytest.mark.parametrize("format", FORMATS)
def test_export_verify_commit_find(location: ArchiveLocation, format: Format) -> None:
    rows = make_rows(3_000)
    steps: list[tuple[str, int, int | None]] = []

    def progress(*step: Any) -> None:
        steps.append(step)

    manifest = export(location, rows, format=format, progress=progress)
    assert steps[:2] == [("rows", 700, None), ("rows", 1_400, None)]
    assert steps[-1] == ("upload", manifest.bytes, manifest.bytes)
    # Not committed: nobody finds it.
    assert find_manifest(location, "message_store", START, END) is None
    steps.clear()
    verify_files(location, manifest, progress=progress)
    assert steps[0] == ("download", manifest.bytes, manifest.bytes)
    assert steps[-1] == ("check", 3_000, 3_000)
    key = commit_manifest(location, manifest)
    assert key == "message_store/20261103T000000Z_20261110T000000Z/_manifest-000001.json"
    assert find_manifest(location, "message_store", START, END) == manifest
    assert manifest.files[0].key.rpartition("/")[0] == key.rpartition("/")[0]
    assert manifest.files[0].key.endswith(f"/messages-{manifest.files[0].sha256}.{format}")
    assert manifest.rows == 3_000
    read = Kind(format).read_rows
    stored = io.BytesIO(location.get(manifest.files[0].key))
    assert [row for part in read(stored) for row in part] == rows


def test_an_export_run_again_changes_nothing(location: ArchiveLocation) -> None:
    rows = make_rows(1_000)
    first = export(location, rows)
    key = commit_manifest(location, first)
    again = export(location, rows)
    assert again.files == first.files
    assert commit_manifest(location, again) == key
    assert find_manifest(location, "message_store", START, END) == first
    assert len(list(location.list())) == 2


def test_a_changed_range_becomes_the_next_generation(location: ArchiveLocation) -> None:
    rows = make_rows(1_000)
    first = export(location, rows)
    key = commit_manifest(location, first)
    late = make_rows(1_001)
    second = export(location, late)
    known = [KnownManifest(key, first.digest)]
    assert commit_manifest(location, second, known=known).endswith("/_manifest-000002.json")
    assert find_manifest(location, "message_store", START, END) == second
    # What an older manifest says stays true and readable.
    verify_files(location, first)
    verify_files(location, second)


@pytest.mark.parametrize("key", [None, "key", "digest"])
def test_what_nobody_here_knows_is_not_replaced(location: ArchiveLocation, key: str | None) -> None:
    theirs = export(location, make_rows(1_000))
    manifest_key = commit_manifest(location, theirs)
    known = {
        None: [],
        "key": [KnownManifest(manifest_key, "sum-sha256:0:" + "0" * 32)],
        "digest": [
            KnownManifest(
                manifest_key.replace("01.json", "02.json"), theirs.digest, is_committed=False
            )
        ],
    }[key]
    with pytest.raises(ArchiveConflict, match="not known to this database") as caught:
        commit_manifest(location, export(location, make_rows(1_001)), known=known)
    assert "rebuild" in f"{caught.value.hint}"
    assert find_manifest(location, "message_store", START, END) == theirs


def test_the_same_rows_in_other_files_replace_nothing_that_is_lost(
    location: ArchiveLocation,
) -> None:
    first = export(location, make_rows(100))
    commit_manifest(location, first)
    again = export(location, make_rows(100), format="csv")
    assert commit_manifest(location, again).endswith("/_manifest-000002.json")


def test_another_process_commits_first(
    location: ArchiveLocation, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = export(location, make_rows(10)), export(location, make_rows(11))
    create = location.create

    def slowly(key: str, data: bytes) -> None:
        monkeypatch.setattr(location, "create", create)
        commit_manifest(location, theirs)
        create(key, data)

    monkeypatch.setattr(location, "create", slowly)
    with pytest.raises(ArchiveConflict):
        commit_manifest(location, ours)
    assert find_manifest(location, "message_store", START, END) == theirs


def test_a_commit_whose_answer_was_lost_succeeded(
    location: ArchiveLocation, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = export(location, make_rows(10))
    create = location.create

    def twice(key: str, data: bytes) -> None:
        create(key, data)
        create(key, data)

    monkeypatch.setattr(location, "create", twice)
    assert commit_manifest(location, manifest).endswith("/_manifest-000001.json")


def test_two_stores_do_not_share_a_range(location: ArchiveLocation) -> None:
    commit_manifest(location, export(location, make_rows(10), store_id="one"))
    other = export(location, make_rows(11), store_id="two")
    with pytest.raises(ArchiveConflict, match="belongs to another store") as caught:
        commit_manifest(location, other)
    assert caught.value.hint == "Give every store its own archive URL."


def test_a_manifest_in_the_wrong_place(location: ArchiveLocation) -> None:
    manifest = export(location, make_rows(10))
    key = commit_manifest(location, manifest)
    elsewhere = key.replace("message_store", "other")
    location.create(elsewhere, location.get(key))
    with pytest.raises(ArchiveCorrupt, match="is about another range"):
        find_manifest(location, "other", START, END)
    location.create(key.replace("000001", "000002"), b"{")
    with pytest.raises(ArchiveCorrupt, match=r"_manifest-000002\.json is not JSON"):
        find_manifest(location, "message_store", START, END)


@pytest.mark.parametrize("format", FORMATS)
def test_no_rows(location: ArchiveLocation, format: Format) -> None:
    manifest = export(location, [], format=format)
    assert (manifest.rows, manifest.first_time, manifest.categories) == (0, None, ())
    verify_files(location, manifest)
    commit_manifest(location, manifest)
    assert find_manifest(location, "message_store", START, END) == manifest


def test_messages_outside_the_range_are_refused(location: ArchiveLocation) -> None:
    rows = make_rows(100)
    last = max(row[2] for row in rows)
    microsecond = timedelta(microseconds=1)
    assert export(location, rows, range_end=last + microsecond).rows == 100
    for given in ({"range_end": last}, {"range_start": START + microsecond}):
        with pytest.raises(ArchiveCorrupt, match="do not lie in the range"):
            export(location, rows, **given)


def test_wrong_arguments(location: ArchiveLocation) -> None:
    with pytest.raises(InvalidInput, match="choose parquet or csv"):
        export(location, [], format="orc")
    with pytest.raises(InvalidInput, match="ends before it starts"):
        export(location, [], range_end=START)
    assert list(location.list()) == []


def test_a_failure_of_the_source_passes_through_and_uploads_nothing(
    location: ArchiveLocation,
) -> None:
    class Lost(Exception):
        pass

    def rows() -> Any:
        yield make_rows(10)
        raise Lost

    with pytest.raises(Lost):
        export_rows(
            location,
            rows(),
            schema="message_store",
            chunk_name="c",
            range_start=START,
            range_end=END,
        )
    assert list(location.list()) == []


@pytest.mark.parametrize("format", FORMATS)
def test_forty_changed_bits_are_found(location: ArchiveLocation, format: Format) -> None:
    manifest = export(location, make_rows(2_000), format=format)
    whole = location.get(manifest.files[0].key)
    chosen = random.Random(7)
    places = {chosen.randrange(len(whole)) for _ in range(38)} | {0, len(whole) - 1}
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << chosen.randrange(8)
        location.put_file(manifest.files[0].key, io.BytesIO(damaged))
        with pytest.raises(ArchiveCorrupt, match="has the SHA-256"):
            verify_files(location, manifest)
    location.put_file(manifest.files[0].key, io.BytesIO(whole))
    verify_files(location, manifest)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("size", [0, 1, 1_000, -1])
def test_truncation_is_found(location: ArchiveLocation, format: Format, size: int) -> None:
    manifest = export(location, make_rows(2_000), format=format)
    location.put_file(manifest.files[0].key, io.BytesIO(location.get(manifest.files[0].key)[:size]))
    with pytest.raises(ArchiveCorrupt, match=rf"bytes, not {manifest.bytes}"):
        verify_files(location, manifest)


def test_a_missing_object_is_found(location: ArchiveLocation) -> None:
    manifest = export(location, make_rows(10))
    location.delete(manifest.files[0].key)
    with pytest.raises(ArchiveCorrupt, match="is missing"):
        verify_files(location, manifest)


@pytest.mark.parametrize("format", FORMATS)
def test_many_rows_are_in_several_files(location: ArchiveLocation, format: Format) -> None:
    rows = make_rows(2_000)
    steps: list[tuple[str, int, int | None]] = []
    manifest = export(
        location, rows, format=format, file_rows=300, progress=lambda *step: steps.append(step)
    )
    assert len(manifest.files) >= 7
    assert max(file.rows for file in manifest.files) <= 300
    assert [step for step in steps if step[0] == "upload"][-1][1:] == (manifest.bytes,) * 2
    one = export(location, rows, format=format)
    assert len(one.files) == 1
    said: dict[str, Any] = {"files": one.files, "created_at": one.created_at}
    # In sum they hold what one file would, and say so.
    assert replace(manifest, **said) == one
    read = Kind(format).read_rows
    at = 0
    for file in manifest.files:
        part = rows[at : at + file.rows]
        assert [r for p in read(io.BytesIO(location.get(file.key))) for r in p] == part
        assert (file.first_stream_name, file.last_stream_name) == (part[0][3], part[-1][3])
        positions = [row[0] for row in part]
        assert file.first_global_position == min(positions)
        assert file.last_global_position == max(positions)
        at += file.rows
    assert at == len(rows)
    assert [row for part in archived_rows(location, manifest) for row in part] == rows
    verify_files(location, manifest)
    verify_files(location, manifest, deep=False)
    # Killed and run again, it makes the same files.
    assert export(location, rows, format=format, file_rows=300).files == manifest.files


@pytest.mark.parametrize("deep", [True, False])
@pytest.mark.parametrize("format", FORMATS)
def test_each_of_several_files_is_proved(
    location: ArchiveLocation, format: Format, deep: bool
) -> None:
    manifest = export(location, make_rows(1_000), format=format, file_rows=200)
    for file in manifest.files:
        whole = location.get(file.key)
        damaged = bytearray(whole)
        damaged[len(whole) // 3] ^= 4
        location.put_file(file.key, io.BytesIO(damaged))
        with pytest.raises(ArchiveCorrupt, match=file.sha256):
            verify_files(location, manifest, deep=deep)
        with pytest.raises(ArchiveCorrupt, match=file.sha256):
            list(archived_rows(location, manifest))
        location.delete(file.key)
        with pytest.raises(ArchiveCorrupt, match="is missing"):
            verify_files(location, manifest, deep=deep)
        location.put_file(file.key, io.BytesIO(whole))
    verify_files(location, manifest, deep=deep)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    "change",
    [
        {"rows": 1_999},
        {"digest": "sum-sha256:2000:" + "0" * 32},
        {"first_global_position": 2},
        {"last_global_position": 2_001},
        {"first_stream_name": "A"},
        {"last_stream_name": "\U0010ffff"},
    ],
    ids=str,
)
def test_whatever_the_manifest_says_of_a_file_is_proved(
    location: ArchiveLocation, format: Format, change: dict[str, Any]
) -> None:
    manifest = export(location, make_rows(2_000), format=format)
    # Of other rows than it should have, a file is not read to its end.
    known = "The file has" if "rows" in change else f"from its manifest in {next(iter(change))}"
    with pytest.raises(ArchiveCorrupt, match=known):
        verify_files(location, with_file(manifest, **change))


def test_files_in_another_order_are_found(location: ArchiveLocation) -> None:
    manifest = export(location, make_rows(1_000), file_rows=200)
    with pytest.raises(ArchiveCorrupt, match="Rows out of order"):
        verify_files(location, replace(manifest, files=manifest.files[::-1]))
    fewer = replace(manifest, files=manifest.files[:-1])
    with pytest.raises(ArchiveCorrupt, match="differs from its manifest in rows"):
        verify_files(location, fewer)


def test_a_file_without_room_for_a_row(location: ArchiveLocation) -> None:
    with pytest.raises(InvalidInput, match="A file of 0 rows"):
        export(location, [], file_rows=0)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    "change",
    [
        {"rows": 1_999},
        {"streams": 1},
        {"digest": "sum-sha256:2000:" + "0" * 32},
        {"first_global_position": 2},
        {"last_global_position": 2_001},
        {"first_time": START - timedelta(microseconds=1)},
        {"last_time": END},
        {"categories": ()},
    ],
    ids=str,
)
def test_whatever_the_manifest_says_is_proved(
    location: ArchiveLocation, format: Format, change: dict[str, Any]
) -> None:
    # The bytes are as they were written; only what they should hold is not.
    manifest = export(location, make_rows(2_000), format=format)
    with pytest.raises(ArchiveCorrupt, match=f"differs from its manifest in {next(iter(change))}"):
        verify_files(location, replace(manifest, **change))


def test_other_rows_under_the_same_name_are_found(location: ArchiveLocation) -> None:
    """One row differs in one character, and every count, range and hash of bytes was adapted."""
    rows = make_rows(100)
    manifest = export(location, rows)
    at = next(n for n, row in enumerate(rows) if row[5] and "1.10" in row[5])
    rows[at] = (*rows[at][:5], rows[at][5].replace("1.10", "1.11"), *rows[at][6:])  # type: ignore
    other = export(location, rows)
    forged = replace(other, digest=manifest.digest)
    with pytest.raises(ArchiveCorrupt, match="differs from its manifest in digest"):
        verify_files(location, forged)


def test_the_footer_is_proved_by_itself(location: ArchiveLocation) -> None:
    manifest = export(location, make_rows(100))
    with pytest.raises(ArchiveCorrupt, match="has another footer"):
        verify_files(location, with_file(manifest, footer_sha256="0" * 64))


def test_a_spool_that_cannot_be_written(location: ArchiveLocation, tmp_path: Path) -> None:
    with pytest.raises(ArchiveUnavailable, match="Cannot write temporary files in"):
        export(location, make_rows(10), spool_dir=tmp_path / "none")
    manifest = export(location, make_rows(10), spool_dir=tmp_path)
    with pytest.raises(ArchiveUnavailable, match="Cannot write temporary files in"):
        verify_files(location, manifest, spool_dir=tmp_path / "none")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format", FORMATS)
def test_a_full_disk_under_the_spool(
    location: ArchiveLocation, format: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.BytesIO):
        def write(self, data: Any, /) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tempfile, "TemporaryFile", lambda dir: Full())
    with pytest.raises(ArchiveUnavailable, match="the disk is full"):
        export(location, make_rows(10), format=format)
    assert list(location.list()) == []


KILLED = """
import os, signal, sys
sys.path[:0] = sys.argv[3:]
from pathlib import Path
from tests.archive_rows import END, START, make_rows
from tests.archive_files import export_rows
from coldstream.archive.storage.location import ArchiveLocation
rows = make_rows(30_000)
def batches():
    yield rows[:25_000]
    os.kill(os.getpid(), signal.SIGKILL)
export_rows(ArchiveLocation.open(sys.argv[1]), batches(), schema="message_store",
    chunk_name="c", range_start=START, range_end=END, spool_dir=Path(sys.argv[2]))
"""


def test_a_killed_export_leaves_nothing_and_runs_again(tmp_path: Path) -> None:
    archive, spool = tmp_path / "archive", tmp_path / "spool"
    spool.mkdir()
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, str(archive), str(spool), *sys.path], check=False
    )
    assert ended.returncode == -signal.SIGKILL
    assert list(spool.iterdir()) == []
    assert os.listdir(archive) == []  # noqa: PTH208
    location = ArchiveLocation.open(str(archive))
    manifest = export(location, make_rows(30_000), spool_dir=spool)
    verify_files(location, manifest)
    assert manifest.rows == 30_000


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("rows", [19, 21, 20_000_000])
def test_a_file_of_other_rows_than_its_manifest_says(
    location: ArchiveLocation, format: Format, rows: int
) -> None:
    manifest = export(location, make_rows(20), format=format)
    digest = manifest.digest.replace(":20:", f":{rows}:")
    said = with_file(replace(manifest, rows=rows, digest=digest), rows=rows, digest=digest)
    with pytest.raises(ArchiveCorrupt, match=r"has (20|more) rows"):
        verify_files(location, said)
    with pytest.raises(ArchiveCorrupt, match=r"has (20|more) rows"):
        list(archived_rows(location, said))


def as_file(location: ArchiveLocation, table: pa.Table, **options: Any) -> Manifest:
    """A manifest of other Parquet, whose hashes are right: somebody meant it."""
    file = io.BytesIO()
    pq.write_table(table, file, **options)
    data = file.getvalue()
    manifest = export(location, make_rows(20))
    footer = int.from_bytes(data[-8:-4], "little") + 8
    hash = sha256(data).hexdigest()
    key = f"{manifest.keys[0].rpartition('/')[0]}/messages-{hash}.parquet"
    location.create(key, data)
    return with_file(
        manifest,
        key=key,
        bytes=len(data),
        sha256=hash,
        footer_bytes=footer,
        footer_sha256=sha256(data[-footer:]).hexdigest(),
    )


STRUCT = pa.array([dict.fromkeys(COLUMNS[1:], "x")] * 20)


@pytest.mark.parametrize(
    "table",
    [
        pa.table({"a": range(20)}),
        pa.table({name: ["x"] * 20 for name in COLUMNS}),
        pa.table({"global_position": STRUCT}),
        pa.table([pa.array(range(20)), STRUCT], names=["global_position", "position"]),
        pa.table([pa.array(range(20))] * 9, names=["id"] * 9),
    ],
    ids=["a", "texts", "inside one", "inside another", "one name"],
)
def test_parquet_of_another_schema(location: ArchiveLocation, table: pa.Table) -> None:
    manifest = as_file(location, table)
    with pytest.raises(ArchiveCorrupt, match="Not an archive file"):
        verify_files(location, manifest)
    with pytest.raises(ArchiveCorrupt, match="Not an archive file"):
        list(archived_rows(location, manifest))
    with pytest.raises(ArchiveCorrupt, match="Not an archive file"):
        list(ArchiveReader(location).read_stream([manifest], "a"))


def test_a_row_group_of_many_rows(location: ArchiveLocation) -> None:
    """A few kilobytes in the file, and whatever it likes in memory."""
    (one,) = to_batches(make_rows(1))
    table = pa.Table.from_batches([one]).take(pa.array([0] * 50_000))
    manifest = as_file(location, table, compression="zstd")
    with pytest.raises(ArchiveCorrupt, match="more than 10000 rows together"):
        verify_files(location, manifest)
    with pytest.raises(ArchiveCorrupt, match="more than 10000 rows together"):
        list(ArchiveReader(location).read_stream([manifest], "a"))
