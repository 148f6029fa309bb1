"""Plain statements against messages, as scripts send them, keep the heads and the ledger true."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from tests.fix_store import InstalledStore

import coldstream

OLD = datetime(2025, 1, 2, tzinfo=UTC)


@pytest.fixture
def store(store_schema: InstalledStore) -> InstalledStore:
    return store_schema


def insert(store: InstalledStore, stream_name: str, position: int, **columns: object) -> None:
    columns = {"stream_name": stream_name, "position": position, "type": "T", **columns}
    names = ", ".join(columns)
    values = ", ".join(f"%({name})s" for name in columns)
    store.run(f"INSERT INTO messages ({names}) VALUES ({values})", columns)


def write(store: InstalledStore, stream_name: str) -> int:
    [(position,)] = store.run(
        "SELECT write_message(%s, %s, 'T', NULL)", [str(uuid4()), stream_name]
    )
    return int(position)


def positions(store: InstalledStore, stream_name: str) -> list[tuple[int, int]]:
    return store.run("SELECT position, global_position FROM get_stream_messages(%s)", [stream_name])


def test_write_message_continues_after_it(store: InstalledStore) -> None:
    insert(store, "account-1", 0)
    insert(store, "account-1", 1)
    assert store.run("SELECT stream_version('account-1')") == [(1,)]
    assert write(store, "account-1") == 2
    assert [position for position, _ in positions(store, "account-1")] == [0, 1, 2]


def test_it_continues_after_write_message(store: InstalledStore) -> None:
    write(store, "account-1")
    insert(store, "account-1", 1)
    assert store.run("SELECT stream_version('account-1')") == [(1,)]


def test_the_head_has_both_ends_of_time(store: InstalledStore) -> None:
    insert(store, "account-1", 0, time=OLD)
    insert(store, "account-1", 1, time=OLD + timedelta(days=30))
    assert store.run("SELECT position, first_time, time, time_ordered FROM streams") == [
        (1, OLD, OLD + timedelta(days=30), True)
    ]


@pytest.mark.parametrize("tier", ["unclosed", "hot", "warm"])
def test_messages_out_of_the_order_of_time_are_read_in_order(
    store: InstalledStore, tier: str
) -> None:
    weeks = [3, 0, 5, 1, 4, 2]
    for position, week in enumerate(weeks):
        insert(store, "account-1", position, time=OLD + timedelta(days=7 * week))
    if tier != "unclosed":
        store.run("CALL close_ended_chunks()")
    if tier == "warm":
        assert len(store.run("SELECT compress_chunks_older_than(INTERVAL '30 days')")) == 6
    assert store.run("SELECT time_ordered FROM streams") == [(False,)]
    with coldstream.connect(store.dsn) as opened:
        for batch_size in (1, 2, 6, 1000):
            found = list(opened.get_stream_messages("account-1", batch_size=batch_size))
            assert [m.position for m in found] == [0, 1, 2, 3, 4, 5]
        last = opened.get_last_stream_message("account-1")
        assert last is not None
        assert last.position == 5
        assert [m.position for m in opened.get_category_messages("account", batch_size=2)] == [
            0, 1, 2, 3, 4, 5,
        ]  # fmt: skip
    assert write(store, "account-1") == 6


def test_a_global_position_above_the_sequence_moves_the_sequence(store: InstalledStore) -> None:
    insert(store, "account-1", 0, global_position=500)
    write(store, "account-1")
    insert(store, "order-1", 0)
    assert positions(store, "account-1") == [(0, 500), (1, 501)]
    [(position, global_position)] = positions(store, "order-1")
    assert position == 0
    assert global_position > 501


def test_a_global_position_below_the_sequence_is_kept(store: InstalledStore) -> None:
    insert(store, "account-1", 0, global_position=500)
    insert(store, "order-1", 0, global_position=7)
    assert positions(store, "order-1") == [(0, 7)]
    assert write(store, "order-1") == 1
    assert positions(store, "order-1") == [(0, 7), (1, 501)]


def duplicate(store: InstalledStore, stream_name: str, position: int, **columns: object) -> str:
    before = store.run("SELECT * FROM messages ORDER BY global_position")
    heads = store.run("SELECT * FROM streams ORDER BY stream_name")
    with pytest.raises(psycopg.errors.UniqueViolation) as caught:
        insert(store, stream_name, position, **columns)
    assert store.run("SELECT * FROM messages ORDER BY global_position") == before
    assert store.run("SELECT * FROM streams ORDER BY stream_name") == heads
    return f"{caught.value.diag.message_detail}"


def test_a_position_that_exists(store: InstalledStore) -> None:
    write(store, "account-1")
    assert duplicate(store, "account-1", 0) == (
        'Key (stream_name, "position")=(account-1, 0) already exists.'
    )
    assert duplicate(store, "account-1", 0, time=OLD).startswith("Key (stream_name")


def test_a_position_that_was_left_out_is_still_free(store: InstalledStore) -> None:
    insert(store, "account-1", 5)
    insert(store, "account-1", 3)
    assert [position for position, _ in positions(store, "account-1")] == [3, 5]
    assert write(store, "account-1") == 6


def test_an_id_that_exists(store: InstalledStore) -> None:
    id = uuid4()
    insert(store, "account-1", 0, id=id)
    assert duplicate(store, "order-1", 0, id=id) == f"Key (id)=({id}) already exists."


def test_an_id_of_the_columnstore_is_outside_the_window(store: InstalledStore) -> None:
    id = uuid4()
    insert(store, "account-1", 0, id=id, time=OLD)
    recent = "SELECT count(*) FROM recent_ids"
    assert store.run(recent) == [(1,)]
    store.run("SELECT compress_chunks_older_than(INTERVAL '30 days')")
    assert store.run(recent) == [(0,)]
    insert(store, "order-1", 0, id=id)
    assert duplicate(store, "order-2", 0, id=id) == f"Key (id)=({id}) already exists."


def test_the_ids_of_rows_outlast_the_compression_of_older_chunks(store: InstalledStore) -> None:
    old, young = uuid4(), uuid4()
    insert(store, "account-1", 0, id=old, time=OLD)
    insert(store, "account-1", 1, id=young)
    store.run("SELECT compress_chunks_older_than(INTERVAL '30 days')")
    assert store.run("SELECT id FROM recent_ids") == [(young,)]
    assert duplicate(store, "order-1", 0, id=young) == f"Key (id)=({young}) already exists."


def test_the_id_of_a_message_that_was_deleted_is_free(store: InstalledStore) -> None:
    id = uuid4()
    insert(store, "account-1", 0, id=id)
    store.run("DELETE FROM messages")
    store.run("SELECT write_message(%s, 'order-1', 'T', NULL)", [str(id)])
    assert duplicate(store, "order-2", 0, id=id) == f"Key (id)=({id}) already exists."


def test_a_global_position_that_exists(store: InstalledStore) -> None:
    insert(store, "account-1", 0, global_position=500)
    assert duplicate(store, "order-1", 0, global_position=500) == (
        "Key (global_position)=(500) already exists."
    )


def test_many_rows_in_one_statement(store: InstalledStore) -> None:
    store.run(
        "INSERT INTO messages (stream_name, position, type) "
        "SELECT 'account-' || n % 3, n / 3, 'T' FROM generate_series(0, 29) AS n"
    )
    for name in ("account-0", "account-1", "account-2"):
        assert [position for position, _ in positions(store, name)] == list(range(10))
        assert store.run("SELECT stream_version(%s)", [name]) == [(9,)]


@pytest.mark.parametrize("compressed", [False, True])
def test_a_late_message_opens_a_closed_chunk_again(store: InstalledStore, compressed: bool) -> None:
    insert(store, "account-1", 0, time=OLD)
    insert(store, "account-1", 1, time=OLD + timedelta(days=8))
    if compressed:
        store.run("SELECT compress_chunks_older_than(INTERVAL '30 days')")
    store.run("CALL close_ended_chunks()")
    closed = "compressed" if compressed else "closed"
    states = "SELECT state FROM chunks ORDER BY range_start"
    assert store.run(states) == [(closed,), (closed,)]

    insert(store, "order-1", 0, time=OLD + timedelta(hours=1))

    assert store.run(states) == [("open",), (closed,)]
    with coldstream.connect(store.dsn) as opened:
        assert len(list(opened.get_stream_messages("order-1"))) == 1
        assert len(list(opened.get_category_messages("order"))) == 1
        assert len(list(opened.get_all_messages(batch_size=1))) == 3
        assert [m.position for m in opened.get_stream_messages("account-1")] == [0, 1]
    store.run("CALL close_ended_chunks()")
    assert store.run(states) == [(closed,), (closed,)]
    assert store.run("SELECT messages FROM chunks ORDER BY range_start") == [(2,), (1,)]


def test_the_application_role_cannot_pass_the_trigger(store: InstalledStore) -> None:
    write(store, "account-1")
    columns, values = "stream_name, position, type", "'account-1', 0, 'T'"
    with store.connect() as connection:
        connection.execute(f"SET ROLE {store.role}".encode())
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute(f"INSERT INTO messages ({columns}) VALUES ({values})".encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(
                f"INSERT INTO messages ({columns}, position_bucket) VALUES ({values}, 0)".encode()
            )
    assert store.run("SELECT stream_version('account-1')") == [(0,)]


def test_all_columns_of_another_store_do_not_pass_the_trigger(store: InstalledStore) -> None:
    write(store, "account-1")
    with store.connect() as connection:
        connection.execute("CREATE TEMPORARY TABLE other AS SELECT * FROM messages")
        with pytest.raises(psycopg.errors.GeneratedAlways):
            connection.execute("INSERT INTO messages SELECT * FROM other")


@pytest.mark.parametrize(
    "write_first",
    [
        "SELECT write_message(gen_random_uuid()::text, 'account-1', 'T', NULL)",
        "SELECT * FROM write_messages(ARRAY[gen_random_uuid()::text], ARRAY['account-1'], "
        "ARRAY['T'], ARRAY[NULL::jsonb])",
        "SELECT write_message(gen_random_uuid()::text, 'account-1', 'T', NULL), "
        "create_chunks_ahead()",
    ],
)
def test_a_write_leaves_no_door_open_for_the_rest_of_its_transaction(
    store: InstalledStore, write_first: str
) -> None:
    # The owner is the one whom the trigger would let pass.
    with store.connect() as connection:
        connection.execute("BEGIN")
        connection.execute(write_first.encode())
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute(
                "INSERT INTO messages (stream_name, position, type) VALUES ('account-1', 0, 'T')"
            )
        connection.execute("ROLLBACK")
