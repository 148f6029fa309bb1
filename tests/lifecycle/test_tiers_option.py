"""tiers="database": a read that leaves the archive alone, and never says less without saying so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from psycopg.conninfo import make_conninfo
from tests.clients import CLIENTS, Client, opened
from tests.history import START, WEEK
from tests.lifecycle.conftest import Store

from coldstream import Archived, InvalidInput, Message

EDGE = START + 2 * WEEK
READS: list[tuple[str, list[Any]]] = [
    ("get_stream_messages", ["account-1"]),
    ("get_category_messages", ["account"]),
    ("get_category_messages", ["account", 1, 5, None, 0, 2]),
    ("get_all_messages", []),
    ("get_last_stream_message", ["account-2"]),
    ("get_last_stream_message", ["account-1", "Unheard"]),
]


@pytest.fixture
def partly(store: Store) -> Store:
    """Two of six chunks are in the archive alone."""
    with store.opened() as opened:
        opened.lifecycle.archive(EDGE)
        opened.lifecycle.verify()
        opened.lifecycle.drop(EDGE)
    return store


def stream(store: Store, name: str) -> list[Message]:
    return sorted(
        (m for m in store.truth if m.stream_name == name), key=lambda message: message.position
    )


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest, partly: Store) -> Iterator[Client]:
    """A client of one connection, so that what is set in it stays set."""
    installed = partly.installed
    with opened(request.param, installed.dsn, schema=installed.schema, max_size=1) as client:
        yield client


def test_what_is_archived_is_an_error(client: Client) -> None:
    for name, arguments in READS:
        with pytest.raises(Archived, match="have left the database"):
            getattr(client, name)(*arguments, tiers="database")


def test_what_is_in_the_database_is_read(partly: Store, client: Client) -> None:
    kept = [m for m in partly.truth if m.time >= EDGE]
    streams = stream(partly, "account-1")
    first = next(m.position for m in streams if m.time >= EDGE)
    assert client.get_stream_messages("account-1", first, 3, tiers="database") == streams[first:]
    edge = max(m.global_position for m in partly.truth if m.time < EDGE) + 1
    for batch_size in (2, 1000):
        assert client.get_all_messages(edge, batch_size, tiers="database") == [
            m for m in kept if m.global_position >= edge
        ]
        assert client.get_category_messages("order", edge, batch_size, tiers="database") == [
            m for m in kept if m.global_position >= edge and m.category == "order"
        ]
    assert client.get_last_stream_message("account-1", tiers="database") == streams[-1]


@pytest.mark.parametrize("kind", CLIENTS)
def test_the_setting_starts_at_the_edge_and_only_where_it_is_asked_for(
    partly: Store, kind: str
) -> None:
    """A role that has the setting still gets everything, unless it asks for the database."""
    dsn = make_conninfo(partly.installed.dsn, options="-c message_store.archived_reads=skip")
    kept = [m for m in partly.truth if m.time >= EDGE]
    with opened(kind, dsn, schema=partly.installed.schema, max_size=1) as client:
        for batch_size in (2, 1000):
            assert client.get_all_messages(1, batch_size, tiers="database") == kept
            assert client.get_category_messages("account", 1, batch_size, tiers="database") == [
                m for m in kept if m.category == "account"
            ]
            # Who works with the rest of a stream takes it for all of it.
            with pytest.raises(Archived):
                client.get_stream_messages("account-1", 0, batch_size, tiers="database")
        with pytest.raises(Archived):
            client.get_last_stream_message("account-2", tiers="database")

        assert client.get_all_messages() == partly.truth
        for name in ("account-1", "account-2", "account-3"):
            truth = stream(partly, name)
            assert client.get_stream_messages(name) == truth
            assert client.get_last_stream_message(name) == truth[-1]
            opened_ = [m for m in truth if m.type == "Opened"]
            assert client.get_last_stream_message(name, "Opened") == opened_[-1]
        assert client.execute("SHOW message_store.archived_reads") == [("skip",)]


def test_another_word_is_refused_at_the_call(client: Client) -> None:
    for name, arguments in READS:
        with pytest.raises(InvalidInput, match="tiers must be 'all' or 'database': 'cold'"):
            getattr(client, name)(*arguments, tiers="cold")
