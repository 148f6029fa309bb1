"""One stream, by either client, from every tier."""

from __future__ import annotations

import pytest
from tests.clients import Client
from tests.fix_tiers import TierStore
from tests.history import CHUNKS, START, STREAMS, WEEK

from coldstream import NotAStream


def test_history_is_what_the_suite_needs(tier: TierStore) -> None:
    # A truth of its own size, in global order, so that the other tests do not compare nothing.
    assert len(tier.truth) > 75
    assert {m.stream_name for m in tier.truth} == set(STREAMS)
    chunks = [(m.time - START) // WEEK for m in tier.truth]
    assert set(chunks) == set(range(CHUNKS))
    assert chunks != sorted(chunks)


def test_whole_streams(tier: TierStore, client: Client) -> None:
    for name in STREAMS:
        if "-" in name and not name.startswith("continued"):
            assert client.get_stream_messages(name) == tier.of(name)


def test_from_every_position(tier: TierStore, client: Client) -> None:
    # Every border of two tiers is one of them.
    expected = tier.of("account-1")
    assert [m.position for m in expected] == list(range(24))
    for position in range(0, len(expected), 1 if tier.tier == "mixed" else 5):
        assert client.get_stream_messages("account-1", position) == expected[position:]


def test_any_batch_size(tier: TierStore, client: Client) -> None:
    for batch_size in (1, 3, 8, 23, 24, 25):
        found = client.get_stream_messages("account-1", batch_size=batch_size)
        assert found == tier.of("account-1")


def test_beyond_the_end_is_empty(client: Client) -> None:
    assert client.get_stream_messages("account-1", 24) == []


def test_a_negative_position_is_the_start(tier: TierStore, client: Client) -> None:
    assert client.get_stream_messages("account-2", -5) == tier.of("account-2")


def test_unknown_stream_is_empty(client: Client) -> None:
    assert client.get_stream_messages("account-999") == []
    assert client.get_stream_messages("unknown-1", 7, 3) == []


def test_a_stream_that_was_idle_through_a_tier(tier: TierStore, client: Client) -> None:
    expected = tier.of("account-4+a")
    assert [(m.time - START) // WEEK for m in expected] == [0, 5]
    assert client.get_stream_messages("account-4+a", 1) == expected[1:]


def test_category_is_refused_at_the_call(client: Client) -> None:
    with pytest.raises(NotAStream, match=r"^Must be a stream name: account$"):
        client.get_stream_messages("account")


def test_data_decodes_without_loss(tier: TierStore, client: Client) -> None:
    found = [m for name in ("account-1", "order-1") for m in client.get_stream_messages(name)]
    truth = {m.id: m for m in tier.truth}
    assert [m.data for m in found] == [truth[m.id].data for m in found]
    assert [m.metadata for m in found] == [truth[m.id].metadata for m in found]
