from __future__ import annotations

import io
import pickle
import threading
from contextlib import closing
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from tests.archive_files import export_rows, matches, read_category
from tests.archive_rows import END, START, batches, make_rows, with_file

from coldstream.archive.format.rows import Row
from coldstream.archive.manifest.manifest import Manifest
from coldstream.archive.read import filters
from coldstream.archive.read.reader import ArchiveReader
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.errors import ArchiveCorrupt, ArchiveUnavailable
from coldstream.messages.message import Message
from coldstream.settings import Format

ALL = make_rows(6_000)
DAY = timedelta(seconds=1_000)  # of these rows, one a second: six ranges of a thousand each


class Counting:
    """Requests and bytes that went to a location."""

    def __init__(self, location: ArchiveLocation, monkeypatch: pytest.MonkeyPatch) -> None:
        self.requests = self.bytes = 0
        get_range = location.get_range

        def counted(key: str, start: int, length: int) -> bytes:
            self.requests += 1
            self.bytes += length
            return get_range(key, start, length)

        monkeypatch.setattr(location, "get_range", counted)


def archived(
    location: ArchiveLocation, rows: list[Row], format: Format = "parquet", shift: int = 0
) -> list[Manifest]:
    """Objects of a thousand seconds each; with ``shift`` their global positions overlap."""
    manifests = []
    for day in range(6):
        start, end = START + day * DAY, START + (day + 1) * DAY
        part = [row for row in rows if start <= row[2] < end]
        # A tenth of a part's messages got their position later than the next part's first.
        part = [(row[0] + shift if row[0] % 10 == 0 else row[0], *row[1:]) for row in part]
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


@pytest.fixture(params=["parquet", "csv"])
def format(request: pytest.FixtureRequest) -> Format:
    value: Format = request.param
    return value


@pytest.fixture(autouse=True, params=[None, "130"], ids=["one file", "several files"])
def file_rows(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand messages are in one file, or in eight that cut streams where they like."""
    if request.param is not None:
        monkeypatch.setattr("tests.archive_files.FILE_ROWS", int(request.param))


@pytest.fixture
def location() -> ArchiveLocation:
    return ArchiveLocation.open("memory://")


def test_a_stream_over_all_objects(location: ArchiveLocation, format: Format) -> None:
    manifests = archived(location, ALL, format)
    reader = ArchiveReader(location)
    name = max({row[3] for row in ALL}, key=lambda name: sum(row[3] == name for row in ALL))
    whole = [row for row in ALL if row[3] == name]
    for position in (0, 1, len(whole) // 2, len(whole) - 1):
        found = list(reader.read_stream(reversed(manifests), name, position))
        assert [m.position for m in found] == list(range(position, len(whole)))
        assert [m.global_position for m in found] == [row[0] for row in whole[position:]]
        assert [m.data_text for m in found] == [row[5] for row in whole[position:]]
    assert list(reader.read_stream(manifests, name, len(whole))) == []
    assert list(reader.read_stream(manifests, "nothing-1")) == []
    assert list(reader.read_stream([], name)) == []


@pytest.mark.parametrize("shift", [0, 50 * 10, 2_500 * 10])
@pytest.mark.parametrize("category", [None, "account", "a", "none"])
def test_a_category_over_overlapping_objects(
    location: ArchiveLocation, format: Format, shift: int, category: str | None
) -> None:
    manifests = archived(location, ALL, format, shift)
    positions = sorted(
        row[0] + shift if row[0] % 10 == 0 else row[0] for row in ALL if category in (None, row[8])
    )
    reader = ArchiveReader(location)
    found = [m.global_position for m in read_category(reader, reversed(manifests), category)]
    assert found == positions
    part = read_category(reader, manifests, category, 2_345, 4_567)
    assert [m.global_position for m in part] == [p for p in positions if 2_345 <= p <= 4_567]


def test_objects_are_opened_when_the_order_reaches_them(
    location: ArchiveLocation, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifests = archived(location, ALL)
    reader = ArchiveReader(location)
    for later in manifests[2:]:
        location.delete(later.files[0].key)
    messages = read_category(reader, manifests, None)
    assert [next(messages).global_position for _ in range(2_000)] == list(range(1, 2_001))
    with pytest.raises(ArchiveUnavailable, match="does not exist"):
        next(messages)
    counting = Counting(location, monkeypatch)
    assert len(list(read_category(reader, manifests, None, 1, 1_000))) == 1_000
    assert list(read_category(reader, manifests, "nowhere")) == []
    # The light pass and the rows; the footers are known.
    assert counting.requests == 2 * len(manifests[0].files)


def test_one_stream_takes_two_requests_and_then_none(
    location: ArchiveLocation, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = archived(location, ALL)[0]
    reader = ArchiveReader(location)
    name = next(row[3] for row in ALL if row[0] == 1)
    counting = Counting(location, monkeypatch)
    first = list(reader.read_stream([manifest], name))
    assert first
    files = [f for f in manifest.files if str(f.first_stream_name) <= name]
    requests = 2 * sum(str(file.last_stream_name) >= name for file in files)
    assert counting.requests == requests
    assert list(reader.read_stream([manifest], name)) == first
    assert counting.requests == requests
    assert list(reader.read_stream([manifest], "\U0010ffff-1")) == []
    assert counting.requests == requests


def test_filters_are_the_database_functions_own(location: ArchiveLocation, format: Format) -> None:
    manifests = archived(location, ALL, format)
    reader = ArchiveReader(location)
    group = read_category(
        reader, manifests, "account", consumer_group_member=1, consumer_group_size=3
    )
    wanted = sorted(
        row[0] for row in ALL if row[8] == "account" and filters.in_consumer_group(row[3], 1, 3)
    )
    assert [m.global_position for m in group] == wanted
    correlated = read_category(reader, manifests, "account", 100, correlation="process")
    assert [m.global_position for m in correlated] == sorted(
        row[0]
        for row in ALL
        if row[8] == "account" and row[0] >= 100 and row[6] and "proc" in row[6]
    )


# The last one is in a column that every read takes, in one file and in each of several small ones.
@pytest.mark.parametrize("at", [-1, -300, 2_000])
def test_damage_is_found_before_a_message_is_given(
    location: ArchiveLocation, format: Format, at: int
) -> None:
    manifest = archived(location, ALL, format)[0]
    damaged = bytearray(location.get(manifest.files[0].key))
    damaged[at] ^= 4
    location.put_file(manifest.files[0].key, io.BytesIO(damaged))
    given: list[Message] = []
    with pytest.raises(ArchiveCorrupt):
        given.extend(read_category(ArchiveReader(location), [manifest], None))
    assert given == []


def test_a_changed_footer_is_never_parsed(location: ArchiveLocation) -> None:
    """The Parquet library ends the process on some of these: the hash must come first."""
    manifest = archived(location, ALL)[0]
    assert manifest.files[0].footer_bytes is not None
    whole = location.get(manifest.files[0].key)
    for at in range(1, manifest.files[0].footer_bytes, 7):
        damaged = bytearray(whole)
        damaged[-at] ^= 1 << at % 8
        location.put_file(manifest.files[0].key, io.BytesIO(damaged))
        with pytest.raises(ArchiveCorrupt, match="has another footer"):
            list(
                ArchiveReader(location).read_stream(
                    [manifest], str(manifest.files[0].first_stream_name)
                )
            )


def test_the_same_messages_twice_are_an_error(location: ArchiveLocation) -> None:
    manifests = archived(location, ALL)
    reader = ArchiveReader(location)
    with pytest.raises(ArchiveCorrupt, match="global position 1 is archived twice"):
        list(read_category(reader, [*manifests, manifests[0]], None))
    name = next(row[3] for row in ALL if row[0] == 1)
    with pytest.raises(ArchiveCorrupt, match="has position 0 after"):
        list(reader.read_stream([*manifests, manifests[0]], name))


def test_a_position_twice_in_one_object_is_an_error(location: ArchiveLocation) -> None:
    rows = [row for row in ALL if row[2] < START + DAY]
    rows[300] = (rows[700][0], *rows[300][1:])
    manifest = archived(location, rows)[0]
    with pytest.raises(ArchiveCorrupt, match=f"position {rows[700][0]} is archived twice"):
        list(read_category(ArchiveReader(location), [manifest], None))


@pytest.mark.parametrize("shift", [0, 1_500, 4_000])
def test_batches_are_the_same_messages(location: ArchiveLocation, shift: int) -> None:
    """Objects that overlap or do not: in order, none empty, none given twice."""
    reader, manifests = ArchiveReader(location), archived(location, ALL, shift=shift)
    batches = list(reader.read_category_batches(manifests, None))
    assert all(batches)
    found = [m.global_position for batch in batches for m in batch]
    assert found == sorted(row[0] + shift * (row[0] % 10 == 0) for row in ALL)
    assert len(batches) < 6 + 2 * len(manifests) + (len(ALL) if shift else 0)
    filtered = reader.read_category_batches(
        manifests, None, consumer_group_member=1, consumer_group_size=3
    )
    wanted = [
        m
        for batch in batches
        for m in batch
        if matches(m, consumer_group_member=1, consumer_group_size=3)
    ]
    assert [m for batch in filtered for m in batch] == wanted


def test_a_message_is_what_its_constructor_makes(location: ArchiveLocation) -> None:
    manifest = archived(location, ALL)[0]
    for message in list(read_category(ArchiveReader(location), [manifest], None))[:50]:
        made = Message(
            id=UUID(str(message.id)),
            stream_name=message.stream_name,
            type=message.type,
            position=message.position,
            global_position=message.global_position,
            data_text=message.data_text,
            metadata_text=message.metadata_text,
            time=datetime.fromisoformat(message.time.isoformat()),
        )
        assert message == made
        assert hash(message) == hash(made)
        assert pickle.loads(pickle.dumps(message)) == made
        assert (message.id.version, message.id.is_safe) == (made.id.version, made.id.is_safe)
        assert vars(message) == vars(made)


def test_objects_without_rows_are_passed_over(location: ArchiveLocation) -> None:
    empty = export_rows(
        location, [], schema="s", chunk_name="c", range_start=END, range_end=END + DAY
    )
    manifests = [*archived(location, ALL), empty]
    reader = ArchiveReader(location)
    assert sum(1 for _ in read_category(reader, manifests, None)) == 6_000
    assert list(reader.read_stream([empty], "a-1")) == []


def test_a_manifest_that_names_another_object(location: ArchiveLocation) -> None:
    one, other, *_ = archived(location, ALL)
    swapped = with_file(one, key=other.files[0].key)
    with pytest.raises(ArchiveCorrupt):
        list(ArchiveReader(location).read_stream([swapped], str(one.files[0].first_stream_name)))


def test_threads_share_a_reader(location: ArchiveLocation) -> None:
    manifests = archived(location, ALL)
    reader = ArchiveReader(location)
    counts: list[int] = []
    threads = [
        threading.Thread(
            target=lambda: counts.append(sum(1 for _ in read_category(reader, manifests, None)))
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [6_000] * 4


@pytest.mark.parametrize("shift", [0, 2_500 * 10])
@pytest.mark.parametrize("head", [7, 1_000_000])
@pytest.mark.parametrize("category", [None, "account"])
def test_a_page_first_and_then_the_rest(
    location: ArchiveLocation, format: Format, shift: int, category: str | None, head: int
) -> None:
    manifests = archived(location, ALL, format, shift)
    reader = ArchiveReader(location)
    expected = list(read_category(reader, manifests, category, 500, 5_000))
    found = list(reader.read_category_batches(manifests, category, 500, 5_000, head=head))
    assert [message for batch in found for message in batch] == expected
    assert not found or len(found[0]) <= head


def test_pages_of_one_object_decode_it_once(
    location: ArchiveLocation, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifests = archived(location, ALL)[:1]
    reader = ArchiveReader(location)
    whole = sorted(row[0] for row in ALL if row[8] == "account")
    counting = Counting(location, monkeypatch)
    for position in (0, 10, 400):
        with closing(
            reader.read_category_batches(manifests, "account", position, head=20)
        ) as pages:
            first = [message.global_position for message in next(pages)]
        assert first == [each for each in whole if each >= position][:20]
        if not position:
            counting.requests = 0
    assert counting.requests == 0
    # A replay passes through and keeps nothing; nor does a page of more than half of the memory.
    for size, head in ((64 * 1024 * 1024, None), (1_000, 20)):
        reader = ArchiveReader(location, memory_bytes=size)
        list(reader.read_category_batches(manifests, "account", head=head))
        counting.requests = 0
        list(reader.read_category_batches(manifests, "account", head=head))
        assert counting.requests > 0


def test_a_position_that_is_archived_twice_is_found_at_the_end_of_a_page(
    location: ArchiveLocation, format: Format
) -> None:
    rows = [(500 if row[0] == 501 else row[0], *row[1:]) for row in ALL]
    manifests = archived(location, rows, format)[:1]
    pages = ArchiveReader(location).read_category_batches(manifests, None, head=500)
    with closing(pages), pytest.raises(ArchiveCorrupt, match="archived twice"):
        next(pages)
