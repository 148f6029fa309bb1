"""What the application role may do, and what it may not."""

import psycopg
import pytest
from psycopg import sql

from .conftest import Store
from .statements import column, refused, rows, value, write


@pytest.fixture
def app(db: psycopg.Connection, store: Store) -> psycopg.Connection:
    """`db` after one message was written, acting as the application role."""
    write(db, "account-1", "Opened")
    db.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(store.role)))
    return db


def test_it_may_log_in_and_is_otherwise_nobody(db: psycopg.Connection, store: Store):
    assert rows(
        db,
        "SELECT rolcanlogin, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls "
        "FROM pg_roles WHERE rolname = %s",
        store.role,
    ) == [(True, False, False, False, False, False)]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("message_store_version()", "1.3.0"),
        ("category('account-1+2')", "account"),
        ("id('account-1+2')", "1+2"),
        ("cardinal_id('account-1+2')", "1"),
        ("is_category('account-1+2')", False),
        ("hash_64('account')", -2132379389342958165),
        ("acquire_lock('account-1')", -2132379389342958165),
        ("stream_version('account-1')", 0),
        ("write_message(gen_random_uuid()::varchar, 'account-1', 'Closed', '{}')", 1),
        ("write_message(gen_random_uuid()::varchar, 'account-2', 'Opened', '{}')", 0),
        ("write_message(gen_random_uuid()::varchar, 'a-1', 'Opened', '{}', '{}', -1)", 0),
    ],
)
def test_it_may_call(app: psycopg.Connection, call: str, expected: object):
    assert value(app, f"SELECT {call}") == expected


@pytest.mark.parametrize(
    "call",
    [
        "get_stream_messages('account-1')",
        "get_category_messages('account')",
        "get_category_messages('account', consumer_group_member => 0, consumer_group_size => 1)",
        "get_last_stream_message('account-1')",
        "get_last_stream_message('account-1', 'Opened')",
    ],
)
def test_it_may_read_through(app: psycopg.Connection, call: str):
    assert rows(app, f"SELECT type, position FROM {call}") == [("Opened", 0)]


@pytest.mark.parametrize(
    "view",
    [
        "stream_summary",
        "type_summary",
        "stream_type_summary",
        "type_stream_summary",
        "category_type_summary",
        "type_category_summary",
    ],
)
def test_it_may_select_from_the_view(app: psycopg.Connection, view: str):
    assert column(app, f"SELECT message_count FROM {view}") == [1]


def test_it_may_select_from_messages(app: psycopg.Connection):
    assert column(app, "SELECT stream_name FROM messages") == ["account-1"]


def test_it_may_insert_into_messages(app: psycopg.Connection):
    app.execute("INSERT INTO messages (stream_name, position, type) VALUES ('a-1', 0, 'T')")
    assert value(app, "SELECT stream_version('a-1')") == 0
    assert write(app, "a-1") == 1


def test_it_may_take_the_next_of_the_sequence(app: psycopg.Connection):
    assert value(app, "SELECT nextval('messages_global_position_seq')") == 2


def test_it_may_read_the_sequence(app: psycopg.Connection):
    assert value(app, "SELECT last_value FROM messages_global_position_seq") == 1


def test_it_may_activate_conditions(app: psycopg.Connection):
    app.execute("SET message_store.sql_condition TO on")
    read = "SELECT position FROM get_stream_messages('account-1', condition => 'position = 0')"
    assert column(app, read) == [0]


@pytest.mark.parametrize(
    "call", ["get_stream_messages('account-1'", "get_category_messages('account'"]
)
def test_a_condition_has_the_rights_of_the_caller_only(app: psycopg.Connection, call: str):
    app.execute("SET message_store.sql_condition TO on")
    error = refused(app, f"SELECT * FROM {call}, condition => 'EXISTS (SELECT FROM pg_authid)')")
    assert error == ("42501", "permission denied for table pg_authid")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE messages SET type = 'Changed'",
        "DELETE FROM messages",
        "TRUNCATE messages",
        "TRUNCATE messages RESTART IDENTITY",
    ],
)
def test_it_may_not_change_or_remove_messages(app: psycopg.Connection, statement: str):
    assert refused(app, statement) == ("42501", "permission denied for table messages")
    assert rows(app, "SELECT stream_name, type FROM messages") == [("account-1", "Opened")]


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE messages ADD COLUMN added integer",
        "ALTER TABLE messages DROP COLUMN data",
        "ALTER TABLE messages RENAME TO renamed",
        "ALTER TABLE messages OWNER TO CURRENT_USER",
        "DROP TABLE messages",
        "DROP TABLE messages CASCADE",
        "CREATE INDEX ON messages (type)",
        "DROP SEQUENCE messages_global_position_seq CASCADE",
        "ALTER SEQUENCE messages_global_position_seq RESTART",
        "SELECT setval('messages_global_position_seq', 1)",
        "DROP VIEW stream_summary",
        "DROP TYPE message CASCADE",
        "DROP FUNCTION stream_version(varchar)",
        "ALTER FUNCTION stream_version(varchar) RENAME TO renamed",
    ],
)
def test_it_may_not_alter_or_drop(app: psycopg.Connection, statement: str):
    assert refused(app, statement)[0] == "42501"
    assert value(app, "SELECT stream_version('account-1')") == 0


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE {}.added (a integer)",
        "CREATE VIEW {}.added AS SELECT 1 AS a",
        "CREATE SEQUENCE {}.added",
        "CREATE TYPE {}.added AS (a integer)",
        "CREATE FUNCTION {}.added() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "CREATE OR REPLACE FUNCTION {}.stream_version(stream_name varchar) RETURNS bigint "
        "LANGUAGE sql AS 'SELECT 1::bigint'",
    ],
)
def test_it_may_not_create_in_the_schema(app: psycopg.Connection, store: Store, statement: str):
    with pytest.raises(psycopg.errors.InsufficientPrivilege) as caught:
        app.execute(sql.SQL(statement).format(sql.Identifier(store.schema)))
    assert caught.value.diag.message_primary == f"permission denied for schema {store.schema}"


@pytest.mark.parametrize("statement", ["DROP SCHEMA {} CASCADE", "ALTER SCHEMA {} RENAME TO a"])
def test_it_may_not_alter_or_drop_the_schema(app: psycopg.Connection, store: Store, statement: str):
    with pytest.raises(psycopg.errors.InsufficientPrivilege) as caught:
        app.execute(sql.SQL(statement).format(sql.Identifier(store.schema)))
    assert caught.value.diag.message_primary == f"must be owner of schema {store.schema}"
