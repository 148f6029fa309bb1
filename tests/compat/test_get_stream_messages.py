"""get_stream_messages."""

import datetime

import psycopg
import pytest

from .statements import column, insert_at, new_id, refused, rows, value, write, write_many

CALL = "SELECT position FROM get_stream_messages(%s, %s, %s)"


@pytest.fixture
def five(db: psycopg.Connection) -> psycopg.Connection:
    """A store with five messages in account-1 and others around it."""
    for _ in range(5):
        write(db, "account-1")
        write(db, "account-2")
    return db


def test_a_message_has_eight_values(db: psycopg.Connection):
    id = new_id()
    write(db, "account-1", "Opened", '{"a": 1}', '{"b": 2}', id=id)
    (message,) = rows(db, "SELECT * FROM get_stream_messages('account-1')")
    time = value(db, "SELECT time FROM get_stream_messages('account-1')")
    assert message == (id, "account-1", "Opened", 0, 1, '{"a": 1}', '{"b": 2}', time)
    assert isinstance(time, datetime.datetime)
    assert time.tzinfo is None


def test_an_unknown_stream_has_no_messages(db: psycopg.Connection):
    assert rows(db, "SELECT * FROM get_stream_messages('account-1')") == []


def test_it_is_the_whole_stream_by_default(five: psycopg.Connection):
    read = rows(five, "SELECT stream_name, position FROM get_stream_messages('account-1')")
    assert read == [("account-1", position) for position in range(5)]


def test_it_starts_at_the_position(five: psycopg.Connection):
    assert column(five, CALL, "account-1", 3, 1000) == [3, 4]


def test_a_position_beyond_the_end_gives_nothing(five: psycopg.Connection):
    assert column(five, CALL, "account-1", 5, 1000) == []


@pytest.mark.parametrize("position", [-1, -9223372036854775808])
def test_a_negative_position_is_the_beginning(five: psycopg.Connection, position: int):
    assert column(five, CALL, "account-1", position, 2) == [0, 1]


def test_a_null_position_is_the_beginning(five: psycopg.Connection):
    assert column(five, CALL, "account-1", None, 1000) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("position", "batch_size", "expected"),
    [(0, 1, [0]), (0, 3, [0, 1, 2]), (2, 2, [2, 3]), (4, 3, [4]), (0, 5, [0, 1, 2, 3, 4])],
)
def test_the_batch_size_limits_it(
    five: psycopg.Connection, position: int, batch_size: int, expected: list[int]
):
    assert column(five, CALL, "account-1", position, batch_size) == expected


def test_batch_size_zero_gives_nothing(five: psycopg.Connection):
    assert column(five, CALL, "account-1", 0, 0) == []


@pytest.mark.parametrize("batch_size", [-2, -1000])
def test_a_batch_size_below_minus_one_is_refused(five: psycopg.Connection, batch_size: int):
    error = refused(five, CALL, "account-1", 0, batch_size)
    assert error == ("2201W", "LIMIT must not be negative")


def test_a_batch_size_below_minus_one_is_refused_for_an_unknown_stream(db: psycopg.Connection):
    error = refused(db, CALL, "account-1", 0, -2)
    assert error == ("2201W", "LIMIT must not be negative")


def test_the_default_batch_size_is_a_thousand(db: psycopg.Connection):
    write_many(db, "account-1", 1001)
    read = column(db, "SELECT position FROM get_stream_messages('account-1')")
    assert read == list(range(1000))


def test_a_null_batch_size_is_a_thousand(db: psycopg.Connection):
    write_many(db, "account-1", 1001)
    assert column(db, CALL, "account-1", 0, None) == list(range(1000))


def test_batch_size_minus_one_has_no_limit(db: psycopg.Connection):
    write_many(db, "account-1", 1001)
    assert column(db, CALL, "account-1", 0, -1) == list(range(1001))


def test_batch_size_minus_one_starts_at_the_position(five: psycopg.Connection):
    assert column(five, CALL, "account-1", 3, -1) == [3, 4]


def test_it_is_in_the_order_of_positions_not_of_writing(db: psycopg.Connection):
    for position in (2, 0, 1):
        db.execute(
            "INSERT INTO messages (stream_name, position, type) VALUES ('account-1', %s, 'T')",
            (position,),
        )
    assert column(db, "SELECT position FROM get_stream_messages('account-1')") == [0, 1, 2]
    assert column(db, "SELECT position FROM get_category_messages('account')") == [2, 0, 1]


@pytest.mark.parametrize(
    "other", ["account-10", "account-1-2", "account-1+2", "account", "Account-1", "account-1 "]
)
def test_a_similar_name_is_another_stream(db: psycopg.Connection, other: str):
    write(db, other)
    assert rows(db, "SELECT * FROM get_stream_messages('account-1')") == []


@pytest.mark.parametrize("pattern", ["account-%", "account-_", "%-1", ".*-1"])
def test_a_name_is_no_pattern(db: psycopg.Connection, pattern: str):
    write(db, "account-1")
    assert rows(db, "SELECT * FROM get_stream_messages(%s)", pattern) == []


def test_a_stream_with_an_empty_category_is_a_stream(db: psycopg.Connection):
    write(db, "-1")
    assert column(db, "SELECT stream_name FROM get_stream_messages('-1')") == ["-1"]


def test_a_stream_with_an_empty_id_is_a_stream(db: psycopg.Connection):
    write(db, "account-")
    assert column(db, "SELECT stream_name FROM get_stream_messages('account-')") == ["account-"]


@pytest.mark.parametrize(
    ("name", "shown"), [("account", "account"), ("", ""), ("a+b", "a+b"), (None, "<NULL>")]
)
def test_a_category_is_refused(db: psycopg.Connection, name: str | None, shown: str):
    error = refused(db, "SELECT * FROM get_stream_messages(%s)", name)
    assert error == ("P0001", f"Must be a stream name: {shown}")


def test_a_category_is_refused_even_when_a_stream_has_its_name(db: psycopg.Connection):
    write(db, "account")
    error = refused(db, "SELECT * FROM get_stream_messages('account')")
    assert error == ("P0001", "Must be a stream name: account")


def test_the_name_is_checked_before_the_condition_and_the_batch_size(db: psycopg.Connection):
    error = refused(
        db, "SELECT * FROM get_stream_messages('account', batch_size => -2, condition => 'true')"
    )
    assert error == ("P0001", "Must be a stream name: account")


def test_it_works_in_a_read_only_transaction(five: psycopg.Connection):
    with five.transaction():
        five.execute("SET TRANSACTION READ ONLY")
        assert column(five, CALL, "account-1", 0, 2) == [0, 1]


def test_it_can_be_called_for_each_row_of_a_query(five: psycopg.Connection):
    read = rows(
        five,
        "SELECT name, position FROM (VALUES ('account-2'), ('account-1')) AS names (name), "
        "LATERAL get_stream_messages(name, 3) ORDER BY name, position",
    )
    assert read == [("account-1", 3), ("account-1", 4), ("account-2", 3), ("account-2", 4)]


def test_a_stream_may_span_years(db: psycopg.Connection):
    years = range(2016, 2026)
    for position, year in enumerate(years):
        insert_at(db, "account-1", position, f"{year}-06-15 12:00:00")
    read = rows(db, "SELECT position, time FROM get_stream_messages('account-1')")
    assert read == [
        (position, datetime.datetime(year, 6, 15, 12)) for position, year in enumerate(years)
    ]
