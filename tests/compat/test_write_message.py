"""write_message: ids, names, positions, and what is refused."""

import uuid

import psycopg
import pytest

from .statements import column, new_id, refusal, refused, rows, value, write

WRITE = "SELECT write_message(%s, %s, %s, %s)"


def test_it_returns_zero_for_the_first_message_of_a_stream(db: psycopg.Connection):
    assert write(db, "account-1") == 0


def test_positions_are_gapless(db: psycopg.Connection):
    assert [write(db, "account-1") for _ in range(5)] == [0, 1, 2, 3, 4]


def test_positions_are_counted_for_each_stream(db: psycopg.Connection):
    streams = ["account-1", "account-2", "account-1", "order-1", "account-2", "account"]
    assert [write(db, stream) for stream in streams] == [0, 0, 1, 0, 1, 0]


def test_the_first_global_position_is_one(db: psycopg.Connection):
    write(db, "account-1")
    assert column(db, "SELECT global_position FROM get_stream_messages('account-1')") == [1]


def test_global_positions_ascend_in_the_order_of_writing(db: psycopg.Connection):
    streams = ["account-2", "order-1", "account-1", "account-2"]
    for stream in streams:
        write(db, stream)
    written = "SELECT stream_name FROM messages ORDER BY global_position"
    assert column(db, written) == streams


def test_the_id_is_kept(db: psycopg.Connection):
    id = new_id()
    write(db, "account-1", id=id)
    assert column(db, "SELECT id FROM get_stream_messages('account-1')") == [id]


@pytest.mark.parametrize(
    "spelling",
    [
        "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
        "a0eebc999c0b4ef8bb6d6bb9bd380a11",
        "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}",
        "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11",
    ],
)
def test_an_id_may_be_spelt_in_any_way_that_a_uuid_may(db: psycopg.Connection, spelling: str):
    write(db, "account-1", id=spelling)
    ids = column(db, "SELECT id FROM get_stream_messages('account-1')")
    assert ids == ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]


@pytest.mark.parametrize("version", [1, 4, 7])
def test_any_version_of_uuid_is_an_id(db: psycopg.Connection, version: int):
    id = str(uuid.UUID(f"01890a5d-ac96-{version}74b-bcce-b302099a8057"))
    assert write(db, "account-1", id=id) == 0


@pytest.mark.parametrize("id", ["not-a-uuid", "", "123", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1"])
def test_an_id_that_is_no_uuid_is_refused(db: psycopg.Connection, id: str):
    error = refused(db, WRITE, id, "account-1", "Happened", "{}")
    assert error == ("22P02", f'invalid input syntax for type uuid: "{id}"')


def test_a_null_id_is_refused(db: psycopg.Connection):
    error = refusal(db, WRITE, None, "account-1", "Happened", "{}")
    assert (error.sqlstate, error.diag.message_primary) == (
        "23502",
        'null value in column "id" of relation "messages" violates not-null constraint',
    )
    assert error.diag.column_name == "id"


def test_a_null_stream_name_is_refused(db: psycopg.Connection):
    error = refusal(db, WRITE, new_id(), None, "Happened", "{}")
    assert (error.sqlstate, error.diag.message_primary) == (
        "23502",
        'null value in column "stream_name" of relation "messages" violates not-null constraint',
    )
    assert error.diag.column_name == "stream_name"


def test_a_null_type_is_refused(db: psycopg.Connection):
    error = refusal(db, WRITE, new_id(), "account-1", None, "{}")
    assert (error.sqlstate, error.diag.message_primary) == (
        "23502",
        'null value in column "type" of relation "messages" violates not-null constraint',
    )
    assert error.diag.column_name == "type"


@pytest.mark.parametrize("other_stream", ["account-1", "account-2", "order-1"])
def test_a_repeated_id_is_refused_wherever_it_is_written(db: psycopg.Connection, other_stream: str):
    id = new_id()
    write(db, "account-1", id=id)
    error = refused(db, WRITE, id, other_stream, "Happened", "{}")
    assert error == (
        "23505",
        'duplicate key value violates unique constraint "messages_id"',
    )


def test_the_refusal_of_a_repeated_id_names_constraint_and_id(db: psycopg.Connection):
    id = new_id()
    write(db, "account-1", id=id)
    error = refusal(db, WRITE, id, "account-1", "Happened", "{}")
    assert error.diag.constraint_name == "messages_id"
    assert error.diag.message_detail == f"Key (id)=({id}) already exists."


def test_a_repeated_id_is_found_in_another_spelling(db: psycopg.Connection):
    id = new_id()
    write(db, "account-1", id=id)
    state, _ = refused(db, WRITE, id.upper().replace("-", ""), "account-1", "Happened", "{}")
    assert state == "23505"


def test_a_repeated_id_in_one_transaction_is_refused(db: psycopg.Connection):
    id = new_id()
    with db.transaction(force_rollback=True):
        write(db, "account-1", id=id)
        state, _ = refused(db, WRITE, id, "account-1", "Happened", "{}")
        assert state == "23505"


def test_an_id_may_be_used_again_after_a_rollback(db: psycopg.Connection):
    id = new_id()
    with db.transaction(force_rollback=True):
        write(db, "account-1", id=id)
    assert write(db, "account-1", id=id) == 0


@pytest.mark.parametrize(
    ("id", "stream_name", "type", "data"),
    [
        pytest.param("not-a-uuid", "account-1", "Happened", "{}", id="malformed id"),
        pytest.param(None, "account-1", "Happened", "{}", id="NULL id"),
        pytest.param("REPEATED", "account-1", "Happened", "{}", id="repeated id"),
        pytest.param("NEW", "account-1", None, "{}", id="NULL type"),
        pytest.param("NEW", "account-1", "Happened", "{", id="malformed data"),
    ],
)
def test_a_refused_write_leaves_nothing_and_uses_no_position(
    db: psycopg.Connection, id: str | None, stream_name: str, type: str | None, data: str
):
    first = new_id()
    write(db, "account-1", id=first)
    named = {"REPEATED": first, "NEW": new_id()}
    refused(db, WRITE, named.get(id, id) if id else None, stream_name, type, data)
    assert column(db, "SELECT id FROM get_stream_messages('account-1')") == [first]
    assert write(db, "account-1") == 1


def test_a_malformed_id_is_reported_before_a_null_type(db: psycopg.Connection):
    error = refused(db, WRITE, "not-a-uuid", "account-1", None, "{}")
    assert error == ("22P02", 'invalid input syntax for type uuid: "not-a-uuid"')


@pytest.mark.parametrize(
    "stream_name",
    [
        pytest.param("account", id="category"),
        pytest.param("", id="empty"),
        pytest.param("-", id="only a dash"),
        pytest.param("-1", id="empty category"),
        pytest.param("account-", id="empty id"),
        pytest.param("account-1-2+3", id="compound"),
        pytest.param("account:command+position-1", id="typed category"),
        pytest.param("Größe-😀", id="unicode"),
        pytest.param(" account - 1 ", id="spaces"),
        pytest.param("account-'\"\\%_$1", id="quotes and wildcards"),
        pytest.param("account-" + "1" * 1000, id="long"),
    ],
)
def test_any_text_is_a_stream_name(db: psycopg.Connection, stream_name: str):
    assert [write(db, stream_name), write(db, stream_name)] == [0, 1]
    assert value(db, "SELECT stream_version(%s)", stream_name) == 1
    last = "SELECT stream_name, position FROM get_last_stream_message(%s)"
    assert rows(db, last, stream_name) == [(stream_name, 1)]


@pytest.mark.parametrize(
    "type", ["", "Größer😀", "with spaces", "'\"\\%_", pytest.param("T" * 1000, id="long")]
)
def test_any_text_is_a_type(db: psycopg.Connection, type: str):
    write(db, "account-1", type)
    assert column(db, "SELECT type FROM get_stream_messages('account-1')") == [type]


def test_upper_case_makes_another_stream(db: psycopg.Connection):
    assert [write(db, "account-a"), write(db, "account-A"), write(db, "Account-a")] == [0, 0, 0]


def test_text_is_accepted_where_varchar_is_declared(db: psycopg.Connection):
    statement = "SELECT write_message(%s::text, %s::text, %s::text, %s::jsonb)"
    assert value(db, statement, new_id(), "account-1", "Happened", "{}") == 0


def test_a_json_argument_that_is_not_jsonb_is_refused(db: psycopg.Connection):
    statement = "SELECT write_message(gen_random_uuid()::varchar, 'account-1', 'T', '{}'::json)"
    state, _ = refused(db, statement)
    assert state == "42883"


def test_it_can_be_called_for_each_row_of_a_query(db: psycopg.Connection):
    positions = column(
        db,
        "SELECT write_message(gen_random_uuid()::varchar, 'account-' || n % 2, 'Happened', '{}') "
        "FROM generate_series(1, 6) AS n",
    )
    assert positions == [0, 0, 1, 1, 2, 2]


def test_it_can_be_called_from_plpgsql_that_catches_its_error(db: psycopg.Connection):
    db.execute(
        """
        DO $$
        BEGIN
          PERFORM write_message(gen_random_uuid()::varchar, 'account-1', 'First', '{}');
          BEGIN
            PERFORM write_message(gen_random_uuid()::varchar, 'account-1', 'No', '{}', NULL, 9);
          EXCEPTION WHEN raise_exception THEN
            PERFORM write_message(gen_random_uuid()::varchar, 'account-1', 'Second', '{}');
          END;
        END $$
        """
    )
    written = rows(db, "SELECT type, position FROM get_stream_messages('account-1')")
    assert written == [("First", 0), ("Second", 1)]
