"""What one stream of a large chunk costs: requests and bytes, counted where the store is asked."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.archive_files import export_rows, read_category

from coldstream.archive.format.row_groups import FILE_ROW_GROUPS, ROW_GROUP_BYTES
from coldstream.archive.format.rows import COLUMNS
from coldstream.archive.manifest.manifest import Manifest
from coldstream.archive.read.reader import ArchiveReader
from coldstream.archive.storage.location import ArchiveLocation

ROWS = 200_000
START = datetime(2026, 11, 3, tzinfo=UTC)
REQUESTS = 4
BYTES = 1_000_000
LONG = "account-long"
LONG_ROWS = 5000


class Counted(ArchiveLocation):
    """A location that counts what is asked of it."""

    requests = 0
    received = 0

    def get_range(self, key: str, start: int, length: int) -> bytes:
        self.requests += 1
        self.received += length
        return super().get_range(key, start, length)


def names() -> list[str]:
    """Streams of 10, and one that is cut by the end of a row group wherever that falls."""
    streams = (ROWS - LONG_ROWS) // 10
    found = [f"account-{number:07d}0" for number in range(streams) for _ in range(10)]
    return sorted([*found, *[LONG] * LONG_ROWS])


def rows() -> pa.RecordBatch:
    chosen = random.Random(1)
    numbers = range(ROWS)
    bodies = [f'{{"amount": {n}, "reference": "{chosen.getrandbits(400):x}"}}' for n in numbers]
    columns = {
        "global_position": pa.array(chosen.sample(numbers, ROWS), pa.int64()),
        "position": pa.array([n % 10 for n in range(ROWS - LONG_ROWS)] + [*range(LONG_ROWS)]),
        "time": pa.array(
            [START + timedelta(microseconds=n) for n in numbers], pa.timestamp("us", "UTC")
        ),
        "stream_name": pa.array(names()),
        "type": pa.array(["Deposited"] * ROWS),
        "data": pa.array(bodies),
        "metadata": pa.array([None] * ROWS, pa.string()),
        "id": pa.array([chosen.randbytes(16) for _ in numbers], pa.binary(16)),
        "category": pa.array(["account"] * ROWS),
    }
    return pa.record_batch([columns[name] for name in COLUMNS], names=list(COLUMNS))


@pytest.fixture(scope="module")
def location() -> Counted:
    return Counted.open("memory://")  # type: ignore[return-value]


@pytest.fixture(scope="module")
def manifest(location: Counted) -> Manifest:
    batch = rows()
    return export_rows(
        location,
        (batch.slice(start, 5_000) for start in range(0, ROWS, 5_000)),
        schema="s",
        chunk_name="c",
        range_start=START,
        range_end=START + timedelta(days=1),
    )


@pytest.fixture
def groups(location: Counted, manifest: Manifest) -> list[tuple[str, str]]:
    """The first and the last name of each row group."""
    footer = pq.read_metadata(pa.BufferReader(location.get(manifest.files[0].key)))
    found = [footer.row_group(n).column(3).statistics for n in range(footer.num_row_groups)]
    assert len(found) > 20
    return [(each.min, each.max) for each in found]


def read(
    location: Counted, manifest: Manifest, name: str, position: int = 0, certain: bool = False
) -> list[int]:
    """The positions that a reader without anything in memory gives, within the budget."""
    location.requests = location.received = 0
    keys = {manifest.files[0].key} if certain else set()
    messages = ArchiveReader(location).read_stream([manifest], name, position, certain=keys)
    found = [m.position for m in messages]
    assert location.requests <= REQUESTS
    assert location.received <= BYTES
    return found


def test_the_first_the_last_and_those_between(
    location: Counted, manifest: Manifest, groups: list[tuple[str, str]]
) -> None:
    every = names()
    chosen = [every[0], every[-LONG_ROWS - 1], *every[5 : ROWS - LONG_ROWS : 19_999]]
    for name in [*chosen, *groups[10], *groups[11]]:
        assert read(location, manifest, name) == list(range(10))
        assert read(location, manifest, name, 9) == [9]
        assert read(location, manifest, name, 10) == []


def test_a_stream_that_is_there_costs_two_requests(
    location: Counted, manifest: Manifest, groups: list[tuple[str, str]]
) -> None:
    between = next(name for name in names() if groups[7][0] < name < groups[7][1])
    assert read(location, manifest, between) == list(range(10))
    assert location.requests == 3
    assert read(location, manifest, between, certain=True) == list(range(10))
    assert location.requests == 2


def test_a_stream_in_two_row_groups(
    location: Counted, manifest: Manifest, groups: list[tuple[str, str]]
) -> None:
    assert sum(LONG in each for each in groups) == 2
    assert read(location, manifest, LONG) == list(range(LONG_ROWS))
    assert location.requests == 2
    assert read(location, manifest, LONG, LONG_ROWS - 1) == [LONG_ROWS - 1]


def test_an_absent_stream_between_two_others_costs_the_names(
    location: Counted, manifest: Manifest, groups: list[tuple[str, str]]
) -> None:
    for number in (0, 7, -2):
        first, last = groups[number]
        absent = f"{first}x"
        assert first < absent < last
        assert read(location, manifest, absent) == []
        assert location.requests == 2
        assert location.received < 200_000


def test_an_absent_stream_between_two_row_groups_costs_the_footer(
    location: Counted, manifest: Manifest, groups: list[tuple[str, str]]
) -> None:
    assert read(location, manifest, f"{groups[7][1]}x") == []
    assert location.requests == 1


def test_a_replay_asks_for_several_row_groups_at_once(
    location: Counted, manifest: Manifest, groups: list[tuple[str, str]]
) -> None:
    location.requests = 0
    messages = sum(1 for _ in read_category(ArchiveReader(location), [manifest], "account"))
    assert messages == ROWS
    # The footer, the positions of each row group, and two passes over all of it, of which each
    # would otherwise ask for each row group.
    assert location.requests < 1 + len(groups) + len(groups)


def test_a_stream_of_a_large_chunk(location: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file has so many row groups that its footer, and what a stream needs of it, is in bounds;
    the other files are not opened. Row groups are smaller here, so that there are many."""
    monkeypatch.setattr("coldstream.archive.format.row_groups.ROW_GROUP_ROWS", 50)
    batch = rows()
    large = export_rows(
        location,
        (batch.slice(start, 5_000) for start in range(0, 50_000, 5_000)),
        schema="large",
        chunk_name="c",
        range_start=START,
        range_end=START + timedelta(days=1),
    )
    assert len(large.files) == 6
    for file in large.files:
        footer = pq.read_metadata(pa.BufferReader(location.get(file.key)))
        assert footer.num_row_groups <= FILE_ROW_GROUPS
        assert file.footer_bytes is not None
        # Two row groups may be fetched beside it.
        assert file.footer_bytes <= BYTES - 2 * ROW_GROUP_BYTES
    for name in (names()[0], names()[25_005], str(large.files[1].last_stream_name)):
        assert read(location, large, name) == list(range(10))


def test_a_file_ends_before_a_stream_that_would_be_cut(
    location: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coldstream.archive.format.row_groups.ROW_GROUP_ROWS", 4_000)
    batch = rows()
    manifest = export_rows(
        location,
        [batch],
        schema="two",
        chunk_name="c",
        range_start=START,
        range_end=START + timedelta(days=1),
        file_rows=ROWS - LONG_ROWS // 2,
    )
    first, second = manifest.files
    assert first.last_stream_name != second.first_stream_name
    assert read(location, manifest, LONG) == list(range(LONG_ROWS))
    assert read(location, manifest, LONG, LONG_ROWS - 1) == [LONG_ROWS - 1]
