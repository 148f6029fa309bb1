"""A Parquet file that unpacks to more than it may: refused before it is unpacked."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.archive_files import export_rows
from tests.archive_rows import END, START, batches, large_json, make_rows

from coldstream.archive.format import pages, parquet_rows
from coldstream.archive.format.parquet import writer_options
from coldstream.archive.format.parquet_rows import open_parquet, read_batches
from coldstream.archive.format.rows import COLUMNS, SCHEMA, to_batches
from coldstream.archive.read.verify import verify_files
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.errors import ArchiveCorrupt

ROWS = make_rows(1_000)


def plain(rows: int = 10_000, /, **texts: str) -> pa.Table:
    columns = {
        name: pa.repeat(next(iter(to_batches(ROWS[:1]))).column(name)[0], rows) for name in COLUMNS
    }
    for name, text in texts.items():
        columns[name] = pa.repeat(pa.scalar(text, pa.string()), rows)
    return pa.table(list(columns.values()), schema=SCHEMA)


def written(table: pa.Table, **options: Any) -> bytes:
    file = io.BytesIO()
    with pq.ParquetWriter(file, table.schema, **writer_options() | options) as writer:
        writer.write_table(table, row_group_size=10_000)
    return file.getvalue()


def refused(data: bytes, message: str) -> None:
    """It is refused, and next to nothing was taken for it."""
    before = pa.total_allocated_bytes()
    peak = pa.default_memory_pool().max_memory() or 0
    with pytest.raises(ArchiveCorrupt, match=message):
        for _ in read_batches(io.BytesIO(data)):
            pass
    assert pa.total_allocated_bytes() - before < 50_000_000
    assert (pa.default_memory_pool().max_memory() or 0) <= max(peak, before + 50_000_000)


@pytest.fixture
def a_tenth(monkeypatch: pytest.MonkeyPatch) -> int:
    """Of the bound, so that the test itself takes no gigabyte."""
    most = pages.MOST_BYTES // 10
    monkeypatch.setattr(parquet_rows, "MOST_BYTES", most)
    return most


def test_more_than_a_row_group_may_have(a_tenth: int) -> None:
    data = written(plain(data="x" * (a_tenth // 9_000)))
    assert len(data) < 1_000_000
    refused(data, "more than a gigabyte together")


@pytest.mark.parametrize("name", ["type", "category"])
def test_a_text_of_a_dictionary_that_every_row_has(name: str, a_tenth: int) -> None:
    """The footer says how large the dictionary is, and not how large what it unpacks to."""
    data = written(plain(**{name: "x" * (a_tenth // 9_000)}))
    footer = pq.read_metadata(io.BytesIO(data))
    assert footer.row_group(0).total_byte_size < a_tenth // 100
    refused(data, f"the column {name} has")


def test_a_long_type_that_few_rows_have(a_tenth: int) -> None:
    """Only what is there counts: a long name among many short ones is no bomb."""
    long = pa.concat_tables([plain(9_999), plain(1, type="x" * (a_tenth // 9_000))])
    data = written(long.combine_chunks())
    assert sum(batch.num_rows for batch in read_batches(io.BytesIO(data))) == 10_000


@pytest.mark.parametrize("name", ["data", "stream_name"])
def test_dictionaries_where_there_are_none(name: str) -> None:
    data = written(
        plain(**{name: "x" * 1_000}),
        use_dictionary=["type", "category", name],
        column_encoding=None,
    )
    refused(data, f"the column {name} has a dictionary")


def test_an_encoding_that_repeats_what_came_before() -> None:
    encodings = writer_options()["column_encoding"] | {"data": "DELTA_BYTE_ARRAY"}
    refused(written(plain(data="x" * 1_000), column_encoding=encodings), "has an encoding")


def varint(number: int) -> bytes:
    """As Thrift's compact protocol has it."""
    number, found = number << 1, bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def test_pages_that_unpack_to_more_than_the_footer_says() -> None:
    data = written(plain(data="x" * 2_000))
    group = pq.read_metadata(io.BytesIO(data)).row_group(0)
    said = group.column(COLUMNS.index("data")).total_uncompressed_size
    length = int.from_bytes(data[-8:-4], "little")
    footer = data[-8 - length : -8]
    assert footer.count(varint(said)) == 1
    lying = footer.replace(varint(said), varint(said // 2))
    assert len(lying) == len(footer)
    refused(data[: -8 - length] + lying + data[-8:], "unpacks to more than")


def test_a_header_that_says_more_than_the_footer() -> None:
    """As much memory as a page's header says is taken before anything of it is unpacked."""
    data = written(plain(data="x" * 2_000))
    column = pq.read_metadata(io.BytesIO(data)).row_group(0).column(COLUMNS.index("data"))
    start = column.data_page_offset
    header, _ = pages._header(lambda at, size: data[at : at + size], start, len(data))
    page = varint(header[2])
    at = data.index(page, start)
    larger = varint(2 ** (7 * len(page) - 2) - 1)
    assert len(larger) == len(page)
    refused(data[:at] + larger + data[at + len(page) :], "unpacks to more than|without a header")


@pytest.mark.parametrize("damage", [b"\xff" * 40, b"\x00" * 40, b"\x1c" * 40, b"\x19" * 40])
def test_headers_that_are_none(damage: bytes) -> None:
    data = written(plain(10))
    column = pq.read_metadata(io.BytesIO(data)).row_group(0).column(COLUMNS.index("data"))
    start = column.data_page_offset
    refused(data[:start] + damage + data[start + len(damage) :], "without a header|values, not")


@pytest.mark.parametrize("format", ["folder", "memory"])
def test_what_is_exported_is_inside_of_the_bounds(format: str, tmp_path: Path) -> None:
    """A large message among small ones, as large as a row group may be without it."""
    rows = make_rows(400)
    large = large_json(40_000_000)
    rows[7] = (*rows[7][:5], large, *rows[7][6:])
    rows[9] = (*rows[9][:5], large, large, *rows[9][7:])
    location = ArchiveLocation.open(tmp_path.as_uri() if format == "folder" else "memory://")
    manifest = export_rows(
        location,
        batches(rows),
        schema="s",
        chunk_name="c",
        range_start=START,
        range_end=END,
    )
    verify_files(location, manifest)
    found = pq.read_metadata(io.BytesIO(location.get(manifest.keys[0])))
    sizes = [found.row_group(number).total_byte_size for number in range(found.num_row_groups)]
    assert max(sizes) < 2 * 32 * 1024 * 1024 + 2 * len(large)


def test_a_path_and_a_file_are_checked_alike(tmp_path: Path, a_tenth: int) -> None:
    path = tmp_path / "bomb.parquet"
    path.write_bytes(written(plain(type="x" * (a_tenth // 9_000))))
    rows = open_parquet(path)
    with pytest.raises(ArchiveCorrupt, match="the column type has"):
        list(rows.batches())
    rows.close()
