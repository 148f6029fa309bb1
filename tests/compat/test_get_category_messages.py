"""get_category_messages: names, order, position and batch size."""

import datetime

import psycopg
import pytest

from .statements import column, insert_at, new_id, refused, rows, value, write, write_many

CALL = "SELECT global_position FROM get_category_messages(%s, %s, %s)"
STREAMS = "SELECT stream_name FROM get_category_messages(%s)"


@pytest.fixture
def mixed(db: psycopg.Connection) -> psycopg.Connection:
    """Category account at global positions 1, 3, 4, 6, 8; category order between."""
    for stream in (
        "account-2",
        "order-1",
        "account-1",
        "account-2",
        "order-2",
        "account-3",
        "order-1",
        "account-1",
    ):
        write(db, stream)
    return db


def test_a_message_has_eight_values(db: psycopg.Connection):
    id = new_id()
    write(db, "account-1", "Opened", '{"a": 1}', '{"b": 2}', id=id)
    time = value(db, "SELECT time FROM get_category_messages('account')")
    assert rows(db, "SELECT * FROM get_category_messages('account')") == [
        (id, "account-1", "Opened", 0, 1, '{"a": 1}', '{"b": 2}', time)
    ]
    assert time.tzinfo is None


def test_an_unknown_category_has_no_messages(mixed: psycopg.Connection):
    assert rows(mixed, "SELECT * FROM get_category_messages('customer')") == []


def test_null_has_no_messages(mixed: psycopg.Connection):
    assert rows(mixed, "SELECT * FROM get_category_messages(NULL)") == []


def test_it_is_in_the_order_of_global_positions_across_streams(mixed: psycopg.Connection):
    read = rows(
        mixed,
        "SELECT global_position, stream_name, position FROM get_category_messages('account')",
    )
    assert read == [
        (1, "account-2", 0),
        (3, "account-1", 0),
        (4, "account-2", 1),
        (6, "account-3", 0),
        (8, "account-1", 1),
    ]


@pytest.mark.parametrize(
    ("position", "expected"), [(1, [1, 3, 4, 6, 8]), (2, [3, 4, 6, 8]), (4, [4, 6, 8]), (8, [8])]
)
def test_it_starts_at_the_global_position(
    mixed: psycopg.Connection, position: int, expected: list[int]
):
    assert column(mixed, CALL, "account", position, 1000) == expected


def test_a_position_beyond_the_end_gives_nothing(mixed: psycopg.Connection):
    assert column(mixed, CALL, "account", 9, 1000) == []


@pytest.mark.parametrize("position", [0, -1, -9223372036854775808])
def test_a_position_below_one_is_the_beginning(mixed: psycopg.Connection, position: int):
    assert column(mixed, CALL, "account", position, 2) == [1, 3]


def test_a_null_position_is_the_beginning(mixed: psycopg.Connection):
    assert column(mixed, CALL, "account", None, 1000) == [1, 3, 4, 6, 8]


def test_the_default_position_is_one_not_zero(db: psycopg.Connection):
    db.execute(
        "INSERT INTO messages (global_position, stream_name, position, type) "
        "VALUES (0, 'account-1', 0, 'T'), (1, 'account-1', 1, 'T')"
    )
    by_default = column(db, "SELECT global_position FROM get_category_messages('account')")
    assert by_default == [1]
    assert column(db, CALL, "account", None, None) == [1]
    assert column(db, CALL, "account", 0, None) == [0, 1]


@pytest.mark.parametrize(
    ("position", "batch_size", "expected"),
    [(1, 1, [1]), (1, 3, [1, 3, 4]), (2, 2, [3, 4]), (7, 5, [8])],
)
def test_the_batch_size_limits_it(
    mixed: psycopg.Connection, position: int, batch_size: int, expected: list[int]
):
    assert column(mixed, CALL, "account", position, batch_size) == expected


def test_batch_size_zero_gives_nothing(mixed: psycopg.Connection):
    assert column(mixed, CALL, "account", 1, 0) == []


@pytest.mark.parametrize("batch_size", [-2, -1000])
def test_a_batch_size_below_minus_one_is_refused(mixed: psycopg.Connection, batch_size: int):
    error = refused(mixed, CALL, "account", 1, batch_size)
    assert error == ("2201W", "LIMIT must not be negative")


def test_a_batch_size_below_minus_one_is_refused_for_an_unknown_category(db: psycopg.Connection):
    error = refused(db, CALL, "account", 1, -2)
    assert error == ("2201W", "LIMIT must not be negative")


def test_the_default_batch_size_is_a_thousand(db: psycopg.Connection):
    write_many(db, "account-1", 1001)
    read = column(db, "SELECT global_position FROM get_category_messages('account')")
    assert read == list(range(1, 1001))


def test_a_null_batch_size_is_a_thousand(db: psycopg.Connection):
    write_many(db, "account-1", 1001)
    assert column(db, CALL, "account", 1, None) == list(range(1, 1001))


def test_batch_size_minus_one_has_no_limit(db: psycopg.Connection):
    write_many(db, "account-1", 1001)
    assert column(db, CALL, "account", 1, -1) == list(range(1, 1002))


def test_batch_size_minus_one_starts_at_the_position(mixed: psycopg.Connection):
    assert column(mixed, CALL, "account", 5, -1) == [6, 8]


def test_pages_put_together_are_the_category(mixed: psycopg.Connection):
    read: list[int] = []
    while page := column(mixed, CALL, "account", read[-1] + 1 if read else 1, 2):
        assert len(page) <= 2
        read += page
    assert read == [1, 3, 4, 6, 8]


def test_it_includes_the_stream_named_as_the_category(db: psycopg.Connection):
    write(db, "account")
    write(db, "account-1")
    write(db, "account-")
    assert column(db, STREAMS, "account") == ["account", "account-1", "account-"]


@pytest.mark.parametrize(
    "other", ["accounting-1", "account:command-1", "account+a-1", "Account-1", "acc-1", "accounts"]
)
def test_it_leaves_out_a_category_with_a_similar_name(db: psycopg.Connection, other: str):
    write(db, other)
    write(db, "account-1")
    assert column(db, STREAMS, "account") == ["account-1"]


def test_a_typed_category_is_read_by_its_whole_name(db: psycopg.Connection):
    write(db, "account:command-1")
    write(db, "account-1")
    assert column(db, STREAMS, "account:command") == ["account:command-1"]


@pytest.mark.parametrize("pattern", ["account%", "accoun_", "%"])
def test_a_category_is_no_pattern(db: psycopg.Connection, pattern: str):
    write(db, "account-1")
    assert column(db, STREAMS, pattern) == []


def test_the_empty_category_is_a_category(db: psycopg.Connection):
    write(db, "")
    write(db, "account-1")
    write(db, "-1")
    assert column(db, STREAMS, "") == ["", "-1"]


@pytest.mark.parametrize("name", ["account-1", "account-", "-", "-1", "a-1+2"])
def test_a_stream_name_is_refused(db: psycopg.Connection, name: str):
    error = refused(db, "SELECT * FROM get_category_messages(%s)", name)
    assert error == ("P0001", f"Must be a category: {name}")


def test_it_works_in_a_read_only_transaction(mixed: psycopg.Connection):
    with mixed.transaction():
        mixed.execute("SET TRANSACTION READ ONLY")
        assert column(mixed, CALL, "account", 1, 2) == [1, 3]


def test_a_category_may_span_years(db: psycopg.Connection):
    years = range(2016, 2026)
    for year in years:
        insert_at(db, f"account-{year}", 0, f"{year}-06-15 12:00:00")
        insert_at(db, f"order-{year}", 0, f"{year}-06-15 12:00:00")
    read = rows(db, "SELECT stream_name, time FROM get_category_messages('account')")
    assert read == [(f"account-{year}", datetime.datetime(year, 6, 15, 12)) for year in years]


def test_null_refuses_a_wrong_condition_and_a_wrong_limit(db: psycopg.Connection):
    write(db, "account-1")
    call = "SELECT position FROM get_category_messages(NULL, 1, %s, condition => %s)"
    db.execute("SET message_store.sql_condition TO on")
    assert column(db, call, 1000, "position >= 0") == []
    assert column(db, call, -1, None) == []
    assert refused(db, call, 1000, "no_such_column = 1")[0] == "42703"
    assert refused(db, call, 1000, "not a condition (")[0] == "42601"
    assert refused(db, call, -2, None)[0] == "2201W"
