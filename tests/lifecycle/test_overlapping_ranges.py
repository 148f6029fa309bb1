"""A chunk of a longer interval may reach back over ranges that were dropped.

TimescaleDB fits a new chunk to those that are there; the ledger keeps those that left. What the
longer one holds must be found, and it must not be dropped: the archive is read in the order of
ranges, in which it has no place.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from tests.fix_store import InstalledStore
from tests.history import START, WEEK, rows_of
from tests.lifecycle.conftest import Store

import coldstream
from coldstream import Message
from coldstream.errors import LifecycleError

LONGER = timedelta(days=30)
FILTER = "m.stream_name = $1 AND m.stream_category = $4 AND m.position >= $2 AND m.position <= $5"


@pytest.fixture
def overlapping(quiet_store: InstalledStore, tmp_path: Path) -> Store:
    """Four weeks that were dropped, and a chunk of thirty days that begins before their end."""
    store = Store(quiet_store, tmp_path / "archive", [])
    with store.opened() as opened:
        for number in range(4):
            bring(opened, number * WEEK, "old-1", number)
        for step in (opened.lifecycle.archive, opened.lifecycle.drop):
            step(START + 4 * WEEK)
            opened.lifecycle.verify()
    assert store.states() == ["dropped"] * 4
    store.run("SELECT public.set_chunk_time_interval('messages', %s::interval)", [LONGER])
    with store.opened() as opened:
        bring(opened, 4 * WEEK + timedelta(hours=1), "old-1", 4)
        bring(opened, 4 * WEEK + timedelta(hours=2), "new-1", 0)
    store.run("CALL close_ended_chunks()")
    # Otherwise the tests say nothing.
    ((start,),) = store.run("SELECT range_start FROM chunks WHERE state = 'closed'")
    assert start < START + 3 * WEEK
    return store


def bring(store: coldstream.Store, after: timedelta, name: str, position: int) -> None:
    store.import_messages([Message(uuid4(), name, "T", position, 0, "{}", None, START + after)])


def test_everything_is_found(overlapping: Store) -> None:
    there = rows_of(overlapping.installed)
    assert [message.stream_name for message in there] == ["old-1", "new-1"]
    for name, position in (("old-1", 4), ("new-1", 0)):
        # By the ledger; get_stream_messages looks at it only where the head alone will not do.
        for read, given in (
            ("read_stream(%s, %s, 10, %s, NULL)", [name, position, FILTER]),
            ("get_stream_messages(%s, %s, 10)", [name, position]),
            ("get_last_stream_message(%s, 'T')", [name]),
            ("get_last_stream_message(%s)", [name]),
        ):
            assert overlapping.run(f"SELECT position FROM {read}", given) == [(position,)], read
    with overlapping.opened() as opened:
        assert [m.position for m in opened.get_stream_messages("old-1")] == [0, 1, 2, 3, 4]
        assert len(list(opened.get_all_messages())) == 6


def test_it_is_not_dropped(overlapping: Store) -> None:
    until = START + 10 * WEEK
    with overlapping.opened() as opened:
        before = overlapping.objects()
        with pytest.raises(LifecycleError, match="overlaps another archived one"):
            opened.lifecycle.archive(until)
        # A manifest would be in the way of every rebuild.
        assert overlapping.objects() == before
        assert opened.lifecycle.verify() == []
        (kept,) = opened.lifecycle.drop(until)
        assert kept.reason == "not verified: closed"
        assert [m.position for m in opened.get_stream_messages("old-1")] == [0, 1, 2, 3, 4]
        # What was proved before is proved again.
        found = opened.lifecycle.verify(start=START, end=START + WEEK)
        assert [each.problem for each in found] == [None]


@pytest.mark.parametrize("streams", [None, ["old-1"]])
def test_what_it_overlaps_is_not_loaded(overlapping: Store, streams: list[str] | None) -> None:
    with overlapping.opened() as opened:
        with pytest.raises(LifecycleError, match="has no place in the database") as raised:
            opened.lifecycle.rehydrate(START + 3 * WEEK, START + 4 * WEEK, streams=streams)
        assert raised.value.hint == "Read it from the archive: every client does."
        assert [m.position for m in opened.get_stream_messages("old-1")] == [0, 1, 2, 3, 4]
    assert overlapping.states() == ["dropped", "dropped", "closed", "dropped", "dropped"]


def test_the_last_of_a_type_is_not_one_before_the_gap(overlapping: Store) -> None:
    """What the chunk holds after a gap is newer than it; what it has not may be in the gap."""
    assert overlapping.run("SELECT position FROM get_last_stream_message('new-1')") == [(0,)]
    assert overlapping.run("SELECT position FROM get_last_stream_message('new-1', 'Other')") == []
    with pytest.raises(psycopg.Error, match="have left the database"):
        overlapping.run("SELECT position FROM get_last_stream_message('old-1', 'Other')")


def test_a_gap_inside_the_chunk(quiet_store: InstalledStore, tmp_path: Path) -> None:
    """The chunk has an older message than the gap that lies in its range: the gap may have a later
    one of the type."""
    store = Store(quiet_store, tmp_path / "archive", [])
    with store.opened() as opened:
        for number, position in ((0, 0), (3, 1)):
            bring(opened, number * WEEK, "old-1", position)
        for step in (opened.lifecycle.archive, opened.lifecycle.drop):
            step(START + 4 * WEEK)
            opened.lifecycle.verify()
    store.run("SELECT public.set_chunk_time_interval('messages', %s::interval)", [LONGER])
    with store.opened() as opened:
        bring(opened, 4 * WEEK + timedelta(hours=1), "new-1", 0)
        bring(opened, 2 * WEEK, "old-2", 0)
        bring(opened, 4 * WEEK + timedelta(hours=1), "old-2", 1)
    store.run("CALL close_ended_chunks()")
    ((start, end),) = store.run("SELECT range_start, range_end FROM chunks WHERE state = 'closed'")
    assert start <= START + 2 * WEEK
    assert end > START + 4 * WEEK
    assert store.run("SELECT position FROM get_last_stream_message('old-2')") == [(1,)]
    with pytest.raises(psycopg.Error, match="have left the database"):
        store.run("SELECT position FROM get_last_stream_message('old-2', 'Other')")
    store.run("UPDATE messages SET type = 'Early' WHERE stream_name = 'old-2' AND position = 0")
    with pytest.raises(psycopg.Error, match="have left the database"):
        store.run("SELECT position FROM get_last_stream_message('old-2', 'Early')")
