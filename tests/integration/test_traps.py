"""What goes wrong with a lock and max(position) over a hypertable, and does not go wrong here.

Each trap is sprung twice: on the approach of seed_store.sql, which shows that it is one, and on
the store.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from tests.fix_store import InstalledStore, drop_store
from tests.integration.writers import Writer, seed_writer, store_writer


@pytest.fixture
def store(quiet_store: InstalledStore) -> Writer:
    return store_writer(quiet_store)


@pytest.fixture
def seed(dsn: str) -> Iterator[Writer]:
    yield seed_writer(dsn, "seed")
    drop_store(dsn, "seed")


def write(writer: Writer, stream_name: str, count: int) -> list[int]:
    with writer.connect() as connection:
        return [writer.write(connection, stream_name) for _ in range(count)]


def test_positions_are_not_reused_after_a_drop(store: Writer, seed: Writer) -> None:
    for writer in (seed, store):
        assert write(writer, "account-1", 3) == [0, 1, 2]
    seed.run("SELECT public.drop_chunks('seed.messages', older_than => now() + INTERVAL '30 days')")
    drop_everything(store)

    assert write(seed, "account-1", 1) == [0]
    assert write(store, "account-1", 1) == [3]
    assert store.run("SELECT stream_version('account-1'), stream_version('account-2')") == [
        (3, None)
    ]


def drop_everything(store: Writer) -> None:
    """As TimescaleDB drops chunks, behind the ledger's back."""
    store.run(
        "SELECT public.drop_chunks(%s, older_than => clock_timestamp() + INTERVAL '30 days')",
        [f"{store.schema}.messages"],
    )


def test_the_global_position_is_not_reused_after_a_drop(store: Writer) -> None:
    write(store, "account-1", 3)
    [(last,)] = store.run("SELECT max(global_position) FROM messages")
    drop_everything(store)
    write(store, "account-1", 1)
    assert store.run("SELECT min(global_position) FROM messages") == [(last + 1,)]


def test_the_expected_version_holds_after_a_drop(store: Writer) -> None:
    write(store, "account-1", 3)
    drop_everything(store)
    with pytest.raises(psycopg.errors.RaiseException, match=r"Wrong expected version: -1"):
        store.run("SELECT write_message(%s, 'account-1', 'T', NULL, NULL, -1)", [str(uuid4())])
    assert store.run(
        "SELECT write_message(%s, 'account-1', 'T', NULL, NULL, 2)", [str(uuid4())]
    ) == [(3,)]


def test_writes_of_one_transaction_across_a_new_chunk(store: Writer, seed: Writer) -> None:
    results: dict[str, list[int]] = {}
    drop_everything(store)
    for writer in (seed, store):
        with writer.connect() as connection, connection.transaction():
            results[writer.schema] = []
            for _ in range(4):
                results[writer.schema].append(writer.write(connection, "account-1"))
                # A clock may count milliseconds, and two times be the same by chance.
                time.sleep(0.005)
    assert results == {"seed": [0, 0, 0, 0], store.schema: [0, 1, 2, 3]}
    assert store.positions("account-1") == [0, 1, 2, 3]


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_many_writes_of_one_transaction_at_a_higher_level(store: Writer, level: str) -> None:
    with store.connect() as connection:
        connection.execute(f"BEGIN ISOLATION LEVEL {level}".encode())
        assert [store.write(connection, "account-1") for _ in range(3)] == [0, 1, 2]
        connection.execute("COMMIT")
    assert write(store, "account-1", 1) == [3]


def test_an_id_is_taken_once(store: Writer, seed: Writer) -> None:
    id = uuid4()
    for writer in (seed, store):
        with writer.connect() as connection:
            writer.write(connection, "account-1", id)
    with seed.connect() as connection:
        assert seed.write(connection, "account-2", id) == 0
    with (
        store.connect() as connection,
        pytest.raises(psycopg.errors.UniqueViolation) as caught,
    ):
        store.write(connection, "account-2", id)
    assert caught.value.diag.constraint_name == "messages_id"
    assert caught.value.diag.message_detail == f"Key (id)=({id}) already exists."
    assert store.positions("account-2") == []


def test_an_id_is_taken_once_in_one_transaction_across_a_new_chunk(store: Writer) -> None:
    id = uuid4()
    drop_everything(store)
    with store.connect() as connection:
        connection.execute("BEGIN")
        store.write(connection, "account-1", id)
        with pytest.raises(psycopg.errors.UniqueViolation):
            store.write(connection, "account-2", id)
        connection.execute("ROLLBACK")
    assert store.run("SELECT count(*) FROM messages") == [(0,)]


def times(writer: Writer, stream_name: str) -> list[datetime]:
    return [
        moment
        for (moment,) in writer.run(
            "SELECT time FROM messages WHERE stream_name = %s ORDER BY position", [stream_name]
        )
    ]


def test_time_never_goes_back_inside_a_stream(store: Writer, seed: Writer) -> None:
    # The clock was ahead when the last message was written, and has been set back since.
    for writer in (seed, store):
        write(writer, "account-1", 1)
    seed.run("UPDATE messages SET time = time + INTERVAL '10 minutes'")
    store.run("UPDATE streams SET time = time + INTERVAL '10 minutes'")
    for writer in (seed, store):
        assert write(writer, "account-1", 2) == [1, 2]

    assert times(seed, "account-1") != sorted(times(seed, "account-1"))
    first, second, third = times(store, "account-1")
    assert first + timedelta(minutes=9) < second == third
    assert store.run("SELECT time FROM streams") == [(third,)]


def test_a_write_far_ahead_of_the_clock_is_refused(store: Writer, seed: Writer) -> None:
    for writer in (seed, store):
        write(writer, "account-1", 1)
        write(writer, "account-2", 1)
    store.run(
        "UPDATE streams SET time = time + INTERVAL '61 minutes' WHERE stream_name = 'account-1'"
    )
    with store.connect() as connection:
        with pytest.raises(psycopg.Error) as caught:
            store.write(connection, "account-1")
        assert caught.value.sqlstate == "CS004"
        # The other streams of the category go on.
        assert store.write(connection, "account-2") == 1
    assert store.positions("account-1") == [0]


def test_the_allowed_lead_is_a_setting(store: Writer) -> None:
    write(store, "account-1", 1)
    store.run("UPDATE streams SET time = time + INTERVAL '61 minutes'")
    store.run("UPDATE store SET max_clock_lead = INTERVAL '2 hours'")
    assert write(store, "account-1", 1) == [1]


def test_a_truncated_store_starts_anew(store: Writer) -> None:
    write(store, "account-1", 3)
    store.run("TRUNCATE messages RESTART IDENTITY")
    assert store.run("SELECT stream_version('account-1')") == [(None,)]
    assert write(store, "account-1", 2) == [0, 1]
    assert store.run("SELECT global_position FROM messages ORDER BY 1") == [(1,), (2,)]


def test_truncation_of_archived_history_is_refused(store: Writer) -> None:
    write(store, "account-1", 3)
    store.run(
        "INSERT INTO messages (stream_name, position, type, time) "
        "VALUES ('old-1', 0, 'T', '2025-01-03')"
    )
    store.run("SELECT * FROM drop_chunks_older_than(INTERVAL '60 days', force => true)")
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match=r"archived"):
        store.run("TRUNCATE messages RESTART IDENTITY")
    assert store.positions("account-1") == [0, 1, 2]
