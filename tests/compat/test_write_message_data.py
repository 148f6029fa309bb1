"""What becomes of data, metadata and time on the way in and out."""

import datetime
import json

import psycopg
import pytest

from .statements import insert_at, new_id, refused, rows, value, write

# what is written, the text that comes back
DOCUMENTS = [
    pytest.param('{"a": 1}', '{"a": 1}', id="object"),
    pytest.param("{}", "{}", id="empty object"),
    pytest.param("[]", "[]", id="empty array"),
    pytest.param('[1,  "a",\n null,true]', '[1, "a", null, true]', id="array"),
    pytest.param('{"a":{"b":[{"c":null}]}}', '{"a": {"b": [{"c": null}]}}', id="nested"),
    pytest.param('"text"', '"text"', id="text"),
    pytest.param('""', '""', id="empty text"),
    pytest.param("12", "12", id="number"),
    pytest.param("true", "true", id="true"),
    pytest.param("null", "null", id="JSON null"),
    pytest.param('{"n": 9007199254740993}', '{"n": 9007199254740993}', id="beyond 2^53"),
    pytest.param("-9223372036854775809", "-9223372036854775809", id="beyond 64 bits"),
    pytest.param('{"n": 1.10}', '{"n": 1.10}', id="trailing zero"),
    pytest.param("0.1000000000000000055", "0.1000000000000000055", id="beyond a double"),
    pytest.param(
        "123456789012345678901234567890.123000",
        "123456789012345678901234567890.123000",
        id="long decimal",
    ),
    pytest.param("1e3", "1000", id="exponent"),
    pytest.param("1.5e-3", "0.0015", id="negative exponent"),
    pytest.param("-0", "0", id="negative zero"),
    pytest.param("-0.0", "0.0", id="negative zero with a decimal"),
    pytest.param('{"bb":1,"a":2,"B":3}', '{"B": 3, "a": 2, "bb": 1}', id="order of keys"),
    pytest.param('{"a":1,"a":2}', '{"a": 2}', id="repeated key"),
    pytest.param('{"": 1}', '{"": 1}', id="empty key"),
    pytest.param('"Größe 😀"', '"Größe 😀"', id="unicode"),
    pytest.param('"\\u00e9\\ud83d\\ude00"', '"é😀"', id="escaped unicode"),
    pytest.param('"\\"\\\\\\/\\b\\f\\n\\r\\t"', '"\\"\\\\/\\b\\f\\n\\r\\t"', id="escapes"),
    pytest.param('"\\u0001\\u001f\\u007f"', '"\\u0001\\u001f\x7f"', id="control characters"),
    pytest.param('"\\\\u0000"', '"\\\\u0000"', id="backslash before u0000"),
    pytest.param(None, None, id="SQL NULL"),
]


@pytest.mark.parametrize(("written", "read"), DOCUMENTS)
def test_data_comes_back_as_the_text_of_its_jsonb(
    db: psycopg.Connection, written: str | None, read: str | None
):
    write(db, "account-1", data=written)
    assert value(db, "SELECT data FROM get_stream_messages('account-1')") == read


@pytest.mark.parametrize(("written", "read"), DOCUMENTS)
def test_metadata_comes_back_as_the_text_of_its_jsonb(
    db: psycopg.Connection, written: str | None, read: str | None
):
    write(db, "account-1", metadata=written)
    assert value(db, "SELECT metadata FROM get_stream_messages('account-1')") == read


def test_every_reader_gives_the_same_text(db: psycopg.Connection):
    write(db, "account-1", data='{"n":1.10}', metadata='{"m":9007199254740993}')
    expected = [('{"n": 1.10}', '{"m": 9007199254740993}')]
    for call in (
        "get_stream_messages('account-1')",
        "get_category_messages('account')",
        "get_last_stream_message('account-1')",
    ):
        assert rows(db, f"SELECT data, metadata FROM {call}") == expected


def test_metadata_is_null_unless_given(db: psycopg.Connection):
    db.execute("SELECT write_message(%s, 'account-1', 'Happened', '{}')", (new_id(),))
    assert value(db, "SELECT metadata FROM get_stream_messages('account-1')") is None


def test_data_has_no_default(db: psycopg.Connection):
    state, _ = refused(db, "SELECT write_message(%s, 'account-1', 'Happened')", new_id())
    assert state == "42883"


def test_json_null_is_not_sql_null(db: psycopg.Connection):
    write(db, "account-1", data="null", metadata="null")
    write(db, "account-1", data=None, metadata=None)
    nulls = "SELECT data IS NULL, metadata IS NULL FROM messages ORDER BY position"
    assert rows(db, nulls) == [(False, False), (True, True)]


def test_a_large_document_comes_back_whole(db: psycopg.Connection):
    document = json.dumps({"items": [f"Größe {n}" for n in range(20_000)]}, ensure_ascii=False)
    write(db, "account-1", data=document)
    assert value(db, "SELECT data FROM get_stream_messages('account-1')") == document


@pytest.mark.parametrize("argument", ["data", "metadata"])
def test_the_character_zero_is_refused(db: psycopg.Connection, argument: str):
    statement = "SELECT write_message(%s, 'account-1', 'Happened', data => %s, metadata => %s)"
    documents = ['{"a": "\\u0000"}', "{}"]
    if argument == "metadata":
        documents.reverse()
    error = refused(db, statement, new_id(), *documents)
    assert error == ("22P05", "unsupported Unicode escape sequence")
    assert value(db, "SELECT stream_version('account-1')") is None


@pytest.mark.parametrize("document", ["", "{", "{'a': 1}", "NaN", '{"a": 1,}', "01"])
def test_what_is_no_json_is_refused(db: psycopg.Connection, document: str):
    statement = "SELECT write_message(%s, 'account-1', 'Happened', %s)"
    error = refused(db, statement, new_id(), document)
    assert error == ("22P02", "invalid input syntax for type json")


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "America/Los_Angeles"])
def test_time_is_the_utc_time_of_the_write_whatever_the_session_says(
    db: psycopg.Connection, zone: str
):
    db.execute("SELECT set_config('TimeZone', %s, false)", (zone,))
    clock = "SELECT clock_timestamp() AT TIME ZONE 'UTC'"
    before = value(db, clock)
    write(db, "account-1")
    after = value(db, clock)
    time = value(db, "SELECT time FROM get_stream_messages('account-1')")
    assert before <= time <= after


@pytest.mark.parametrize(
    "call",
    [
        "get_stream_messages('account-1')",
        "get_category_messages('account')",
        "get_last_stream_message('account-1')",
    ],
)
def test_time_is_read_in_utc_whatever_the_session_says(db: psycopg.Connection, call: str):
    insert_at(db, "account-1", 0, "2025-03-04 23:06:07.123456")
    db.execute("SET TimeZone TO 'Pacific/Kiritimati'")
    read = rows(db, f"SELECT time, pg_typeof(time)::text FROM {call}")
    assert read == [
        (datetime.datetime(2025, 3, 4, 23, 6, 7, 123456), "timestamp without time zone")
    ]


def test_time_does_not_go_back_within_a_stream(db: psycopg.Connection):
    for _ in range(20):
        write(db, "account-1")
    out_of_order = value(
        db,
        "SELECT count(*) FROM (SELECT time < lag(time) OVER (ORDER BY position) AS back "
        "FROM get_stream_messages('account-1')) AS messages WHERE back",
    )
    assert out_of_order == 0
