"""Positions that no tier has: messages that the owner deleted, and chunks dropped by hand."""

from __future__ import annotations

from datetime import UTC, datetime

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
