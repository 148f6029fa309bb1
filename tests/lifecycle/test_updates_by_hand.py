"""UPDATE and TRUNCATE by the owner: no read passes over what they changed in silence."""

from __future__ import annotations

import psycopg
import pytest
from tests.history import END, START, WEEK
from tests.lifecycle.conftest import Store

from coldstream.errors import ChunkChanged

EDGE = START + 2 * WEEK


def positions(store: Store, call: str) -> list[int]:
    return [g for (g,) in store.run(f"SELECT global_position FROM {call}")]


def places(store: Store) -> list[tuple[int, str]]:
    return store.run("SELECT global_position, stream_name FROM messages ORDER BY 1")


def check_reads(store: Store) -> None:
    """Each message is where it says."""
    expected = places(store)
    assert positions(store, "get_all_messages(1, -1)") == [g for g, _ in expected]
    for category in {name.split("-")[0] for _, name in expected}:
        of_category = [g for g, name in expected if name.split("-")[0] == category]
        assert positions(store, f"get_category_messages('{category}', 1, -1)") == of_category
        assert positions(store, f"get_category_messages('{category}', 1, 3)") == of_category[:3]
    for stream in {name for _, name in expected if "-" in name}:
        of_stream = [g for g, name in expected if name == stream]
        assert sorted(positions(store, f"get_stream_messages('{stream}', 0, -1)")) == of_stream


def walk(store: Store, stream_name: str, batch_size: int) -> None:
    """Read it from each position on, and so past whatever is missing."""
    for position in range(100):
        store.run(f"SELECT * FROM get_stream_messages('{stream_name}', {position}, {batch_size})")


@pytest.mark.parametrize("tier", ["closed", "compressed"])
@pytest.mark.parametrize(
    "change",
    [
        "global_position = (SELECT max(global_position) + 20000 FROM messages)",
        "time = time - INTERVAL '1 second'",
        "stream_name = 'moved-1'",
        "stream_name = 'account-7'",
        "position = (SELECT max(position) + 5 FROM messages WHERE stream_name = 'account-1')",
    ],
)
def test_a_message_that_gets_another_place(store: Store, change: str, tier: str) -> None:
    store.run("CALL close_ended_chunks()")
    if tier == "compressed":
        with store.opened() as opened:
            opened.lifecycle.compress(END)
    store.run(
        f"UPDATE messages SET {change} WHERE stream_name = 'account-1' AND position = 1"
        f" AND time < '{EDGE}'"
    )
    for _ in range(2):
        check_reads(store)
        # And counted anew.
        store.run("CALL close_ended_chunks()")
    [(bucket,)] = store.run(
        "SELECT count(*) FROM messages WHERE position_bucket <> global_position >> 14"
    )
    assert bucket == 0
    # No position is given twice.
    store.run("SELECT write_message(gen_random_uuid()::varchar, 'account-1', 'T', '{}')")
    check_reads(store)


def test_a_taken_place_is_refused(store: Store) -> None:
    store.run("CALL close_ended_chunks()")
    for change in ("global_position = global_position + 1", "position = position + 1"):
        with pytest.raises(psycopg.errors.UniqueViolation):
            store.run(
                f"UPDATE messages SET {change} WHERE stream_name = 'account-1' AND position = 1"
            )
    check_reads(store)


def test_what_is_sealed_does_not_change(store: Store) -> None:
    with store.opened() as opened:
        opened.lifecycle.compress(EDGE)
        opened.lifecycle.archive(EDGE)
    for change in ("data = NULL", "global_position = global_position + 100000"):
        with pytest.raises(
            psycopg.errors.ObjectNotInPrerequisiteState, match=r"cannot change|frozen"
        ):
            store.run(
                f"UPDATE messages SET {change} WHERE stream_name = 'account-1' AND position = 1"
            )
    store.run("UPDATE messages SET data = NULL WHERE time >= %s", [EDGE])
    check_reads(store)


def test_an_emptied_table_is_found_by_the_read_that_passes_it(store: Store) -> None:
    store.run("CALL close_ended_chunks()")
    [(chunk,)] = store.run(
        "SELECT chunk_name FROM chunks WHERE chunk_name IS NOT NULL ORDER BY range_start"
        " OFFSET 2 LIMIT 1"
    )
    store.run(f"TRUNCATE {chunk}")
    for call in ("get_all_messages(1, -1)", "get_category_messages('account', 1, 1000)"):
        with pytest.raises(psycopg.Error, match="Messages are missing") as caught:
            store.run(f"SELECT * FROM {call}")
        assert caught.value.sqlstate == "CS009"
    with store.opened() as opened, pytest.raises(ChunkChanged, match="Messages are missing"):
        list(opened.get_category_messages("account"))
    for batch_size in (-1, 1, 1000):
        with pytest.raises(psycopg.Error, match="Messages are missing") as caught:
            walk(store, "account-1", batch_size)
        assert caught.value.sqlstate == "CS009"
    with store.opened() as opened, pytest.raises(ChunkChanged, match="Messages are missing"):
        list(opened.get_stream_messages("account-1"))
    [(start,)] = store.run("SELECT range_start FROM chunks WHERE chunk_name = %s", [chunk])
    store.run("SELECT recount_range(%s)", [start])
    check_reads(store)


@pytest.mark.native
@pytest.mark.parametrize("order", [True, False], ids=["in order", "out of order"])
@pytest.mark.parametrize("tier", ["closed", "compressed", "verified", "before it dropped"])
def test_an_emptied_table_is_no_gap_of_a_stream(store: Store, tier: str, order: bool) -> None:
    with store.opened() as opened:
        truth = list(opened.get_stream_messages("account-1"))
        store.run("CALL close_ended_chunks()")
        if tier != "closed":
            opened.lifecycle.compress(END)
        if tier in ("verified", "before it dropped"):
            opened.lifecycle.archive(END)
            opened.lifecycle.verify()
        if tier == "before it dropped":
            opened.lifecycle.drop(EDGE)
    if not order:
        store.run("UPDATE streams SET time_ordered = false")
    [(chunk, start)] = store.run(
        "SELECT chunk_name, range_start FROM chunks WHERE chunk_name IS NOT NULL"
        " ORDER BY range_start DESC LIMIT 1"
    )
    assert [message for message in truth if message.time >= start]
    store.run("SELECT unfreeze(chunk_name::regclass) FROM chunks WHERE chunk_name = %s", [chunk])
    store.run(f"TRUNCATE {chunk}")
    with store.opened() as opened:
        for size in (3, 1000):
            with pytest.raises(ChunkChanged, match="Messages are missing"):
                list(opened.get_stream_messages("account-1", batch_size=size))
        with pytest.raises(ChunkChanged, match="Messages are missing"):
            opened.get_last_stream_message("account-1")


def test_an_emptied_table_is_found_beside_open_chunks(store: Store) -> None:
    """What open chunks give between the positions of a closed one stands for none of those."""
    store.run("SELECT close_range(%s)", [START])
    store.run(
        "UPDATE messages SET global_position = 90000 WHERE global_position = ("
        "SELECT max(global_position) FROM messages WHERE stream_name = 'account-1' AND time < %s)",
        [START + WEEK],
    )
    store.run("SELECT close_range(%s)", [START])
    [(chunk, state, last)] = store.run(
        "SELECT chunk_name, state, last_global_position FROM chunks WHERE range_start = %s", [START]
    )
    assert (state, last) == ("closed", 90000)
    store.run("SELECT setval('messages_global_position_seq', 90000)")
    store.run(f"TRUNCATE {chunk}")
    with store.opened() as opened:
        opened.write_message("account-1", "T", {})
        for size in (1, 3, 1000):
            with pytest.raises(ChunkChanged, match="Messages are missing"):
                list(opened.get_category_messages("account", 1, size))
            with pytest.raises(ChunkChanged, match="Messages are missing"):
                list(opened.get_category_messages("account", 1, size, "nobody"))
            with pytest.raises(ChunkChanged, match="Messages are missing"):
                list(opened.get_all_messages(1, size))


def given(store: Store, read: str) -> list[int]:
    with store.installed.connect() as connection:
        connection.execute("SET message_store.sql_condition TO on")
        statement = f"SELECT global_position FROM {read}".encode()
        return [g for (g,) in connection.execute(statement).fetchall()]


def emptied(store: Store, tier: str) -> str:
    """The name of the third chunk, closed, whose table was truncated."""
    if tier == "compressed":
        with store.opened() as opened:
            opened.lifecycle.compress(END)
    store.run("CALL close_ended_chunks()")
    [(chunk,)] = store.run(
        "SELECT chunk_name FROM chunks WHERE range_start = %s", [START + 2 * WEEK]
    )
    store.run(f"TRUNCATE {chunk}")
    return f"{chunk}"


def reads_inside(store: Store) -> list[str]:
    """Reads of every kind that begin in the third chunk, and need a message of it."""
    lost = [m for m in store.truth if START + 2 * WEEK <= m.time < START + 3 * WEEK]
    account = [m for m in lost if m.stream_name == "account-1"]
    middle = account[len(account) // 2]
    category = f"get_category_messages('account', {middle.global_position}"
    return [
        f"get_all_messages({middle.global_position}, 3)",
        f"get_all_messages({middle.global_position}, -1)",
        f"{category}, 1)",
        f"{category}, -1)",
        f"{category}, 5, NULL, 0, 2)",
        f"{category}, 5, condition => 'position >= 0')",
        f"get_stream_messages('account-1', {middle.position}, 1)",
        f"get_stream_messages('account-1', {middle.position}, -1)",
        "get_stream_messages('account-1', 0, -1, 'position >= 0')",
        f"get_stream_messages_in_database('account-1', {middle.position}, 1)",
    ]


@pytest.mark.parametrize("tier", ["closed", "compressed"])
def test_an_emptied_table_is_found_wherever_a_read_begins(store: Store, tier: str) -> None:
    emptied(store, tier)
    for read in reads_inside(store):
        with pytest.raises(psycopg.Error, match="Messages are missing") as caught:
            given(store, read)
        assert caught.value.sqlstate == "CS009", read
    # What the answer does not need is not asked for.
    assert len(store.run("SELECT * FROM get_stream_messages('account-1', 0, 2)")) == 2


@pytest.mark.parametrize("tier", ["closed", "compressed"])
def test_an_emptied_table_takes_no_late_message(store: Store, tier: str) -> None:
    """With one in it, nothing would say that the others are missing."""
    chunk = emptied(store, tier)
    late = "INSERT INTO messages (stream_name, position, type, time) VALUES ('late-1', 0, 'T', %s)"
    with pytest.raises(psycopg.Error, match="Messages are missing") as caught:
        store.run(late, [START + 2.5 * WEEK])
    assert caught.value.sqlstate == "CS009"
    store.run("SELECT recount_range(%s)", [START + 2 * WEEK])
    store.run(late, [START + 2.5 * WEEK])
    check_reads(store)
    assert store.run(f"SELECT count(*) FROM {chunk}") == [(1,)]


def test_an_open_chunk_that_was_emptied(store: Store) -> None:
    """Late data had it open again: what was counted before is still known."""
    late = "INSERT INTO messages (stream_name, position, type, time) VALUES ('late-1', %s, 'T', %s)"
    store.run("CALL close_ended_chunks()")
    store.run(late, [0, START + 2.5 * WEEK])
    [(chunk, state)] = store.run(
        "SELECT chunk_name, state FROM chunks WHERE range_start = %s", [START + 2 * WEEK]
    )
    assert state == "open"
    store.run(f"TRUNCATE {chunk}")
    for read in reads_inside(store):
        with pytest.raises(psycopg.Error, match="Messages are missing"):
            given(store, read)
    with pytest.raises(psycopg.Error, match="Messages are missing"):
        store.run(late, [1, START + 2.5 * WEEK])


def test_what_was_emptied_comes_back_from_a_backup(store: Store) -> None:
    """A table that is written anew is another file: it is counted once, and then believed."""
    store.run("CALL close_ended_chunks()")
    [(chunk,)] = store.run(
        "SELECT chunk_name FROM chunks WHERE range_start = %s", [START + 2 * WEEK]
    )
    store.run(f"CREATE TABLE backup AS TABLE {chunk}")
    store.run(f"TRUNCATE {chunk}")
    columns = (
        "global_position, position, time, stream_name, type, data, metadata, id, position_bucket, "
        "correlation_category"
    )
    with store.installed.connect() as connection, connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute(
            f"INSERT INTO messages ({columns}) SELECT {columns} FROM backup".encode()
        )
    check_reads(store)
    assert len(store.truth) == len(places(store))
    late = "INSERT INTO messages (stream_name, position, type, time) VALUES ('late-1', %s, 'T', %s)"
    store.run(late, [0, START + 2.5 * WEEK])
    check_reads(store)
    store.run("CALL close_ended_chunks()")
    check_reads(store)


@pytest.mark.parametrize(
    "take",
    [
        "DROP TABLE {chunk}",
        "ALTER TABLE {chunk} RENAME TO renamed_away",
        "CALL public.detach_chunk('{chunk}')",
    ],
)
def test_a_chunk_that_was_taken_away_is_an_error_before_the_ledger_knows(
    store: Store, take: str
) -> None:
    store.run("CALL close_ended_chunks()")
    [(chunk,)] = store.run(
        "SELECT chunk_name FROM chunks WHERE range_start = %s", [START + 2 * WEEK]
    )
    expected = {read: given(store, read) for read in reads_inside(store)}
    store.run(take.format(chunk=chunk))
    for read in reads_inside(store):
        try:
            found = given(store, read)
        except psycopg.errors.SerializationFailure:
            continue
        # A renamed one has everything.
        assert "RENAME" in take, read
        assert found == expected[read], read


@pytest.mark.native
def test_a_delete_at_repeatable_read_sees_that_a_chunk_was_closed(store: Store) -> None:
    """Or the count would stay, and what was deleted would be missing."""
    delete = "DELETE FROM messages WHERE stream_name = 'account-1' AND position = 1"
    store.run(delete.replace("= 1", "= 2"))
    with store.installed.connect() as connection:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        connection.execute("SELECT count(*) FROM chunks")
        store.run("CALL close_ended_chunks()")
        with pytest.raises(psycopg.errors.SerializationFailure):
            connection.execute(delete.encode())
        connection.execute("ROLLBACK")
    # Thinned and open for the snapshot, closed and counted now.
    store.run(delete.replace("= 1", "= 3"))
    with store.installed.connect() as connection:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        connection.execute("SELECT count(*) FROM chunks")
        store.run("CALL close_ended_chunks()")
        with pytest.raises(psycopg.errors.SerializationFailure):
            connection.execute(delete.encode())
        connection.execute("ROLLBACK")
    store.run(delete)
    check_reads(store)
