"""Plain statements on the messages table, as scripts and reports use them."""

import datetime
import uuid

import psycopg
import pytest

from .statements import column, new_id, refusal, refused, rows, value, write

COLUMNS = [
    "global_position",
    "position",
    "time",
    "stream_name",
    "type",
    "data",
    "metadata",
    "id",
]
INSERT = "INSERT INTO messages (stream_name, position, type) VALUES (%s, %s, 'Happened')"


def test_its_first_eight_columns(db: psycopg.Connection):
    described = db.execute("SELECT * FROM messages").description
    assert described is not None
    assert [each.name for each in described][:8] == COLUMNS


def test_their_types(db: psycopg.Connection):
    # `time` is left out: a store may keep it with its time zone.
    described = dict(
        rows(
            db,
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
            "WHERE attrelid = 'messages'::regclass AND attname <> 'time' AND attname = ANY (%s)",
            COLUMNS,
        )
    )
    assert described == {
        "global_position": "bigint",
        "position": "bigint",
        "stream_name": "text",
        "type": "text",
        "data": "json",
        "metadata": "json",
        "id": "uuid",
    }


def test_a_written_message_is_a_row(db: psycopg.Connection):
    id = new_id()
    write(db, "account-1", "Opened", '{"a": 1}', '{"b": 2}', id=id)
    assert rows(
        db, "SELECT global_position, position, stream_name, type, data, metadata, id FROM messages"
    ) == [(1, 0, "account-1", "Opened", {"a": 1}, {"b": 2}, uuid.UUID(id))]


def test_an_insert_needs_stream_name_position_and_type_only(db: psycopg.Connection):
    db.execute(INSERT, ("account-1", 0))
    read = rows(db, "SELECT stream_name, position, type, data, metadata FROM messages")
    assert read == [("account-1", 0, "Happened", None, None)]


def test_the_default_id_is_a_random_uuid(db: psycopg.Connection):
    db.execute(INSERT, ("account-1", 0))
    db.execute(INSERT, ("account-1", 1))
    first, second = column(db, "SELECT id FROM messages ORDER BY position")
    assert (first.version, second.version) == (4, 4)
    assert first != second


def test_the_default_global_position_is_above_all_before_it(db: psycopg.Connection):
    db.execute(INSERT, ("account-3", 0))
    write(db, "account-2")
    db.execute(INSERT, ("account-1", 0))
    write(db, "account-2")
    written = column(db, "SELECT stream_name FROM messages ORDER BY global_position")
    assert written == ["account-3", "account-2", "account-1", "account-2"]


def test_the_default_time_is_now_in_utc(db: psycopg.Connection):
    db.execute("SET TimeZone TO 'Pacific/Kiritimati'")
    clock = "SELECT clock_timestamp() AT TIME ZONE 'UTC'"
    before = value(db, clock)
    db.execute(INSERT, ("account-1", 0))
    time = value(db, "SELECT time FROM get_stream_messages('account-1')")
    assert before <= time <= value(db, clock)


def test_the_sequence_has_its_name(db: psycopg.Connection):
    write(db, "account-1")
    assert value(db, "SELECT nextval('messages_global_position_seq')") == 2
    write(db, "account-1")
    assert column(db, "SELECT global_position FROM messages ORDER BY position") == [1, 3]


def test_the_sequence_belongs_to_its_column(db: psycopg.Connection):
    owned = value(
        db,
        "SELECT pg_get_serial_sequence('messages', 'global_position')::regclass "
        "= 'messages_global_position_seq'::regclass",
    )
    assert owned is True


def test_an_insert_may_give_every_column(db: psycopg.Connection):
    id = new_id()
    db.execute("SET TimeZone TO 'UTC'")
    db.execute(
        "INSERT INTO messages "
        "(global_position, position, time, stream_name, type, data, metadata, id) "
        "VALUES (77, 3, '2025-03-04 05:06:07', 'account-1', 'Opened', '{\"a\":1}', '[]', %s)",
        (id,),
    )
    assert rows(db, "SELECT * FROM get_stream_messages('account-1')") == [
        (
            id,
            "account-1",
            "Opened",
            3,
            77,
            '{"a": 1}',
            "[]",
            datetime.datetime(2025, 3, 4, 5, 6, 7),
        )
    ]


def test_an_insert_of_many_rows(db: psycopg.Connection):
    inserted = db.execute(
        "INSERT INTO messages (stream_name, position, type) "
        "SELECT 'account-' || n % 2, n / 2, 'Happened' FROM generate_series(0, 9) AS n"
    )
    assert inserted.rowcount == 10
    assert value(db, "SELECT stream_version('account-0')") == 4
    assert len(column(db, "SELECT position FROM get_category_messages('account')")) == 10


def test_an_insert_returns_its_defaults(db: psycopg.Connection):
    returning = INSERT + " RETURNING global_position, position, id IS NOT NULL"
    returned = rows(db, returning, "account-1", 0)
    assert returned == rows(db, "SELECT global_position, 0::bigint, true FROM messages")


def test_an_inserted_message_is_read_by_every_reader(db: psycopg.Connection):
    db.execute(INSERT, ("account-1", 0))
    for call in (
        "get_stream_messages('account-1')",
        "get_category_messages('account')",
        "get_last_stream_message('account-1')",
    ):
        assert rows(db, f"SELECT stream_name, position FROM {call}") == [("account-1", 0)]


def test_an_inserted_message_is_the_stream_s_version(db: psycopg.Connection):
    db.execute(INSERT, ("account-1", 0))
    db.execute(INSERT, ("account-1", 1))
    assert value(db, "SELECT stream_version('account-1')") == 1


def test_a_write_continues_after_an_inserted_message(db: psycopg.Connection):
    db.execute(INSERT, ("account-1", 0))
    assert write(db, "account-1", expected_version=0) == 1


def test_an_insert_may_leave_a_gap_and_a_write_continues_after_it(db: psycopg.Connection):
    write(db, "account-1")
    db.execute(INSERT, ("account-1", 7))
    assert value(db, "SELECT stream_version('account-1')") == 7
    assert write(db, "account-1") == 8


def test_an_insert_below_the_version_does_not_lower_it(db: psycopg.Connection):
    db.execute(INSERT, ("account-1", 7))
    db.execute(INSERT, ("account-1", 3))
    assert value(db, "SELECT stream_version('account-1')") == 7
    assert column(db, "SELECT position FROM get_stream_messages('account-1')") == [3, 7]


def test_a_rolled_back_insert_leaves_the_version(db: psycopg.Connection):
    write(db, "account-1")
    with db.transaction(force_rollback=True):
        db.execute(INSERT, ("account-1", 1))
    assert value(db, "SELECT stream_version('account-1')") == 0
    assert write(db, "account-1") == 1


def test_an_insert_of_a_repeated_id_is_refused(db: psycopg.Connection):
    id = new_id()
    write(db, "account-1", id=id)
    statement = "INSERT INTO messages (id, stream_name, position, type) VALUES (%s, %s, 0, 'T')"
    assert refused(db, statement, id, "order-1") == (
        "23505",
        'duplicate key value violates unique constraint "messages_id"',
    )


def test_a_repeated_id_within_one_insert_is_refused(db: psycopg.Connection):
    id = new_id()
    state, _ = refused(
        db,
        "INSERT INTO messages (id, stream_name, position, type) "
        "VALUES (%s, 'account-1', 0, 'T'), (%s, 'account-2', 0, 'T')",
        id,
        id,
    )
    assert state == "23505"
    assert value(db, "SELECT count(*) FROM messages") == 0


def test_an_insert_at_a_taken_position_is_refused(db: psycopg.Connection):
    write(db, "account-1")
    error = refusal(db, INSERT, "account-1", 0)
    assert (error.sqlstate, error.diag.message_primary) == (
        "23505",
        'duplicate key value violates unique constraint "messages_stream"',
    )
    assert error.diag.constraint_name == "messages_stream"


def test_an_insert_at_a_taken_position_below_the_version_is_refused(db: psycopg.Connection):
    for _ in range(3):
        write(db, "account-1")
    assert refused(db, INSERT, "account-1", 1)[0] == "23505"


def test_an_insert_at_a_taken_position_with_another_time_is_refused(db: psycopg.Connection):
    write(db, "account-1")
    state, _ = refused(
        db,
        "INSERT INTO messages (stream_name, position, type, time) "
        "VALUES ('account-1', 0, 'T', '2016-06-15 12:00:00')",
    )
    assert state == "23505"


def test_a_repeated_position_within_one_insert_is_refused(db: psycopg.Connection):
    state, _ = refused(
        db,
        "INSERT INTO messages (stream_name, position, type) "
        "VALUES ('account-1', 0, 'T'), ('account-1', 0, 'T')",
    )
    assert state == "23505"
    assert value(db, "SELECT stream_version('account-1')") is None


def test_an_insert_of_a_taken_global_position_is_refused(db: psycopg.Connection):
    write(db, "account-1")
    state, _ = refused(
        db,
        "INSERT INTO messages (global_position, stream_name, position, type) "
        "VALUES (1, 'account-2', 0, 'T')",
    )
    assert state == "23505"


@pytest.mark.parametrize(
    "name", ["global_position", "position", "time", "stream_name", "type", "id"]
)
def test_null_is_refused(db: psycopg.Connection, name: str):
    values = {
        "global_position": "1",
        "position": "0",
        "time": "now()",
        "stream_name": "'account-1'",
        "type": "'T'",
        "id": "gen_random_uuid()",
    } | {name: "NULL"}
    error = refusal(
        db, f"INSERT INTO messages ({', '.join(values)}) VALUES ({', '.join(values.values())})"
    )
    assert error.sqlstate == "23502"
    assert f'null value in column "{name}"' in f"{error.diag.message_primary}".lower()
    assert value(db, "SELECT count(*) FROM messages") == 0


def test_after_a_truncate_that_restarts_everything_begins_anew(db: psycopg.Connection):
    for _ in range(3):
        write(db, "account-1")
    db.execute("TRUNCATE messages RESTART IDENTITY")
    assert value(db, "SELECT stream_version('account-1')") is None
    assert write(db, "account-1", expected_version=-1) == 0
    assert column(db, "SELECT global_position FROM messages") == [1]


def test_after_a_plain_truncate_global_positions_go_on(db: psycopg.Connection):
    for _ in range(3):
        write(db, "account-1")
    db.execute("TRUNCATE messages")
    assert write(db, "account-1") == 0
    assert column(db, "SELECT global_position FROM messages") == [4]


def test_an_id_may_be_used_again_after_a_truncate(db: psycopg.Connection):
    id = new_id()
    write(db, "account-1", id=id)
    db.execute("TRUNCATE messages RESTART IDENTITY")
    assert write(db, "account-1", id=id) == 0


def test_a_truncated_store_reads_empty(db: psycopg.Connection):
    write(db, "account-1")
    db.execute("TRUNCATE messages RESTART IDENTITY")
    for call in (
        "get_stream_messages('account-1')",
        "get_category_messages('account')",
        "get_last_stream_message('account-1')",
        "messages",
    ):
        assert rows(db, f"SELECT * FROM {call}") == []


def test_a_rolled_back_truncate_changes_nothing(db: psycopg.Connection):
    write(db, "account-1")
    with db.transaction(force_rollback=True):
        db.execute("TRUNCATE messages RESTART IDENTITY")
        assert write(db, "account-1") == 0
    assert value(db, "SELECT stream_version('account-1')") == 0
    assert write(db, "account-1", expected_version=0) == 1
    assert column(db, "SELECT global_position FROM messages ORDER BY position") == [1, 2]
