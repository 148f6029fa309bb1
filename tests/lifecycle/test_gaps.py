"""Positions that no tier has: messages that the owner deleted, and chunks dropped by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg
import pytest
from tests.history import START, WEEK
from tests.lifecycle.conftest import Store

from coldstream import Archived

OLD = datetime(2025, 12, 1, tzinfo=UTC)


def test_a_deleted_message_does_not_end_the_read_of_a_partly_archived_stream(store: Store) -> None:
    store.run("DELETE FROM messages WHERE stream_name = 'account-1' AND position IN (2, 3, 9)")
    kept = sorted(
        message.position
        for message in store.truth
        if message.stream_name == "account-1" and message.position not in (2, 3, 9)
    )
    with store.opened() as opened:
        opened.lifecycle.archive(START + 2 * WEEK)
        opened.lifecycle.verify()
        opened.lifecycle.drop(START + 2 * WEEK)
        for batch_size in (1, 3, 1000):
            read = opened.get_stream_messages("account-1", batch_size=batch_size)
            assert [message.position for message in read] == kept


def test_a_gap_that_a_forced_drop_may_explain_is_an_error(store: Store) -> None:
    store.run("SELECT drop_range(%s, force => true)", [START])
    with store.opened() as opened, pytest.raises(Archived, match="account-1"):
        list(opened.get_stream_messages("account-1"))


def test_a_chunk_dropped_by_hand_is_recorded_as_gone(store: Store) -> None:
    store.run("CALL close_ended_chunks()")
    store.run("SELECT public.drop_chunks('messages', older_than => %s)", [START + WEEK])
    store.run("CALL close_ended_chunks()")
    with store.opened() as opened:
        first, second, *_ = opened.lifecycle.get_chunks()
        assert (first.tier, first.state, first.chunk_name) == ("gone", "dropped", None)
        assert second.state == "closed"
        with pytest.raises(Archived) as caught:
            list(opened.get_category_messages("account"))
    assert "dropped by force" in str(caught.value)


def test_a_verified_chunk_dropped_by_hand_is_read_from_the_archive(store: Store) -> None:
    with store.opened() as opened:
        opened.lifecycle.archive(START + WEEK)
        opened.lifecycle.verify()
    store.run("SELECT unfreeze(chunk_name::regclass) FROM chunks WHERE state = 'verified'")
    store.run("SELECT public.drop_chunks('messages', older_than => %s)", [START + WEEK])
    store.run("CALL close_ended_chunks()")
    assert store.read_all() == store.truth


@pytest.mark.parametrize("order", [True, False], ids=["in order", "out of order"])
def test_a_read_of_no_message_needs_none(store: Store, order: bool) -> None:
    store.run("SELECT drop_range(%s, force => true)", [START])
    if not order:
        store.run("UPDATE streams SET time_ordered = false")
    for read in (
        "get_all_messages(1, 0)",
        "get_category_messages('account', 1, 0)",
        "get_category_messages('account', 1, 0, NULL, 0, 2)",
        "get_stream_messages('account-1', 0, 0)",
        "get_stream_messages_in_database('account-1', 0, 0)",
    ):
        assert store.run(f"SELECT * FROM {read}") == [], read
        with pytest.raises(psycopg.Error, match="have left the database"):
            store.run("SELECT * FROM get_category_messages('account', 1, 1)")


def test_a_category_is_in_a_range_from_its_first_position_to_its_last(store: Store) -> None:
    """What the ledger knows of a range that left. Between the two a read cannot know that nothing
    of it belongs into its answer; beyond them it does."""
    late = "INSERT INTO messages (stream_name, position, type, time) VALUES ('late-1', %s, 'T', %s)"
    store.run(late, [0, START + WEEK / 2])
    store.run(late, [1, START + 1.5 * WEEK])
    store.run(late, [2, START + WEEK / 2])
    store.run("CALL close_ended_chunks()")
    first, between, last = [
        g for (g,) in store.run("SELECT global_position FROM get_category_messages('late')")
    ]
    store.run("SELECT drop_range(%s, force => true)", [START])
    for position in (first, between, last):
        with pytest.raises(psycopg.Error, match="have left the database"):
            store.run("SELECT * FROM get_category_messages('late', %s, 1)", [position])
    assert store.run("SELECT * FROM get_category_messages('late', %s, 1)", [last + 1]) == []
