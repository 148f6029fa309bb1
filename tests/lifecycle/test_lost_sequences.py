"""A store that was copied without its sequences: no position is given twice."""

from __future__ import annotations

import psycopg
import pytest
from tests.history import END
from tests.lifecycle.conftest import Store

import coldstream
from coldstream.errors import ColdstreamError, SetupError
from coldstream.migrations import install
from coldstream.sql import Names

WRITES = [
    "SELECT write_message(gen_random_uuid()::varchar, 'account-1', 'T', '{}')",
    "SELECT * FROM write_messages(ARRAY[gen_random_uuid()::varchar], ARRAY['new-1'::varchar], "
    "ARRAY['T'::varchar], ARRAY['{}'::jsonb])",
    "INSERT INTO messages (stream_name, position, type) VALUES ('new-1', 0, 'T')",
]


@pytest.fixture(params=["rows", "archived"])
def copied(store: Store, request: pytest.FixtureRequest) -> Store:
    """As logical replication leaves it: all rows, and every sequence new."""
    if request.param == "archived":
        with store.opened() as opened:
            opened.lifecycle.archive(END)
            opened.lifecycle.verify()
            opened.lifecycle.drop(END)
    for name in ("closed_before", "messages_global_position_seq", "transitions_id_seq"):
        store.run(f"ALTER SEQUENCE {name} RESTART")
    return store


@pytest.mark.parametrize("statement", WRITES)
def test_nothing_is_written_before_they_are_set(copied: Store, statement: str) -> None:
    before = copied.snapshot()
    with pytest.raises(psycopg.Error, match="without its sequences") as caught:
        copied.run(statement)
    assert "coldstream init" in f"{caught.value.diag.message_hint}"
    assert copied.snapshot() == before


def test_an_install_sets_them(copied: Store) -> None:
    with copied.opened() as opened, pytest.raises(ColdstreamError, match="without its sequences"):
        opened.write_message("account-1", "T", {})
    installed = copied.installed
    with psycopg.connect(installed.dsn, autocommit=True) as connection:
        install(connection, Names(installed.schema))
    last = max(message.global_position for message in copied.truth)
    with copied.opened() as opened:
        assert opened.write_message("account-1", "T", {}).global_position > last
        assert len(list(opened.get_all_messages())) == len(copied.truth) + 1
        opened.lifecycle.archive(END)


def test_a_store_without_its_row_says_so(store: Store) -> None:
    """As a restore of the schema alone leaves it."""
    store.run("DELETE FROM store")
    with pytest.raises(SetupError, match="no rows of its own"), store.opened():
        pass


@pytest.mark.native
@pytest.mark.parametrize("by", ["open", "init", "job"])
@pytest.mark.parametrize("far", [False, True])
def test_one_that_is_behind_the_rows_is_brought_forward(store: Store, by: str, far: bool) -> None:
    """As it is after a crash of a copy of a template database, or where somebody sets it back."""
    with store.opened() as opened:
        opened.lifecycle.compress(END)
        last = opened.write_message("account-1", "T", {}).global_position
    ((transition,),) = store.run("SELECT max(id) FROM transitions")
    assert last > 10_000
    assert transition > 3
    store.run(f"ALTER SEQUENCE messages_global_position_seq RESTART WITH {1 if far else last - 2}")
    store.run(f"ALTER SEQUENCE transitions_id_seq RESTART WITH {transition - 2}")
    if by == "open":
        with store.opened():
            pass
    elif by == "init":
        with psycopg.connect(store.installed.dsn, autocommit=True) as connection:
            install(connection, Names(store.installed.schema))
    else:
        store.run("CALL close_ended_chunks()")
    assert store.run("SELECT last_value FROM messages_global_position_seq") == [(last,)]
    assert store.run("SELECT last_value >= %s FROM transitions_id_seq", [transition]) == [(True,)]
    with store.opened() as opened:
        assert opened.write_message("account-1", "T", {}).global_position == last + 1


def test_one_that_is_behind_is_left_to_a_connection_that_may_write(store: Store) -> None:
    store.run("ALTER SEQUENCE messages_global_position_seq RESTART WITH 5")
    dsn = psycopg.conninfo.make_conninfo(
        store.installed.dsn, options="-c default_transaction_read_only=on"
    )
    with coldstream.connect(dsn, schema=store.installed.schema) as opened:
        assert opened.get_stream_messages("account-1")
    assert store.run("SELECT last_value FROM messages_global_position_seq") == [(5,)]


@pytest.mark.native
def test_a_lock_on_the_messages_keeps_nobody_from_opening(store: Store) -> None:
    with store.installed.connect() as other, other.transaction():
        other.execute("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE")
        with store.opened() as opened:
            assert opened.stream_version("account-1") is not None
