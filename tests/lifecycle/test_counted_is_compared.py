"""What the ledger counted, what was exported, what the manifest says, what was proved and what the
drop sees are compared with each other. A chunk that lost rows behind the store's back is never
archived as if they had not been there.

What looks with SQL beside an open store takes two connections, so it is for a native server.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from tests.history import END
from tests.lifecycle.conftest import Store

from coldstream import NewMessage
from coldstream.errors import ChunkChanged, Unavailable

FIRST = "(SELECT min(range_start) FROM chunks)"


def first_chunk(store: Store) -> str:
    ((name,),) = store.run(f"SELECT chunk_name FROM chunks WHERE range_start = {FIRST}")
    assert isinstance(name, str)
    return name


def unfreeze(store: Store) -> None:
    store.run("SELECT unfreeze(%s::regclass)", [first_chunk(store)])


def test_a_chunk_whose_table_was_emptied_is_not_archived(small: Store) -> None:
    small.run("CALL close_ended_chunks()")
    small.run(f"TRUNCATE {first_chunk(small)}")
    with (
        small.opened() as opened,
        pytest.raises(ChunkChanged, match="has 0 messages, and had") as raised,
    ):
        opened.lifecycle.archive(END)
    assert "recount_range" in (raised.value.hint or "")
    # It keeps no other, and nothing of it is in the archive.
    assert small.states() == ["closed", "exported"]
    assert len([path for path in small.files() if "manifest" in path.name]) == 1

    # A late message does not let it be forgotten.
    ((start,),) = small.run("SELECT min(range_start) FROM chunks")
    late = "INSERT INTO messages (stream_name, position, type, time) VALUES ('late-1', 0, 'T', %s)"
    with pytest.raises(psycopg.DatabaseError, match="Messages are missing: 0 of"):
        small.run(late, [start])
    assert small.states() == ["closed", "exported"]

    # Somebody says that what is left is all there is.
    small.run("SELECT recount_range(%s)", [start])
    small.run(late, [start])
    with small.opened() as opened:
        opened.lifecycle.archive(END)
        assert [each.problem for each in opened.lifecycle.verify()] == [None, None]
        opened.lifecycle.drop(END)
    assert small.states() == ["dropped", "dropped"]


@pytest.mark.native
def test_a_sealed_chunk_whose_table_was_emptied_is_not_exported_again(small: Store) -> None:
    with small.opened() as opened:
        opened.lifecycle.archive(END)
        opened.lifecycle.verify()
        unfreeze(small)
        small.run(f"TRUNCATE {first_chunk(small)}")
        with pytest.raises(ChunkChanged, match="not the ones that were exported"):
            opened.lifecycle.drop(END)
        with pytest.raises(ChunkChanged, match="has 0 messages, and had"):
            opened.lifecycle.archive(END, again=True)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.native
def test_deleted_messages_are_counted_anew(small: Store, compressed: bool) -> None:
    small.run("CALL close_ended_chunks()")
    with small.opened() as opened:
        if compressed:
            opened.lifecycle.compress(END)
        ((before,),) = small.run(f"SELECT messages FROM chunks WHERE range_start = {FIRST}")
        deleted = small.run("DELETE FROM messages WHERE stream_name = 'account-2' RETURNING time")
        inside = sum(
            small.run("SELECT count(*) FROM chunks WHERE %s < range_end", [time])[0][0] == 2
            for (time,) in deleted
        )
        assert inside
        opened.lifecycle.archive(END)
        assert [each.problem for each in opened.lifecycle.verify()] == [None, None]
        chunk = opened.lifecycle.get_chunks()[0]
        assert chunk.messages == before - inside
        opened.lifecycle.drop(END)


@pytest.mark.native
def test_deleted_messages_of_an_exported_chunk_are_exported_again(small: Store) -> None:
    with small.opened() as opened:
        opened.lifecycle.archive(END)
        small.run("SELECT unfreeze(chunk_name::regclass) FROM chunks WHERE state = 'exported'")
        small.run("DELETE FROM messages WHERE stream_name = 'account-1'")
        with pytest.raises(psycopg.Error):
            small.run(f"SELECT drop_range({FIRST})")
        opened.lifecycle.archive(END, again=True)
        assert [each.problem for each in opened.lifecycle.verify()] == [None, None]
        opened.lifecycle.drop(END)
    assert small.states() == ["dropped", "dropped"]


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        (
            "UPDATE chunks SET messages = messages + 1, thinned = false WHERE range_start = ",
            "messages",
        ),
        ("UPDATE chunks SET streams = streams + 1 WHERE range_start = ", "streams"),
        (
            "UPDATE chunks SET first_global_position = 1 WHERE range_start = ",
            "first global position",
        ),
        ("UPDATE chunks SET last_time = last_time + '1 us' WHERE range_start = ", "last time"),
        (
            "DELETE FROM chunk_categories WHERE category = 'account' AND range_start = ",
            "category account",
        ),
        (
            "UPDATE chunk_categories SET last_global_position = last_global_position + 1 "
            "WHERE category = 'account' AND range_start = ",
            "category account",
        ),
    ],
)
@pytest.mark.native
def test_every_figure_of_the_manifest_is_compared(small: Store, statement: str, what: str) -> None:
    """At the export, before a manifest is there; and for one that is there, when it is proved."""
    with small.opened() as opened:
        opened.lifecycle.archive(END)
        ((manifest,),) = small.run(
            f"SELECT archive_manifest FROM chunks WHERE range_start = {FIRST}"
        )
        text = (small.folder / manifest).read_text()
        small.run(statement + FIRST)
        with pytest.raises(psycopg.Error, match=what):
            small.run(f"SELECT check_manifest({FIRST}, %s)", [text])
        with pytest.raises(ChunkChanged, match=what):
            opened.lifecycle.verify()
    assert json.loads(text)["rows"]
    assert small.states() == ["exported", "exported"]


@pytest.mark.native
def test_the_drop_compares_the_count(small: Store) -> None:
    with small.opened() as opened:
        opened.lifecycle.archive(END)
        opened.lifecycle.verify()
        small.run(f"UPDATE chunks SET messages = messages + 1 WHERE range_start = {FIRST}")
        with pytest.raises(ChunkChanged, match="messages, and the ledger"):
            opened.lifecycle.drop(END)
    assert small.states() == ["verified", "dropped"]


@contextmanager
def setting(store: Store, assignment: str) -> Iterator[None]:
    ((name,),) = store.run("SELECT current_database()")
    store.run(f'ALTER DATABASE "{name}" SET {assignment}')
    try:
        yield
    finally:
        store.run(f'ALTER DATABASE "{name}" RESET {assignment.partition("=")[0]}')


def test_nothing_is_done_while_a_restore_is_at_work(small: Store) -> None:
    with small.opened() as opened:
        opened.lifecycle.compress(END)
    messages = small.run("SELECT count(*) FROM messages")
    before = small.snapshot()
    with setting(small, "timescaledb.restoring = on"):
        with small.opened() as opened:
            lifecycle = opened.lifecycle
            for verb in (lifecycle.compress, lifecycle.archive, lifecycle.drop):
                with pytest.raises(Unavailable, match="restoring"):
                    verb(END)
            for read in (
                lambda: list(opened.get_all_messages()),
                lambda: list(opened.get_category_messages("account")),
                lambda: list(opened.get_stream_messages("account-1")),
                lambda: opened.write_message("new-1", "T"),
                lambda: opened.write_messages([NewMessage("new-1", "T")]),
            ):
                with pytest.raises(Unavailable, match="restoring"):
                    read()
        for statement in (
            "SELECT * FROM get_category_messages('account')",
            "SELECT * FROM get_all_messages(1)",
            "SELECT * FROM get_stream_messages('account-1')",
            "SELECT * FROM get_last_stream_message('account-1')",
            "SELECT write_message(gen_random_uuid()::varchar, 'new-1', 'T', '{}')",
            "INSERT INTO messages (stream_name, position, type) VALUES ('new-1', 0, 'T')",
            "CALL close_ended_chunks()",
            "SELECT drop_chunks_older_than('1 day', force => true)",
            "SELECT compress_chunks_older_than('1 day')",
        ):
            with pytest.raises(psycopg.Error, match="restoring"):
                small.run(statement)
    assert small.run("SELECT count(*) FROM messages") == messages
    assert small.snapshot() == before


@pytest.mark.native
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT write_message(gen_random_uuid()::varchar, 'new-1', 'T', '{}')",
        "SELECT * FROM write_messages(ARRAY[gen_random_uuid()::varchar], ARRAY['new-1'::varchar], "
        "ARRAY['T'::varchar], ARRAY['{}'::jsonb])",
        "INSERT INTO messages (stream_name, position, type) VALUES ('new-1', 0, 'T')",
        "SELECT * FROM get_category_messages('account')",
        "SELECT * FROM get_category_messages('account', batch_size => 1)",
        "SELECT * FROM get_all_messages(1)",
        "SELECT * FROM get_stream_messages('account-1')",
        "SELECT * FROM get_stream_messages('account-1', batch_size => 1)",
        "SELECT * FROM get_last_stream_message('account-1')",
        "CALL close_ended_chunks()",
        "SELECT drop_chunks_older_than('1 day', force => true)",
        "SELECT compress_chunks_older_than('1 day')",
    ],
)
def test_nothing_is_written_or_read_where_timescaledb_is_not_loaded(
    small: Store, statement: str
) -> None:
    """Each in a session of its own: a function of TimescaleDB's loads it for what comes after."""
    with small.opened() as opened:
        opened.lifecycle.compress(END)
    before = small.snapshot()
    options = f"-c timescaledb.disable_load=on -c search_path={small.installed.schema},public"
    with (
        psycopg.connect(small.installed.dsn, options=options, autocommit=True) as connection,
        pytest.raises(psycopg.Error, match="TimescaleDB is not loaded"),
    ):
        connection.execute(statement.encode())
    assert small.snapshot() == before


@pytest.mark.native
def test_a_setting_that_hides_the_columnstore_makes_no_read_shorter(small: Store) -> None:
    with small.opened() as opened:
        opened.lifecycle.compress(END)
        with setting(small, "timescaledb.enable_columnarscan = off"):
            with small.opened() as hidden:
                # The lifecycle sets what it needs itself.
                hidden.lifecycle.archive(END)
                assert [each.problem for each in hidden.lifecycle.verify()] == [None, None]
            for statement in (
                "SELECT * FROM get_category_messages('account')",
                "SELECT * FROM get_all_messages(1)",
                "SELECT * FROM get_stream_messages('account-1')",
            ):
                with pytest.raises(psycopg.Error, match="enable_columnarscan"):
                    small.run(statement)
        assert len(list(opened.get_all_messages())) == len(small.truth)


def test_no_truncate_once_a_chunk_is_sealed(small: Store) -> None:
    with small.opened() as opened:
        opened.lifecycle.archive(END)
    before = small.snapshot()
    with pytest.raises(psycopg.Error, match="sealed or archived"):
        small.run("TRUNCATE messages RESTART IDENTITY")
    assert small.snapshot() == before
