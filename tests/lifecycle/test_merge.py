"""A range that the database and the archive both have, and the database not all of it."""

from __future__ import annotations

import pytest
from tests.history import CHUNKS, END, START, WEEK
from tests.lifecycle.conftest import Store

from coldstream.errors import LifecycleError

FIRST = START + WEEK


@pytest.fixture
def behind(store: Store, request: pytest.FixtureRequest) -> Store:
    """All of it is in the archive. The database has the first chunk in the state that the test
    names, as it was before its last messages came; the others have left."""
    state = request.param
    with store.opened() as opened:
        if state in ("compressed", "verified"):
            opened.lifecycle.compress(END)
        opened.lifecycle.archive(END)
        opened.lifecycle.verify()
        opened.lifecycle.drop(END)
        opened.lifecycle.rehydrate(START, FIRST)
    store.run("SELECT unfreeze(chunk_name::regclass) FROM chunks WHERE chunk_name IS NOT NULL")
    store.run("DELETE FROM messages WHERE stream_name = 'border-9'")
    store.run("DELETE FROM messages WHERE stream_name = 'account-1' AND position > 1")
    # As a backup has it that is older than the archive.
    if state in ("sealed", "exporting", "exported", "verified", "rehydrated"):
        store.run(
            "UPDATE chunks SET state = %s, digest = digest_range(range_start, range_end), "
            "archive_manifest = 'older' WHERE range_start = %s",
            [state, START],
        )
    else:
        store.run("DELETE FROM chunks WHERE range_start = %s", [START])
        store.run("CALL close_ended_chunks()")
        if state == "compressed":
            store.run("SELECT compress_range(%s)", [START])
        if state == "open":
            store.run("UPDATE chunks SET state = 'open' WHERE range_start = %s", [START])
    store.run(
        "UPDATE streams AS s SET position = m.position, time = m.time FROM ("
        "SELECT stream_name, max(position) AS position, max(time) AS time FROM messages GROUP BY 1"
        ") AS m WHERE m.stream_name = s.stream_name"
    )
    store.run("DELETE FROM chunks WHERE state = 'dropped'")
    store.run("DELETE FROM streams WHERE stream_name NOT IN (SELECT stream_name FROM messages)")
    store.run("DELETE FROM stream_marks")
    return store


STATES = ["open", "closed", "compressed", "sealed", "exporting", "exported", "verified"]


@pytest.mark.parametrize("behind", [*STATES, "rehydrated"], indirect=True)
def test_what_is_missing_is_loaded(behind: Store) -> None:
    [(before,)] = behind.run("SELECT count(*) FROM messages")
    missing = len([m for m in behind.truth if m.time < FIRST]) - before
    assert missing >= 3
    with behind.opened() as opened:
        [first, *others] = opened.lifecycle.rebuild()
        assert (first.result, first.loaded, first.problem) == ("merged", missing, None)
        assert [each.result for each in others] == ["restored"] * (CHUNKS - 1)
        assert list(opened.get_all_messages()) == behind.truth
        for name in {m.stream_name for m in behind.truth if "-" in m.stream_name}:
            stream = [m for m in behind.truth if m.stream_name == name]
            stream.sort(key=lambda m: m.position)
            assert list(opened.get_stream_messages(name)) == stream
            written = opened.write_message(name, "Changed", {})
            assert written.position == stream[-1].position + 1
        again = opened.lifecycle.rebuild()
        assert [each.result for each in again] == ["database", *["known"] * (CHUNKS - 1)]
        opened.lifecycle.archive(END)
        assert [each.problem for each in opened.lifecycle.verify()] == [None]
        opened.lifecycle.drop(END)
        assert list(opened.get_all_messages())[: len(behind.truth)] == behind.truth


@pytest.mark.parametrize("behind", ["closed"], indirect=True)
def test_what_the_database_has_more_stays(behind: Store) -> None:
    late = next(m for m in behind.truth if m.stream_name == "account-2")
    behind.run(
        "INSERT INTO messages (stream_name, position, type, time) VALUES ('more-1', 0, 'T', %s)",
        [late.time],
    )
    with behind.opened() as opened:
        assert opened.lifecycle.rebuild()[0].result == "merged"
        opened.lifecycle.archive(END)
        assert [each.problem for each in opened.lifecycle.verify()] == [None]
        opened.lifecycle.drop(END)
        assert len(list(opened.get_stream_messages("more-1"))) == 1
        assert len(list(opened.get_all_messages())) == len(behind.truth) + 1


@pytest.mark.parametrize("behind", ["closed"], indirect=True)
def test_another_message_at_one_position_is_named(behind: Store) -> None:
    behind.run(
        "UPDATE messages SET data = '{\"another\": 1}' WHERE stream_name = 'account-1' "
        "AND position = 1"
    )
    with behind.opened() as opened:
        [first, *others] = opened.lifecycle.rebuild()
        assert isinstance(first.problem, LifecycleError)
        assert "position 1 of the stream account-1" in str(first.problem)
        assert [each.result for each in others] == ["restored"] * (CHUNKS - 1)
