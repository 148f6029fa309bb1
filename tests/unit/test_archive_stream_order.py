"""A stream's messages in order of position, though its times are in another order."""

from __future__ import annotations

import random
from datetime import datetime

import pytest
from tests.archive_files import export_rows
from tests.archive_rows import START, batches, make_rows
from tests.unit.test_archive_reader import DAY

from coldstream.archive.format.rows import Row
from coldstream.archive.manifest.manifest import Manifest
from coldstream.archive.read import reader as reader_module
from coldstream.archive.read.reader import ArchiveReader
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.errors import ArchiveCorrupt
from coldstream.settings import Format


def shuffled(seed: int) -> list[Row]:
    """A few thousand rows, their times dealt anew within each stream."""
    rows = make_rows(3_000, seed=seed)
    chosen = random.Random(seed)
    times: dict[str, list[datetime]] = {}
    for row in rows:
        times.setdefault(row[3], []).append(row[2])
    for each in times.values():
        chosen.shuffle(each)
    return [(*row[:2], times[row[3]].pop(), *row[3:]) for row in rows]


def archived(location: ArchiveLocation, rows: list[Row], format: Format) -> list[Manifest]:
    manifests = []
    for day in range(3):
        start, end = START + day * DAY, START + (day + 1) * DAY
        part = [row for row in rows if start <= row[2] < end]
        manifests.append(
            export_rows(
                location,
                batches(part),
                schema="message_store",
                chunk_name=f"chunk_{day}",
                range_start=start,
                range_end=end,
                format=format,
            )
        )
    return manifests


@pytest.mark.parametrize("format", ["parquet", "csv"])
@pytest.mark.parametrize("at_a_time", [1, 2, 7, 1_000])
@pytest.mark.parametrize("file_rows", ["", "50"], ids=["one file", "several files"])
def test_every_position_in_order(
    monkeypatch: pytest.MonkeyPatch, format: Format, at_a_time: int, file_rows: str
) -> None:
    if file_rows:
        monkeypatch.setattr("tests.archive_files.FILE_ROWS", int(file_rows))
    monkeypatch.setattr(reader_module, "_LOWEST", at_a_time)
    monkeypatch.setattr(reader_module, "_LOWEST_AT_MOST", 2 * at_a_time)
    location = ArchiveLocation.open("memory://")
    rows = shuffled(1)
    manifests = archived(location, rows, format)
    reader = ArchiveReader(location)
    name = max({row[3] for row in rows}, key=lambda name: sum(row[3] == name for row in rows))
    whole = sorted(row for row in rows if row[3] == name)
    assert len(whole) > 8
    for position in (0, 1, len(whole) // 2, len(whole) - 1, len(whole)):
        found = list(reader.read_stream(manifests, name, position))
        assert [m.position for m in found] == list(range(position, len(whole)))
        assert [m.global_position for m in found] == [row[0] for row in whole[position:]]


@pytest.mark.parametrize("format", ["parquet", "csv"])
def test_who_says_that_it_is_in_order_is_contradicted(format: Format) -> None:
    location = ArchiveLocation.open("memory://")
    rows = shuffled(2)
    manifests = archived(location, rows, format)
    name = max({row[3] for row in rows}, key=lambda name: sum(row[3] == name for row in rows))
    with pytest.raises(ArchiveCorrupt, match="has position"):
        list(ArchiveReader(location).read_stream(manifests, name, in_order=True))


def test_a_position_in_two_ranges_is_an_error() -> None:
    location = ArchiveLocation.open("memory://")
    rows = shuffled(3)
    first, second, _ = archived(location, rows, "parquet")
    one = next(row for row in rows if START <= row[2] < START + DAY)
    again = (10**6, one[1], START + 2 * DAY + (one[2] - START), *one[3:])
    _, _, third = archived(location, [again], "parquet")
    with pytest.raises(ArchiveCorrupt, match=f"has position {one[1]} after"):
        list(ArchiveReader(location).read_stream([third, second, first], one[3]))
