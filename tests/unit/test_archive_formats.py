"""What holds for both file formats."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
from tests.archive_files import Kind, in_global_order
from tests.archive_rows import batches, large_json, make_rows

from coldstream.archive.format.digest import RowsDigest
from coldstream.archive.format.rows import Batch, Row, to_batches
from coldstream.archive.read import ordering
from coldstream.errors import ArchiveCorrupt
from coldstream.messages.message import Message


@pytest.fixture(params=["parquet", "csv"])
def format(request: pytest.FixtureRequest) -> Kind:
    return Kind(request.param)


def written(format: Kind, rows: list[Row], size: int = 700) -> io.BytesIO:
    file = io.BytesIO()
    format.write(file, batches(rows, size))
    return file


def as_row(message: Message) -> Row:
    return (
        message.global_position,
        message.position,
        message.time,
        message.stream_name,
        message.type,
        message.data_text,
        message.metadata_text,
        message.id,
        message.category,
    )


def flat(lists: Iterator[list[Row]]) -> list[Row]:
    return [row for rows in lists for row in rows]


def test_round_trip(format: Kind, tmp_path: Path) -> None:
    rows = make_rows(12_345)
    path = tmp_path / "file"
    stats = format.write(path, batches(rows))
    assert flat(format.read_rows(path)) == rows
    assert path.stat().st_size == stats.bytes
    assert stats.rows == 12_345
    assert stats.streams == len({row[3] for row in rows})
    assert (stats.first_global_position, stats.last_global_position) == (1, 12_345)
    assert stats.first_time == min(row[2] for row in rows)
    assert stats.last_time == max(row[2] for row in rows)
    digest = RowsDigest()
    digest.update(rows)
    assert stats.digest == str(digest)
    for summary in stats.categories:
        positions = [row[0] for row in rows if row[8] == summary.category]
        assert summary.messages == len(positions)
        assert summary.first_global_position == min(positions)
        assert summary.last_global_position == max(positions)
    assert [each.category for each in stats.categories] == sorted({row[8] for row in rows})


def test_tuples_and_record_batches_give_the_same_file(format: Kind) -> None:
    rows = make_rows(1_500)
    arrow: list[Batch] = [batch for part in batches(rows, 400) for batch in to_batches(part)]
    one, two = io.BytesIO(), io.BytesIO()
    assert format.write(one, batches(rows, 1)) == format.write(two, arrow)
    assert one.getvalue() == two.getvalue()


@pytest.mark.parametrize("ids", [pa.binary(16), pa.uuid(), pa.string()], ids=str)
def test_plain_arrow_columns_are_taken_too(format: Kind, ids: pa.DataType) -> None:
    rows = make_rows(10)
    (batch,) = to_batches(rows)
    columns = {name: batch.column(name) for name in reversed(batch.schema.names)}
    columns["data"] = columns["data"].cast(pa.large_string())
    if ids != pa.string():
        columns["id"] = pa.array([row[7].bytes for row in rows], pa.binary(16))
    if ids == pa.uuid():
        columns["id"] = pa.ExtensionArray.from_storage(ids, columns["id"])
    columns["time"] = columns["time"].cast(pa.timestamp("us", tz="America/New_York"))
    plain = pa.RecordBatch.from_pydict(columns)
    file = io.BytesIO()
    format.write(file, [plain])
    assert flat(format.read_rows(file)) == rows


@pytest.mark.parametrize(
    "id",
    [
        "0192D3A4-0000-7000-8000-000000000001",
        "0192d3a4000070008000000000000001",
        "0192d3a4-0000-7000-8000-000000000001\n",
        "{192d3a4-0000-7000-8000-00000000000}",
        "0192d3a40-000-7000-8000-000000000001",
        "",
    ],
    ids=repr,
)
def test_an_id_has_one_form(format: Kind, id: str) -> None:
    (batch,) = to_batches(make_rows(3))
    columns = {name: batch.column(name) for name in batch.schema.names}
    columns["id"] = pa.array([*columns["id"].to_pylist()[:2], id])
    with pytest.raises(ValueError, match="An id is not a UUID in lower case"):
        format.write(io.BytesIO(), [pa.RecordBatch.from_pydict(columns)])


@pytest.mark.parametrize("given", [[], [[]], [[], []]], ids=str)
def test_no_rows(format: Kind, given: list[list[Row]]) -> None:
    file = io.BytesIO()
    stats = format.write(file, given)
    assert (stats.rows, stats.streams, stats.categories) == (0, 0, ())
    assert stats.first_global_position is None
    assert stats.last_time is None
    assert flat(format.read_rows(file)) == []
    assert list(format.read_stream(file, "a-1", 0)) == []
    assert list(format.read_category(file, None)) == []


def test_empty_batches_between_others(format: Kind) -> None:
    rows = make_rows(50)
    file = io.BytesIO()
    format.write(file, [[], rows[:20], [], [], rows[20:], []])
    assert flat(format.read_rows(file)) == rows


def test_text_is_kept_byte_for_byte(format: Kind) -> None:
    texts = [
        None,
        "",
        "null",
        '"',
        '""',
        '{"a": 1.00}',
        "[1e400]",
        "\r\n",
        "é e\u0301 🌊",
        ",",
        "-",
    ]
    texts.append(large_json(3_000_000))
    rows: list[Row] = [
        (n + 1, n, datetime(2026, 11, 3, tzinfo=UTC), "a-1", "", text, other, UUID(int=n), "a")
        for n, (text, other) in enumerate(zip(texts, reversed(texts), strict=True))
    ]
    file = io.BytesIO()
    format.write(file, [rows])
    assert flat(format.read_rows(file)) == rows
    assert [as_row(message) for message in format.read_stream(file, "a-1")] == rows


@pytest.mark.parametrize("swap", [(0, 1), (699, 700), (1_498, 1_499)])
def test_rows_out_of_order_are_refused(format: Kind, swap: tuple[int, int]) -> None:
    rows = make_rows(1_500)
    one, other = swap
    rows[one], rows[other] = rows[other], rows[one]
    with pytest.raises(ArchiveCorrupt, match="Rows out of order"):
        format.write(io.BytesIO(), batches(rows))


def test_the_order_is_by_utf8_bytes(format: Kind) -> None:
    names = ["B-1", "a", "a+b-1", "a-1", "a-10", "a-2", "a.b-1", "é-1", "\ue000-1", "🌊-1"]
    assert names == sorted(names, key=lambda name: name.encode())
    time = datetime(2026, 11, 3, tzinfo=UTC)
    rows: list[Row] = [
        (n + 1, 0, time, name, "T", None, None, UUID(int=n), name.partition("-")[0])
        for n, name in enumerate(names)
    ]
    file = io.BytesIO()
    format.write(file, [rows])
    for row in rows:
        assert [as_row(m) for m in format.read_stream(file, row[3])] == [row]
    rows[2], rows[3] = rows[3], rows[2]
    with pytest.raises(ArchiveCorrupt, match=r"'a-1' at 0, then 'a\+b-1' at 0"):
        format.write(io.BytesIO(), [rows])


@pytest.mark.parametrize(
    ("at", "value", "error"),
    [
        (0, None, "global_position holds NULL"),
        (3, None, "stream_name holds NULL"),
        (2, datetime(2026, 11, 3), "has no time zone"),
        (0, "1", "Not an archive row"),
        (0, 2**63, "Not an archive row"),
        (5, {"a": 1}, "Not an archive row"),
        (7, "0192d3a4-b5c6-7d8e-9fa0-b1c2d3e4f506", "Not an archive row"),
        (5, "\ud800", "Not an archive row"),
    ],
)
def test_what_is_no_row_is_refused(format: Kind, at: int, value: Any, error: str) -> None:
    row: list[Any] = list(make_rows(1)[0])
    row[at] = value
    with pytest.raises(ValueError, match=error):
        format.write(io.BytesIO(), [[tuple(row)]])


def test_a_missing_column_is_refused(format: Kind) -> None:
    (batch,) = to_batches(make_rows(1))
    with pytest.raises(ValueError, match="The column id is missing"):
        format.write(io.BytesIO(), [batch.drop_columns(["id"])])


def test_an_infinite_time_is_refused(format: Kind) -> None:
    (batch,) = to_batches(make_rows(1))
    # PostgreSQL's infinity, as its binary protocol and therefore ADBC give it.
    infinity = pa.array([2**63 - 1], pa.int64()).cast(pa.timestamp("us", tz="UTC"))
    with pytest.raises(ValueError, match="years 1 to 9999"):
        format.write(io.BytesIO(), [batch.set_column(2, "time", infinity)])


def test_a_category_that_is_not_the_streams_is_refused(format: Kind) -> None:
    row = make_rows(1)[0]
    with pytest.raises(ArchiveCorrupt, match="has the category 'other'"):
        format.write(io.BytesIO(), [[(*row[:8], "other")]])


def test_read_stream_from_a_position(format: Kind) -> None:
    rows = make_rows(25_000)
    file = written(format, rows, 10_000)
    for name in (rows[0][3], rows[9_999][3], rows[12_345][3], rows[-1][3]):
        whole = [row for row in rows if row[3] == name]
        assert [as_row(m) for m in format.read_stream(file, name)] == whole
        middle = whole[len(whole) // 2][1]
        later = [as_row(m) for m in format.read_stream(file, name, middle)]
        assert later == [row for row in whole if row[1] >= middle]
        assert list(format.read_stream(file, name, whole[-1][1] + 1)) == []
    for absent in ("", "a-none", "zzz-1", rows[0][3] + "0"):
        assert list(format.read_stream(file, absent)) == []


@pytest.mark.parametrize("category", [None, "a", "account", "über,komma", "none"])
def test_read_category_in_global_order(format: Kind, category: str | None) -> None:
    rows = make_rows(6_000, first_global_position=1_000_000)
    file = written(format, rows)
    wanted = sorted(row for row in rows if category is None or row[8] == category)
    assert [as_row(m) for m in format.read_category(file, category)] == wanted
    for low, high in ((0, 1_000_000), (1_002_000, 1_002_500), (1_005_999, None), (2_000_000, None)):
        found = [as_row(m) for m in format.read_category(file, category, low, high)]
        assert found == [
            row for row in wanted if row[0] >= low and (high is None or row[0] <= high)
        ]


@pytest.mark.parametrize("window", [1, 7, 500, 1_999, 2_001, 100_000])
def test_the_order_does_not_depend_on_the_window(format: Kind, window: int) -> None:
    rows = make_rows(2_000, first_global_position=77)
    # Gaps, as rolled-back writes leave them, one of them far wider than a window.
    gap = random.Random(9)
    shift = {row[0]: row[0] * 3 + (10**9 if row[0] > 900 else 0) for row in rows}
    rows = [(shift[row[0]] + gap.randrange(3), *row[1:]) for row in rows]
    file = written(format, rows)
    source = format.open(file)
    found = in_global_order(source, None, window_rows=window)
    assert [as_row(m) for m in chain.from_iterable(found)] == sorted(rows)
    part = in_global_order(source, "account", sorted(rows)[500][0], window_rows=window)
    wanted = [row for row in sorted(rows)[500:] if row[8] == "account"]
    assert [as_row(m) for m in chain.from_iterable(part)] == wanted
    source.close()


def test_wide_buckets_do_not_reach_past_what_was_asked(
    format: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordering, "_BUCKETS", 16)
    rows = make_rows(3_000)
    file = written(format, rows)
    for low, high in ((1_234, 1_999), (1_999, None), (0, 1_001)):
        found = [m.global_position for m in format.read_category(file, None, low, high)]
        assert found == list(range(max(1, low), (high or 3_000) + 1))


def test_windows_are_no_larger_than_asked(format: Kind) -> None:
    rows = make_rows(3_000)
    file = written(format, rows)
    source = format.open(file)
    ranges = ordering.windows(source, "account", 100, 2_900, rows=50)
    source.close()
    wanted = [row[0] for row in rows if row[8] == "account" and 100 <= row[0] <= 2_900]
    inside = [[g for g in wanted if low <= g <= high] for low, high in ranges]
    assert sum(map(len, inside)) == len(wanted)
    assert max(map(len, inside)) <= 50
    assert all(low <= high for low, high in ranges)


def test_an_iterator_left_early_leaves_nothing_open(format: Kind) -> None:
    # Warnings are errors: an unclosed file would fail this test when it is collected.
    file = written(format, make_rows(3_000))
    source = format.open(file)
    messages = in_global_order(source, None, window_rows=100)
    found = [m.global_position for _ in range(5) for m in next(messages)]
    assert found == list(range(1, len(found) + 1))
    assert 0 < len(found) <= 500
    messages.close()  # type: ignore[attr-defined]
    source.close()
    assert not file.closed


@pytest.mark.parametrize("keep", [0, 1, 10, 0.3, 0.9, -1])
def test_a_truncated_file_is_found_out(format: Kind, keep: float) -> None:
    whole = written(format, make_rows(500)).getvalue()
    cut = whole[: int(keep * len(whole)) if isinstance(keep, float) else keep]
    with pytest.raises(ArchiveCorrupt):
        flat(format.read_rows(io.BytesIO(cut)))


def test_another_kind_of_file_is_found_out(format: Kind) -> None:
    for other in (b"", b"hello", b"PAR1" * 10, bytes(1_000), "global_position,é".encode("latin-1")):
        with pytest.raises(ArchiveCorrupt):
            flat(format.read_rows(io.BytesIO(other)))


def test_the_statistics_compare(format: Kind) -> None:
    # Other tests compare whole FileStats: they must tell a difference.
    stats = format.write(io.BytesIO(), [make_rows(5)])
    assert replace(stats, rows=6) != stats
