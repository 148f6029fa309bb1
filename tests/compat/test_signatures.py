"""The interface that clients are written against: names, types, defaults, the message type."""

import psycopg
import pytest

from .statements import column, new_id, rows, value, write

# arguments, result, whether the result depends on the arguments alone
FUNCTIONS = {
    "acquire_lock": ("stream_name character varying", "bigint", False),
    "cardinal_id": ("stream_name character varying", "character varying", True),
    "category": ("stream_name character varying", "character varying", True),
    "get_category_messages": (
        'category character varying, "position" bigint DEFAULT 1, '
        "batch_size bigint DEFAULT 1000, "
        "correlation character varying DEFAULT NULL::character varying, "
        "consumer_group_member bigint DEFAULT NULL::bigint, "
        "consumer_group_size bigint DEFAULT NULL::bigint, "
        "condition character varying DEFAULT NULL::character varying",
        "SETOF message",
        False,
    ),
    "get_last_stream_message": (
        "stream_name character varying, type character varying DEFAULT NULL::character varying",
        "SETOF message",
        False,
    ),
    "get_stream_messages": (
        'stream_name character varying, "position" bigint DEFAULT 0, '
        "batch_size bigint DEFAULT 1000, "
        "condition character varying DEFAULT NULL::character varying",
        "SETOF message",
        False,
    ),
    "hash_64": ("value character varying", "bigint", True),
    "id": ("stream_name character varying", "character varying", True),
    "is_category": ("stream_name character varying", "boolean", True),
    "message_store_version": ("", "character varying", False),
    "stream_version": ("stream_name character varying", "bigint", False),
    "write_message": (
        "id character varying, stream_name character varying, type character varying, "
        "data jsonb, metadata jsonb DEFAULT NULL::jsonb, "
        "expected_version bigint DEFAULT NULL::bigint",
        "bigint",
        False,
    ),
}

MESSAGE = [
    ("id", "character varying"),
    ("stream_name", "character varying"),
    ("type", "character varying"),
    ("position", "bigint"),
    ("global_position", "bigint"),
    ("data", "character varying"),
    ("metadata", "character varying"),
    ("time", "timestamp without time zone"),
]

READERS = [
    "get_stream_messages('account-1')",
    "get_category_messages('account')",
    "get_last_stream_message('account-1')",
]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_arguments_and_result(db: psycopg.Connection, name: str):
    arguments, result, _ = FUNCTIONS[name]
    # Exactly one: an overload would make calls ambiguous that are not so today.
    assert rows(
        db,
        "SELECT pg_get_function_arguments(oid), pg_get_function_result(oid) FROM pg_proc "
        "WHERE proname = %s AND pronamespace = current_schema()::regnamespace",
        name,
    ) == [(arguments, result)]


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if FUNCTIONS[name][2]])
def test_it_is_immutable(db: psycopg.Connection, name: str):
    assert column(
        db,
        "SELECT provolatile FROM pg_proc "
        "WHERE proname = %s AND pronamespace = current_schema()::regnamespace",
        name,
    ) == ["i"]


def test_the_message_type(db: psycopg.Connection):
    attributes = rows(
        db,
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
        "WHERE attrelid = (SELECT typrelid FROM pg_type WHERE oid = 'message'::regtype) "
        "AND attnum > 0 ORDER BY attnum",
    )
    assert attributes == MESSAGE


@pytest.mark.parametrize("call", READERS)
def test_a_reader_s_columns(db: psycopg.Connection, call: str):
    described = db.execute(f"SELECT * FROM {call}").description
    assert described is not None
    types = [value(db, "SELECT format_type(%s::oid, NULL)", each.type_code) for each in described]
    assert list(zip([each.name for each in described], types, strict=True)) == MESSAGE


@pytest.mark.parametrize("call", READERS)
def test_a_reader_in_the_select_list_gives_composites(db: psycopg.Connection, call: str):
    write(db, "account-1", "Opened")
    assert rows(db, f"SELECT (m).stream_name, (m).type FROM (SELECT {call} AS m) AS read") == [
        ("account-1", "Opened")
    ]
    assert rows(db, f"SELECT pg_typeof(m)::text FROM (SELECT {call} AS m) AS read") == [
        ("message",)
    ]


def test_write_message_by_name_in_any_order(db: psycopg.Connection):
    id = new_id()
    position = value(
        db,
        "SELECT write_message(expected_version => -1, metadata => '{\"m\": 1}', "
        "data => '{\"d\": 2}', type => 'Opened', stream_name => 'account-1', id => %s)",
        id,
    )
    assert position == 0
    read = rows(db, "SELECT id, type, data, metadata FROM get_stream_messages('account-1')")
    assert read == [(id, "Opened", '{"d": 2}', '{"m": 1}')]


def test_get_stream_messages_by_name_in_any_order(db: psycopg.Connection):
    for _ in range(4):
        write(db, "account-1")
    db.execute("SET message_store.sql_condition TO on")
    read = column(
        db,
        "SELECT position FROM get_stream_messages(condition => 'position <> 2', "
        "batch_size => 2, \"position\" => 1, stream_name => 'account-1')",
    )
    assert read == [1, 3]


def test_get_category_messages_by_name_in_any_order(db: psycopg.Connection):
    for _ in range(4):
        write(db, "account-1", metadata='{"correlationStreamName": "order-1"}')
    db.execute("SET message_store.sql_condition TO on")
    read = column(
        db,
        "SELECT global_position FROM get_category_messages(condition => 'position <> 2', "
        "consumer_group_size => 1, consumer_group_member => 0, correlation => 'order', "
        "batch_size => 2, \"position\" => 2, category => 'account')",
    )
    assert read == [2, 4]


def test_get_category_messages_by_position(db: psycopg.Connection):
    for _ in range(4):
        write(db, "account-1", metadata='{"correlationStreamName": "order-1"}')
    db.execute("SET message_store.sql_condition TO on")
    read = column(
        db,
        "SELECT global_position FROM get_category_messages("
        "'account', 2, 2, 'order', 0, 1, 'position <> 2')",
    )
    assert read == [2, 4]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("category(stream_name => 'account-1')", "account"),
        ("id(stream_name => 'account-1')", "1"),
        ("cardinal_id(stream_name => 'account-1+2')", "1"),
        ("is_category(stream_name => 'account')", True),
        ("hash_64(value => 'account')", -2132379389342958165),
        ("acquire_lock(stream_name => 'account-1')", -2132379389342958165),
        ("stream_version(stream_name => 'account-1')", None),
    ],
)
def test_the_others_by_name(db: psycopg.Connection, call: str, expected: object):
    assert value(db, f"SELECT {call}") == expected


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("category('account-1'::text)", "account"),
        ("hash_64('account'::text)", -2132379389342958165),
        ("stream_version('account-1'::text)", None),
    ],
)
def test_text_is_accepted_where_varchar_is_declared(
    db: psycopg.Connection, call: str, expected: object
):
    assert value(db, f"SELECT {call}") == expected


@pytest.mark.parametrize("integer", ["smallint", "integer", "bigint"])
def test_any_integer_is_accepted_where_bigint_is_declared(db: psycopg.Connection, integer: str):
    write(db, "account-1")
    read = f"SELECT position FROM get_stream_messages('account-1', 0::{integer}, 1::{integer})"
    assert column(db, read) == [0]
