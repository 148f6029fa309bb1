"""Chunks that somebody split, merged, renamed, detached or dropped by hand: no message is read
twice, none is passed over in silence, and what was sealed goes no further before it has its range
again.

What looks with SQL beside an open store takes two connections, so it is for a native server.
"""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from tests.fix_store import InstalledStore
from tests.history import END, START, WEEK
from tests.lifecycle.conftest import Store

from coldstream.errors import LifecycleError


def names(store: Store) -> list[str]:
    return [
        name
        for (name,) in store.run(
            "SELECT chunk_name FROM chunks WHERE chunk_name IS NOT NULL AND range_start < %s "
            "ORDER BY range_start",
            [END],
        )
    ]


def close(store: Store) -> None:
    store.run("CALL close_ended_chunks()")


def check_reads(store: Store) -> None:
    """SQL and the client, everything, one category, each stream: each message once."""
    truth = [message.global_position for message in store.truth]
    read = store.run("SELECT global_position FROM get_all_messages(1, -1)")
    assert [position for (position,) in read] == sorted(truth)
    accounts = [m.global_position for m in store.truth if m.stream_name.split("-")[0] == "account"]
    read = store.run("SELECT global_position FROM get_category_messages('account', 1, -1)")
    assert [position for (position,) in read] == sorted(accounts)
    assert [m.global_position for m in store.read_all()] == sorted(truth)
    for name in sorted({message.stream_name for message in store.truth}):
        positions = [m.position for m in store.truth if m.stream_name == name]
        read = store.run("SELECT position FROM get_stream_messages(%s, 0, -1)", [name])
        assert [position for (position,) in read] == sorted(positions), name
        read = store.run("SELECT position FROM get_last_stream_message(%s)", [name])
        assert read == [(max(positions),)], name


def through(store: Store) -> None:
    """Archive, verify, drop."""
    with store.opened() as opened:
        opened.lifecycle.archive(END)
        assert [each.problem for each in opened.lifecycle.verify() if each.problem] == []
        opened.lifecycle.drop(END)
    assert set(store.states()) == {"dropped"}
    assert [m.global_position for m in store.read_all()] == sorted(
        message.global_position for message in store.truth
    )


def test_a_split_chunk(small: Store) -> None:
    close(small)
    split(small, names(small)[0])
    check_reads(small)
    close(small)
    assert len(small.states()) == 3
    check_reads(small)
    through(small)


def split(store: Store, name: str) -> None:
    store.run(f"CALL public.split_chunk('{name}', TIMESTAMPTZ '{START + WEEK / 2}')")


def merge_back(store: Store, name: str) -> None:
    ((other,),) = store.run(
        "SELECT format('%%I.%%I', chunk_schema, chunk_name) FROM timescaledb_information.chunks "
        "WHERE hypertable_schema = %s AND range_start = %s",
        [store.installed.schema, START + WEEK / 2],
    )
    store.run(f"CALL public.merge_chunks('{name}', '{other}')")
    close(store)


def test_a_split_chunk_of_the_columnstore(small: Store) -> None:
    """TimescaleDB leaves whole batches on one side, outside of the range of their chunk."""
    close(small)
    with small.opened() as opened:
        opened.lifecycle.compress(END)
    first = names(small)[0]
    split(small, first)
    check_reads(small)
    close(small)
    check_reads(small)
    with small.opened() as opened, pytest.raises(LifecycleError, match="split or merged"):
        opened.lifecycle.archive(END)
    assert small.states() == ["compressed", "open", "exported"]
    merge_back(small, first)
    check_reads(small)
    through(small)


@pytest.mark.parametrize("is_closed", [False, True])
def test_streams_of_a_split_batch(quiet_store: InstalledStore, is_closed: bool) -> None:
    """A batch lies on one side of the split, also with streams of the other side alone."""
    store = quiet_store
    names = ["early-1", "late-1"]
    for days, name in ((1, "early-1"), (5, "late-1")):
        for position in range(2):
            store.run(
                "INSERT INTO messages (stream_name, position, type, time) VALUES (%s, %s, 'T', %s)",
                [name, position, START + timedelta(days=days, hours=position)],
            )
    store.run("CALL close_ended_chunks()")
    store.run("SELECT compress_chunks_older_than(INTERVAL '1 day')")
    ((chunk,),) = store.run("SELECT chunk_name FROM chunks")
    store.run(f"CALL public.split_chunk('{chunk}', TIMESTAMPTZ '{START + WEEK / 2}')")
    if is_closed:
        store.run("CALL close_ended_chunks()")
    for name in names:
        for read in ("get_stream_messages(%s, 0, -1)", "get_stream_messages(%s, 1)"):
            found = [position for (position,) in store.run(f"SELECT position FROM {read}", [name])]
            assert found == ([0, 1] if "-1)" in read else [1]), (name, read)
        assert store.run("SELECT position FROM get_last_stream_message(%s)", [name]) == [(1,)]
        assert store.run("SELECT position FROM get_last_stream_message(%s, 'T')", [name]) == [(1,)]


@pytest.mark.parametrize("compressed", [False, True])
def test_merged_chunks(small: Store, compressed: bool) -> None:
    close(small)
    if compressed:
        with small.opened() as opened:
            opened.lifecycle.compress(END)
    small.run("CALL public.merge_chunks('{}', '{}')".format(*names(small)))
    # The ledger names a chunk that is gone: an error, until it is in step again.
    with pytest.raises(psycopg.Error, match=r"CALL \w+\.close_ended_chunks"):
        check_reads(small)
    close(small)
    assert len(small.states()) == 1
    check_reads(small)
    through(small)


def test_a_closed_chunk_that_was_merged_with_the_one_of_now(quiet_store: InstalledStore) -> None:
    """What was closed once reaches past what was never closed: each message is read once."""
    store = quiet_store
    for position, age in enumerate(("7 days", "1 second")):
        store.run(
            "INSERT INTO messages (stream_name, position, type, time) "
            f"VALUES ('account-1', {position}, 'T', now() - INTERVAL '{age}')"
        )
    store.run("CALL close_ended_chunks()")
    chunks = store.run("SELECT chunk FROM hypertable_chunks() WHERE range_start <= now()")
    store.run("CALL public.merge_chunks('{}', '{}')".format(*(name for (name,) in chunks)))
    for _ in range(2):
        store.run("CALL close_ended_chunks()")
        store.run("SELECT write_message(gen_random_uuid()::varchar, 'account-1', 'T', '{}')")
        for read in ("get_category_messages('account')", "get_all_messages()"):
            found = [position for (position,) in store.run(f"SELECT position FROM {read}")]
            assert found == list(range(len(found))), read
    assert len(found) == 4


def test_a_chunk_that_was_split_after_it_was_archived(small: Store) -> None:
    with small.opened() as opened:
        opened.lifecycle.archive(END)
        opened.lifecycle.verify()
    first, second = names(small)
    for name in (first, second):
        small.run(f"SELECT unfreeze('{name}')")
    split(small, first)
    close(small)
    check_reads(small)
    with small.opened() as opened:
        with pytest.raises(LifecycleError, match="would have dropped") as raised:
            opened.lifecycle.drop(END)
        assert "merge_chunks" in (raised.value.hint or "")
        with pytest.raises(LifecycleError, match="was split or merged while it was verified"):
            opened.lifecycle.archive(END, again=True)
    assert len(small.read_all()) == len(small.truth)

    # Brought back to its range, it goes on.
    merge_back(small, first)
    with small.opened() as opened:
        opened.lifecycle.archive(END, again=True)
        opened.lifecycle.verify()
        opened.lifecycle.drop(END)
    assert small.states() == ["dropped", "dropped"]
    assert len(small.read_all()) == len(small.truth)


def test_chunks_that_were_merged_after_they_were_archived(small: Store) -> None:
    with small.opened() as opened:
        opened.lifecycle.archive(END)
        opened.lifecycle.verify()
    for name in names(small):
        small.run(f"SELECT unfreeze('{name}')")
    small.run("CALL public.merge_chunks('{}', '{}')".format(*names(small)))
    close(small)
    check_reads(small)
    with (
        small.opened() as opened,
        pytest.raises(LifecycleError, match="would have dropped nothing"),
    ):
        opened.lifecycle.drop(END)
    assert small.states() == ["verified", "verified"]
    small.run(f"CALL public.split_chunk('{names(small)[0]}', TIMESTAMPTZ '{START + WEEK}')")
    close(small)
    with small.opened() as opened:
        opened.lifecycle.archive(END, again=True)
        opened.lifecycle.verify()
        opened.lifecycle.drop(END)
    assert small.states() == ["dropped", "dropped"]
    assert len(small.read_all()) == len(small.truth)


def test_a_renamed_chunk(small: Store) -> None:
    close(small)
    schema, _, name = names(small)[0].partition(".")
    small.run(f"ALTER TABLE {schema}.{name} RENAME TO {name}_renamed")
    close(small)
    assert small.states() == ["closed", "closed"]
    check_reads(small)
    with small.opened() as opened:
        opened.lifecycle.archive(END)
        opened.lifecycle.verify()
    schema, _, name = names(small)[1].partition(".")
    small.run(f"ALTER TABLE {schema}.{name} RENAME TO {name}_renamed")
    close(small)
    assert small.states() == ["verified", "verified"]
    check_reads(small)
    through(small)


@pytest.mark.parametrize("how", ["detach", "drop"])
def test_a_chunk_that_was_taken_away(small: Store, how: str) -> None:
    close(small)
    name = names(small)[0]
    small.run(f"CALL public.detach_chunk('{name}')" if how == "detach" else f"DROP TABLE {name}")
    close(small)
    assert small.states() == ["dropped", "closed"]
    for read in ("get_all_messages(1, -1)", "get_category_messages('account', 1, -1)"):
        with pytest.raises(psycopg.Error, match="have left the database"):
            small.run(f"SELECT * FROM {read}")


def test_a_chunk_that_was_taken_away_and_made_anew(small: Store) -> None:
    """Late data makes a chunk of the same range: it is not what was there."""
    close(small)
    small.run(f"DROP TABLE {names(small)[0]}")
    late = "INSERT INTO messages (stream_name, position, type, time) VALUES ('late-1', 0, 'T', %s)"
    with pytest.raises(psycopg.Error, match="Messages are missing"):
        small.run(late, [START + WEEK / 2])
    # Past the store, as a tool that copies tables does.
    with small.installed.connect() as connection, connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute(
            late.replace(
                "(stream", "(global_position, position_bucket, correlation_category, stream"
            )
            .replace("('late", "(1000000, 61, '-', 'late")
            .encode(),
            [START + WEEK / 2],
        )
    close(small)
    assert small.states() == ["open", "closed"]
    with small.opened() as opened, pytest.raises(LifecycleError, match="has 1 messages, and had"):
        opened.lifecycle.archive(END)
    assert small.states() == ["open", "exported"]


@pytest.mark.native
def test_a_column_of_the_users_own_is_not_lost(small: Store) -> None:
    small.run("ALTER TABLE messages ADD COLUMN tenant text")
    with small.opened() as opened:
        with pytest.raises(LifecycleError, match="not archived: tenant text"):
            opened.lifecycle.archive(END)
        assert small.objects() == []
        small.run("ALTER TABLE messages DROP COLUMN tenant")
        opened.lifecycle.archive(END)
        opened.lifecycle.verify()
        small.run("ALTER TABLE messages ADD COLUMN tenant text")
        with pytest.raises(LifecycleError, match="not archived: tenant text"):
            opened.lifecycle.drop(END)
    assert small.states() == ["verified", "verified"]


@pytest.mark.native
def test_a_trigger_of_the_users_own_sees_no_message_that_is_not_new(small: Store) -> None:
    through(small)
    small.run("CREATE TABLE seen (what text)")
    small.run(
        "CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"INSERT INTO {small.installed.schema}.seen VALUES (TG_OP); RETURN NULL; END $$"
    )
    small.run(
        "CREATE TRIGGER own AFTER INSERT OR DELETE ON messages FOR EACH ROW EXECUTE FUNCTION see()"
    )
    with small.opened() as opened:
        opened.lifecycle.rehydrate(START, START + WEEK, streams=["account-1"])
        opened.lifecycle.rehydrate(START, END)
        small.run("SELECT make_chunk_at(now() + INTERVAL '40 days')")
        assert small.run("SELECT * FROM seen") == []
        opened.write_message("new-1", "T")
        assert small.run("SELECT * FROM seen") == [("INSERT",)]
        opened.lifecycle.drop(END)
    small.run("DROP TRIGGER own ON messages")


def test_chunks_are_made_beside_a_publication_of_all_tables(small: Store) -> None:
    """A row that is written and deleted at once would need a replica identity of messages."""
    small.run("CREATE PUBLICATION of_everything FOR ALL TABLES")
    try:
        small.run("SELECT make_chunk_at(now() + INTERVAL '40 days')")
        with small.opened() as opened:
            opened.lifecycle.compress(END)
        through(small)
        with small.opened() as opened:
            opened.lifecycle.rehydrate(START, END)
            opened.write_message("new-1", "T")
        small.run("DELETE FROM messages WHERE stream_name = 'new-1'")
    finally:
        small.run("DROP PUBLICATION of_everything")
    assert small.run("SELECT count(*) FROM messages WHERE stream_name = ''") == [(0,)]
