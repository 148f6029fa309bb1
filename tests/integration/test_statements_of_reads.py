"""A read over the tiers is a statement for each piece of the database, and no error on the way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.fix_tiers import TierStore

import coldstream
from coldstream import Store


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
