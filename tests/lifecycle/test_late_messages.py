"""A message for a range that is closed, sealed, archived or gone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from tests.history import START
from tests.lifecycle.conftest import Store

from coldstream import LateMessage

OLD = datetime(2025, 12, 1, tzinfo=UTC)


def late(store: Store) -> None:
    store.run(
        "INSERT INTO messages (stream_name, position, type, time) VALUES ('late-1', 0, 'T', %s)",
        [START + timedelta(hours=1)],
    )


@pytest.mark.parametrize("state", ["closed", "compressed"])
def test_it_opens_a_closed_chunk_again_and_goes_all_the_way(small: Store, state: str) -> None:
    with small.opened() as opened:
        if state == "compressed":
            opened.lifecycle.compress(OLD)
    small.run("CALL close_ended_chunks()")
    late(small)
    assert small.states() == ["open", state]
    with small.opened() as opened:
        assert len(list(opened.get_all_messages())) == len(small.truth) + 1
        lifecycle = opened.lifecycle
        lifecycle.archive(OLD)
        assert [v.problem for v in lifecycle.verify()] == [None, None]
        lifecycle.drop(OLD)
        assert [m.type for m in opened.get_stream_messages("late-1")] == ["T"]
        assert len(list(opened.get_all_messages())) == len(small.truth) + 1


@pytest.mark.parametrize("state", ["exported", "verified", "dropped", "rehydrated"])
def test_history_that_is_archived_does_not_change(small: Store, state: str) -> None:
    with small.opened() as opened:
        lifecycle = opened.lifecycle
        lifecycle.archive(OLD)
        if state != "exported":
            lifecycle.verify()
        if state in ("dropped", "rehydrated"):
            lifecycle.drop(OLD)
        if state == "rehydrated":
            lifecycle.rehydrate(START, OLD)
    assert small.states() == [state, state]
    before = small.snapshot()

    with pytest.raises(psycopg.Error) as caught:
        late(small)

    # Where TimescaleDB has frozen the chunk, it is the first to refuse.
    refusals = {"CS005": "Message is too late", "0A000": "frozen chunk"}
    assert refusals[f"{caught.value.sqlstate}"] in str(caught.value)
    if state == "dropped":
        assert caught.value.sqlstate == "CS005"
        assert "does not change" in f"{caught.value.diag.message_hint}"
    assert small.snapshot() == before


def test_a_late_message_keeps_no_empty_chunk_behind(small: Store) -> None:
    with small.opened() as opened:
        opened.lifecycle.archive(OLD)
        opened.lifecycle.verify()
        opened.lifecycle.drop(OLD)
    chunks = "SELECT count(*) FROM hypertable_chunks()"
    before = small.run(chunks)
    with pytest.raises(psycopg.Error):
        late(small)
    assert small.run(chunks) == before


@pytest.mark.parametrize("dropped", [False, True])
def test_a_late_message_has_its_own_error_in_python(small: Store, dropped: bool) -> None:
    with small.opened() as opened:
        opened.lifecycle.archive(OLD)
        if dropped:
            opened.lifecycle.verify()
            opened.lifecycle.drop(OLD)
        statement = (
            f"INSERT INTO {small.installed.schema}.messages (stream_name, position, type, time) "
            "VALUES ('late-1', 0, 'T', %s)"
        )
        # The error is the store's when it leaves the connection's block.
        with pytest.raises(LateMessage) as caught, opened.connection() as connection:
            connection.execute(statement.encode(), [START])
        assert "does not change" in f"{caught.value.hint}"
