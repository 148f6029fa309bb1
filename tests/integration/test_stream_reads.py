"""One stream, by either client, from every tier; and how many statements a read takes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.clients import Client
from tests.fix_tiers import TierStore
from tests.history import CHUNKS, START, STREAMS, WEEK

import coldstream
from coldstream import NotAStream, Store


def test_history_is_what_the_suite_needs(tier: TierStore) -> None:
    # A truth of its own size, in global order, so that the other tests do not compare nothing.
    assert len(tier.truth) > 75
    assert {m.stream_name for m in tier.truth} == set(STREAMS)
    # Other tests may have appended to one category, today.
    chunks = [(m.time - START) // WEEK for m in tier.truth if m.type != "Continued"]
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


@pytest.fixture
def asked() -> list[str]:
    """What was asked of the database, by the names of the statements."""
    return []


@pytest.fixture
def store(tier: TierStore, asked: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    with coldstream.connect(tier.installed.dsn, schema=tier.installed.schema) as store:
        unread = store._connections.unread

        def counted(name: str, arguments: object = ()) -> object:
            asked.append(name)
            return unread(name, arguments)

        monkeypatch.setattr(store._connections, "unread", counted)
        yield store


def test_one_statement_says_where_a_stream_is(
    tier: TierStore, store: Store, asked: list[str]
) -> None:
    """Of one that is in one tier. What the ledger lists comes with the rows, so the archive is read
    next, and one that ends there has ended."""
    for name in ("account-2", "account-3"):
        asked.clear()
        truth = tier.of(name)
        assert list(store.get_stream_messages(name)) == truth
        assert store.get_last_stream_message(name) == truth[-1]
        assert set(asked) <= {"stream_page", "last_message"}
        assert asked.count("last_message") == 1
    assert asked.count("stream_page") <= 3


def test_one_statement_says_where_a_category_begins(
    tier: TierStore, store: Store, asked: list[str]
) -> None:
    for category in ("account", None):
        asked.clear()
        truth = tier.truth if category is None else tier.of_category(category)
        read = (
            store.get_all_messages(batch_size=5)
            if category is None
            else store.get_category_messages(category, batch_size=5)
        )
        assert [next(read) for _ in range(3)] == truth[:3]
        # What the archive begins is read up to the frontier, with what the database has inside it.
        archived = ["get_messages_in_database"]
        if category is None:
            archived.insert(0, "frontier")
        assert asked in (["category_page"], ["category_page", *archived])
        assert (len(asked) > 1) == (tier.tier in ("archived", "several files", "mixed"))
