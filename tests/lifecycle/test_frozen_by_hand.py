"""Chunks that somebody drops, freezes or unfreezes through TimescaleDB's own functions."""

from __future__ import annotations

import psycopg
import pytest
from tests.history import END, START, WEEK
from tests.lifecycle.conftest import Store

from coldstream import ChunkChanged, LateMessage

FIRST = "SELECT chunk_name FROM chunks WHERE chunk_name IS NOT NULL ORDER BY range_start LIMIT 1"


def test_a_chunk_that_drop_chunk_took(store: Store) -> None:
    store.run("CALL close_ended_chunks()")
    [(chunk,)] = store.run(FIRST)
    store.run(f"SELECT _timescaledb_functions.drop_chunk('{chunk}')")
    reads = (
        "get_category_messages('account')",
        "get_all_messages()",
        "get_stream_messages('account-1')",
    )
    for read in reads:
        with pytest.raises(psycopg.errors.SerializationFailure) as caught:
            store.run(f"SELECT * FROM {read}")
        assert "close_ended_chunks()" in f"{caught.value.diag.message_hint}"
    store.run("CALL close_ended_chunks()")
    assert store.states()[:2] == ["dropped", "closed"]
    for read in reads:
        with pytest.raises(psycopg.Error, match="have left the database") as left:
            store.run(f"SELECT * FROM {read}")
        assert left.value.sqlstate == "CS001"
    with store.opened() as opened:
        assert next(iter(opened.lifecycle.get_chunks())).tier == "gone"


def test_the_current_chunk_that_was_frozen(store: Store) -> None:
    store.run("SELECT write_message(gen_random_uuid()::varchar, 'new-1', 'T', '{}')")
    [(chunk,)] = store.run(
        "SELECT tableoid::regclass::text FROM messages WHERE stream_name = 'new-1'"
    )
    store.run(f"SELECT _timescaledb_functions.freeze_chunk('{chunk}')")
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="frozen chunk"):
        store.run("SELECT write_message(gen_random_uuid()::varchar, 'new-1', 'T', '{}')")
    with store.opened() as opened:
        with pytest.raises(LateMessage, match="frozen chunk") as caught:
            opened.write_message("new-1", "T")
        assert f"SELECT {store.installed.schema}.unfreeze(" in f"{caught.value.hint}"
        assert [m.position for m in opened.get_stream_messages("new-1")] == [0]
    # As the hint says.
    store.run(f"SELECT unfreeze('{chunk}')")
    with store.opened() as opened:
        assert opened.write_message("new-1", "T").position == 1


@pytest.mark.parametrize("change", ["UPDATE messages SET data = NULL", "DELETE FROM messages"])
def test_what_was_unfrozen_and_changed_is_not_dropped(small: Store, change: str) -> None:
    with small.opened() as opened:
        opened.lifecycle.archive(END)
        opened.lifecycle.verify()
    [(chunk,)] = small.run(FIRST)
    small.run(f"SELECT _timescaledb_functions.unfreeze_chunk('{chunk}')")
    with small.installed.connect() as connection, connection.transaction():
        # Past the store's triggers, too.
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute(
            f"{change} WHERE stream_name = 'account-1' AND position = 1 AND time < %s".encode(),
            [START + WEEK],
        )
    with small.opened() as opened, pytest.raises(ChunkChanged):
        opened.lifecycle.drop(END)
    # It stays, and keeps no other.
    assert small.states() == ["verified", "dropped"]


def test_one_chunk_that_is_not_compressed_keeps_no_other(store: Store) -> None:
    late = "INSERT INTO messages (stream_name, position, type, time) VALUES ('late-1', 0, 'T', %s)"
    store.run("CALL close_ended_chunks()")
    store.run(late, [START + 2.5 * WEEK])
    [(chunk,)] = store.run("SELECT chunk_name FROM chunks WHERE state = 'open'")
    store.run(f"TRUNCATE {chunk}")
    warnings: list[str] = []
    with store.installed.connect() as connection:
        connection.add_notice_handler(lambda notice: warnings.append(f"{notice.message_primary}"))
        moved = connection.execute(
            "SELECT * FROM compress_chunks_older_than(INTERVAL '60 days')"
        ).fetchall()
    assert sorted(set(store.states())) == ["compressed", "open"]
    assert len(moved) == store.states().count("compressed") == len(store.states()) - 1
    assert [text for text in warnings if "was not compressed" in text]
