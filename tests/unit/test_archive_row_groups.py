"""Row groups are cut by their size in the file, whatever the messages are like."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pyarrow.parquet as pq
import pytest
from tests.archive_files import write_parquet

from coldstream.archive.format.row_groups import ROW_GROUP_BYTES, ROW_GROUP_ROWS, RowGroups
from coldstream.archive.format.rows import Row

START = datetime(2026, 11, 3, tzinfo=UTC)


def batches(count: int, noise: int, per_stream: int = 10, size: int = 500) -> Iterator[list[Row]]:
    """Messages whose JSON has so many random bytes, which do not compress, in hexadecimal."""
    random = Random(1)
    batch: list[Row] = []
    for number in range(count):
        stream, position = divmod(number, per_stream)
        body = json.dumps({"reference": random.randbytes(noise).hex(), "text": "lorem " * 80})
        time = START + timedelta(seconds=number)
        name = f"account-{stream:09d}"
        id = UUID(bytes=random.randbytes(16))
        batch.append((number + 1, position, time, name, "Deposited", body, None, id, "account"))
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def groups(file: io.BytesIO) -> list[tuple[int, int]]:
    """The rows of each row group, and its bytes in the file."""
    footer = pq.read_metadata(file)
    found: list[tuple[int, int]] = []
    for number in range(footer.num_row_groups):
        group: Any = footer.row_group(number)
        columns = range(group.num_columns)
        size = sum(group.column(c).total_compressed_size for c in columns)
        found.append((group.num_rows, size))
    return found


def written(rows: Iterator[list[Row]]) -> io.BytesIO:
    file = io.BytesIO()
    write_parquet(file, rows)
    return file


@pytest.mark.parametrize(("count", "noise"), [(12_000, 100), (1_500, 5_000)])
def test_they_are_of_one_size_in_the_file(count: int, noise: int) -> None:
    found = groups(written(batches(count, noise)))
    assert sum(rows for rows, _ in found) == count
    assert max(size for _, size in found) < 1.15 * ROW_GROUP_BYTES
    # The first two are cut before anything is known, the last has what is left.
    assert min(size for _, size in found[2:-1]) > 0.85 * ROW_GROUP_BYTES


def test_small_messages_are_bounded_by_their_number() -> None:
    found = groups(written(batches(25_000, 0)))
    # The last stream of ten goes into the next one.
    assert [rows for rows, _ in found][-2:] == [9_990, 25_000 - sum(r for r, _ in found[:-1])]
    assert max(rows for rows, _ in found) <= ROW_GROUP_ROWS


@pytest.mark.parametrize("size", [7, 500])
def test_a_small_stream_is_in_one_of_them(size: int) -> None:
    """Whatever the batches are, and where they end."""
    file = written(batches(8_000, 100, 37, size))
    reader = pq.ParquetFile(file)
    names = [
        set(reader.read_row_group(n, columns=["stream_name"])["stream_name"].to_pylist())
        for n in range(reader.num_row_groups)
    ]
    assert len(names) > 3
    assert sum(map(len, names)) == len(set().union(*names))


def test_one_stream_is_cut_as_many_are() -> None:
    one, many = (groups(written(batches(8_000, 100, n))) for n in (8_000, 10))
    assert abs(len(one) - len(many)) <= 1


def test_the_same_rows_make_the_same_file() -> None:
    assert written(batches(5_000, 100)).getvalue() == written(batches(5_000, 100)).getvalue()


def test_what_fails_in_the_thread_is_the_callers_error() -> None:
    class Full(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: Any, /) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(Exception, match="the disk is full"):
        write_parquet(Full(), batches(5_000, 100))


def test_a_file_is_full_when_it_ends_where_a_stream_does() -> None:
    groups = RowGroups(batches(12_000, 100, 37), file_rows=6_000)
    files: list[list[str]] = []
    while groups.more:
        names: list[str] = []
        for group in groups.file():
            names += [name for batch in group for name in batch["stream_name"].to_pylist()]
            groups.written(300_000)
        files.append(names)
    assert sum(map(len, files)) == 12_000
    assert all(0.8 * 6_000 < len(names) <= 6_000 for names in files[:-1])
    assert sum(len(set(names)) for names in files) == len(set().union(*files))
