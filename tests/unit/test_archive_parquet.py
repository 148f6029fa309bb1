from __future__ import annotations

import io
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.archive_files import Kind, write_parquet
from tests.archive_rows import batches, large_json, make_rows

from coldstream.archive.format import parquet_rows
from coldstream.archive.format.footers import Footer, parse_footer
from coldstream.archive.format.rows import COLUMNS
from coldstream.archive.storage.remote_file import RemoteFile
from coldstream.errors import ArchiveCorrupt

PARQUET = Kind("parquet")


def written(count: int, **given: int) -> bytes:
    file = io.BytesIO()
    write_parquet(file, batches(make_rows(count, **given)), {"a": "ä"})
    return file.getvalue()


@pytest.fixture(scope="module")
def whole() -> bytes:
    return written(25_000)


def counting(data: bytes) -> RemoteFile:
    return RemoteFile(lambda start, length: data[start : start + length], len(data), "memory")


def test_plain_readers_see_these_columns(whole: bytes) -> None:
    schema = pq.ParquetFile(io.BytesIO(whole)).schema
    columns = [schema.column(number) for number in range(len(schema))]
    assert [(c.name, c.physical_type, c.logical_type.type) for c in columns] == [
        ("global_position", "INT64", "NONE"),
        ("position", "INT64", "NONE"),
        ("time", "INT64", "TIMESTAMP"),
        ("stream_name", "BYTE_ARRAY", "STRING"),
        ("type", "BYTE_ARRAY", "STRING"),
        ("data", "BYTE_ARRAY", "STRING"),
        ("metadata", "BYTE_ARRAY", "STRING"),
        ("id", "BYTE_ARRAY", "STRING"),
        ("category", "BYTE_ARRAY", "STRING"),
    ]
    assert [c.name for c in columns if c.max_definition_level] == ["data", "metadata"]
    arrow = pq.read_schema(io.BytesIO(whole))
    assert arrow.field("time").type == pa.timestamp("us", tz="UTC")
    assert [field.metadata[b"PARQUET:field_id"] for field in arrow] == [
        str(number).encode() for number in range(1, 10)
    ]


def test_a_plain_reader_gets_the_rows() -> None:
    rows = make_rows(300)
    table = pq.read_table(io.BytesIO(written(300)))
    assert table.column("data").to_pylist() == [row[5] for row in rows]
    assert table.column("id").to_pylist() == [str(row[7]) for row in rows]
    assert table.column("time").to_pylist() == [row[2] for row in rows]


def test_layout_of_the_file(whole: bytes) -> None:
    footer = pq.read_metadata(io.BytesIO(whole))
    sizes = [footer.row_group(n).num_rows for n in range(footer.num_row_groups)]
    assert sum(sizes) == 25_000
    assert 9_900 < max(sizes) <= 10_000  # streams are not cut
    assert footer.metadata[b"a"] == "ä".encode()
    group = footer.row_group(0)
    assert [s.column_index for s in group.sorting_columns] == [3, 1]
    columns = {c.path_in_schema: c for c in (group.column(n) for n in range(9))}
    assert list(columns) == list(COLUMNS)
    assert {c.compression for c in columns.values()} == {"ZSTD"}
    assert {n for n, c in columns.items() if c.has_dictionary_page} == {"type", "category"}
    for name, encoding in {
        "global_position": "PLAIN",
        "time": "PLAIN",
        "position": "DELTA_BINARY_PACKED",
        "data": "DELTA_LENGTH_BYTE_ARRAY",
        "metadata": "DELTA_LENGTH_BYTE_ARRAY",
    }.items():
        assert encoding in columns[name].encodings
    # DuckDB and Spark refuse it for integers.
    assert not [n for n, c in columns.items() if "BYTE_STREAM_SPLIT" in c.encodings]
    assert {n for n, c in columns.items() if c.bloom_filter_offset} == {"stream_name"}
    assert {n for n, c in columns.items() if not c.is_stats_set} == {"data", "metadata", "id"}


def test_large_messages_make_smaller_row_groups() -> None:
    rows = [(*row[:5], large_json(1_000_000), *row[6:]) for row in make_rows(200)]
    file = io.BytesIO()
    write_parquet(file, [rows])
    footer = pq.read_metadata(file)
    sizes = [footer.row_group(n).num_rows for n in range(footer.num_row_groups)]
    assert sum(sizes) == 200
    assert max(sizes) <= 67
    assert [row for part in parquet_rows.read_rows(file) for row in part] == rows


def test_one_stream_is_read_from_its_row_groups_alone(whole: bytes) -> None:
    rows = make_rows(25_000)
    file = counting(whole)
    opened = parquet_rows.open_parquet(file, Footer(pq.read_metadata(io.BytesIO(whole))))
    group = opened.footer.row_group(1).total_byte_size
    found = list(opened.stream(rows[15_000][3]))
    assert [m.global_position for m in found] == [r[0] for r in rows if r[3] == rows[15_000][3]]
    assert file.requests == 2  # the names, and then the rest
    assert 0 < file.fetched <= group
    assert list(opened.stream("\U0010ffff-1")) == []
    assert file.requests == 2
    opened.close()


def test_a_file_of_another_version_says_so() -> None:
    """As archives were written once: a replay, which copies rows, ended in an error of Arrow's."""
    rows = pq.read_table(io.BytesIO(written(500)))
    at = rows.schema.get_field_index("metadata")
    column = rows["metadata"].cast(pa.json_())
    file = io.BytesIO()
    pq.write_table(rows.set_column(at, rows.schema.field(at).with_type(pa.json_()), column), file)
    for read in (PARQUET.read_category, PARQUET.read_stream):
        with pytest.raises(ArchiveCorrupt, match=r"its metadata is .*json") as caught:
            list(read(file, "account"))
        assert caught.value.hint is not None


def test_a_name_too_long_for_statistics_is_still_found() -> None:
    # Parquet writers leave out ranges of long values: no range must mean "look inside".
    row = make_rows(1)[0]
    name = "long-" + "x" * 10_000
    file = io.BytesIO()
    write_parquet(file, [[(*row[:3], name, *row[4:8], "long")]])
    assert not pq.read_metadata(file).row_group(0).column(3).statistics.has_min_max
    assert len(list(PARQUET.read_stream(file, name))) == 1
    assert len(list(PARQUET.read_category(file, "long"))) == 1


def test_a_changed_bit_in_any_page_is_never_read_as_data() -> None:
    """Either the file is refused, or the bit meant nothing and the rows are the same."""
    rows = make_rows(2_000)
    whole = written(2_000)
    footer = int.from_bytes(whole[-8:-4], "little") + 8
    chosen = random.Random(11)
    refused = 0
    for _ in range(150):
        damaged = bytearray(whole)
        damaged[chosen.randrange(len(whole) - footer)] ^= 1 << chosen.randrange(8)
        try:
            found = [row for part in parquet_rows.read_rows(io.BytesIO(damaged)) for row in part]
        except ArchiveCorrupt:
            refused += 1
        else:
            assert found == rows
    assert refused > 100


def test_the_footer_alone_opens_the_file(whole: bytes) -> None:
    size = int.from_bytes(whole[-8:-4], "little") + 8
    footer = parse_footer(whole[-size:])
    assert footer.metadata.num_rows == 25_000
    file = counting(whole)
    opened = parquet_rows.open_parquet(file, footer)
    assert file.requests == 0
    assert sum(batch.num_rows for batch in opened.batches()) == 25_000
    opened.close()
    with pytest.raises(ArchiveCorrupt, match="Not a Parquet footer"):
        parse_footer(whole[-size:-1])


def test_other_parquet_files_are_refused() -> None:
    file = io.BytesIO()
    pq.write_table(pa.table({"a": [1]}), file)
    with pytest.raises(ArchiveCorrupt, match="its columns are a"):
        list(parquet_rows.read_rows(file))
