"""get_last_stream_message."""

import psycopg
import pytest

from .statements import column, insert_at, new_id, rows, value, write

LAST = "SELECT type, position FROM get_last_stream_message(%s)"
LAST_OF_TYPE = "SELECT type, position FROM get_last_stream_message(%s, %s)"


@pytest.fixture
def written(db: psycopg.Connection) -> psycopg.Connection:
    for type in ("Opened", "Deposited", "Deposited", "Closed"):
        write(db, "account-1", type)
    write(db, "account-2", "Renamed")
    return db


def test_it_has_eight_values(db: psycopg.Connection):
    write(db, "account-1")
    id = new_id()
    write(db, "account-1", "Opened", '{"a": 1}', '{"b": 2}', id=id)
    time = value(db, "SELECT time FROM get_last_stream_message('account-1')")
    assert rows(db, "SELECT * FROM get_last_stream_message('account-1')") == [
        (id, "account-1", "Opened", 1, 2, '{"a": 1}', '{"b": 2}', time)
    ]


def test_it_is_the_message_at_the_last_position(written: psycopg.Connection):
    assert rows(written, LAST, "account-1") == [("Closed", 3)]


def test_it_is_the_only_message_of_a_stream_with_one(written: psycopg.Connection):
    assert rows(written, LAST, "account-2") == [("Renamed", 0)]


def test_an_unknown_stream_has_none(db: psycopg.Connection):
    assert rows(db, LAST, "account-1") == []


def test_null_has_none(written: psycopg.Connection):
    assert rows(written, LAST, None) == []


@pytest.mark.parametrize(
    ("type", "expected"),
    [("Deposited", [("Deposited", 2)]), ("Opened", [("Opened", 0)]), ("Closed", [("Closed", 3)])],
)
def test_with_a_type_it_is_the_last_message_of_that_type(
    written: psycopg.Connection, type: str, expected: list[tuple[str, int]]
):
    assert rows(written, LAST_OF_TYPE, "account-1", type) == expected


@pytest.mark.parametrize("type", ["Renamed", "opened", "Open", "Open%", ""])
def test_a_type_that_the_stream_lacks_gives_none(written: psycopg.Connection, type: str):
    assert rows(written, LAST_OF_TYPE, "account-1", type) == []


def test_the_empty_type_is_a_type(written: psycopg.Connection):
    write(written, "account-2", "")
    write(written, "account-2", "Renamed")
    assert rows(written, LAST_OF_TYPE, "account-2", "") == [("", 1)]


def test_a_null_type_is_any_type(written: psycopg.Connection):
    assert rows(written, LAST_OF_TYPE, "account-1", None) == [("Closed", 3)]


def test_the_type_can_be_given_by_name(written: psycopg.Connection):
    named = "SELECT position FROM get_last_stream_message(type => %s, stream_name => %s)"
    assert column(written, named, "Deposited", "account-1") == [2]


def test_a_category_has_none_unless_a_stream_has_its_name(written: psycopg.Connection):
    assert rows(written, LAST, "account") == []
    write(written, "account", "Closed")
    assert rows(written, LAST, "account") == [("Closed", 0)]


def test_the_last_position_counts_not_the_last_writing(db: psycopg.Connection):
    for position in (1, 2, 0):
        db.execute(
            "INSERT INTO messages (stream_name, position, type) VALUES ('account-1', %s, 'T')",
            (position,),
        )
    assert rows(db, LAST, "account-1") == [("T", 2)]


def test_it_is_found_however_old_it_is(db: psycopg.Connection):
    insert_at(db, "account-1", 0, "2016-06-15 12:00:00")
    insert_at(db, "account-2", 0, "2025-06-15 12:00:00")
    assert rows(db, LAST, "account-1") == [("Happened", 0)]


def test_the_last_of_a_type_is_found_behind_later_messages(db: psycopg.Connection):
    insert_at(db, "account-1", 0, "2016-06-15 12:00:00")
    insert_at(db, "account-1", 1, "2020-06-15 12:00:00")
    write(db, "account-1", "Closed")
    assert rows(db, LAST_OF_TYPE, "account-1", "Happened") == [("Happened", 1)]


def test_it_works_in_a_read_only_transaction(written: psycopg.Connection):
    with written.transaction():
        written.execute("SET TRANSACTION READ ONLY")
        assert rows(written, LAST, "account-1") == [("Closed", 3)]


def test_the_last_one_that_is_left_after_a_deletion(db: psycopg.Connection):
    for type_ in ("Opened", "Deposited", "Closed"):
        write(db, "account-1", type_)
    db.execute("DELETE FROM messages WHERE stream_name = 'account-1' AND position = 2")
    call = "SELECT position FROM get_last_stream_message('account-1')"
    assert column(db, call) == [1]
    assert column(db, "SELECT position FROM get_last_stream_message('account-1', 'Opened')") == [0]
    db.execute("DELETE FROM messages WHERE stream_name = 'account-1' AND position < 2")
    assert column(db, call) == []
