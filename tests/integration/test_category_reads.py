"""A category and all categories, by either client, from every tier."""

from __future__ import annotations

import pytest
from tests.clients import Client
from tests.fix_tiers import TierStore

from coldstream import NotACategory
from coldstream.archive.read.filters import in_consumer_group

CATEGORIES = ["account", "order", "ledger", "grün", "border"]


def test_whole_categories(tier: TierStore, client: Client) -> None:
    for category in CATEGORIES:
        assert client.get_category_messages(category) == tier.of_category(category)


def test_from_every_position(tier: TierStore, client: Client) -> None:
    expected = tier.of_category("order")
    first, last = expected[0].global_position, expected[-1].global_position
    step = 1 if tier.tier == "mixed" else 9
    for position in range(first - 1, last + 2, step):
        found = client.get_category_messages("order", position)
        assert found == [m for m in expected if m.global_position >= position]


def test_any_batch_size(tier: TierStore, client: Client) -> None:
    for batch_size in (1, 2, 5, 17):
        found = client.get_category_messages("account", batch_size=batch_size)
        assert found == tier.of_category("account")


def test_beyond_the_end_is_empty(tier: TierStore, client: Client) -> None:
    beyond = tier.of_category("account")[-1].global_position + 1
    assert client.get_category_messages("account", beyond) == []


def test_unknown_category_is_empty(client: Client) -> None:
    assert client.get_category_messages("unknown") == []


def test_stream_name_is_refused_at_the_call(client: Client) -> None:
    with pytest.raises(NotACategory, match=r"^Must be a category: account-1$"):
        client.get_category_messages("account-1")


def test_correlation(tier: TierStore, client: Client) -> None:
    found = client.get_category_messages("account", batch_size=2, correlation="order")
    expected = [
        m
        for m in tier.of_category("account")
        if m.metadata_text and '"correlationStreamName": "order-1"' in m.metadata_text
    ]
    assert len(expected) >= 5
    assert found == expected


@pytest.mark.parametrize("size", [1, 3])
def test_consumer_groups_part_the_category(tier: TierStore, client: Client, size: int) -> None:
    shares = [
        client.get_category_messages(
            "account", batch_size=3, consumer_group_member=member, consumer_group_size=size
        )
        for member in range(size)
    ]
    named = [m for m in tier.of_category("account") if m.stream_name != "account"]
    assert shares == [
        [m for m in named if in_consumer_group(m.stream_name, member, size)]
        for member in range(size)
    ]
    assert sum(map(len, shares)) == len(named)


def test_correlation_and_consumer_group_together(tier: TierStore, client: Client) -> None:
    found = [
        m
        for member in range(2)
        for m in client.get_category_messages(
            "account", correlation="account", consumer_group_member=member, consumer_group_size=2
        )
    ]
    expected = [
        m
        for m in tier.of_category("account")
        if m.metadata_text
        and '"correlationStreamName": "account-1"' in m.metadata_text
        and "-" in m.stream_name
    ]
    assert sorted(found, key=lambda m: m.global_position) == expected


def test_all_messages(tier: TierStore, client: Client) -> None:
    for batch_size in (3, 1000):
        found = client.get_all_messages(batch_size=batch_size)
        assert found[: len(tier.truth)] == tier.truth
        assert {m.category for m in found[len(tier.truth) :]} <= {"continued"}


def test_all_messages_from_a_position(tier: TierStore, client: Client) -> None:
    for number in range(0, len(tier.truth), 1 if tier.tier == "mixed" else 23):
        position = tier.truth[number].global_position
        found = client.get_all_messages(position, batch_size=10)
        assert found[: len(tier.truth) - number] == tier.truth[number:]
