"""The condition argument of the two readers, and the setting that activates it."""

import psycopg
import pytest

from .statements import column, insert_at, refused, rows, write

STREAM = "SELECT position FROM get_stream_messages('account-1', condition => %s)"
CATEGORY = "SELECT position FROM get_category_messages('account', condition => %s)"
both = pytest.mark.parametrize("call", [STREAM, CATEGORY], ids=["stream", "category"])

NOT_ACTIVATED = ("P0001", "Retrieval with SQL condition is not activated")


@pytest.fixture
def on(db: psycopg.Connection) -> psycopg.Connection:
    """A store with three messages and conditions activated."""
    write(db, "account-1", "Opened", '{"amount": 1}', '{"correlationStreamName": "order-1"}')
    write(db, "account-1", "Deposited", '{"amount": 22, "tags": ["a"]}', '{"user": "x"}')
    write(db, "account-1", "Deposited 100%", '{"amount": 333}')
    db.execute("SET message_store.sql_condition TO on")
    return db


@both
def test_it_is_refused_by_default(db: psycopg.Connection, call: str):
    assert refused(db, call, "true") == NOT_ACTIVATED


@both
def test_it_is_refused_when_the_setting_is_off(db: psycopg.Connection, call: str):
    db.execute("SET message_store.sql_condition TO on")
    db.execute("SET message_store.sql_condition TO off")
    assert refused(db, call, "true") == NOT_ACTIVATED


@both
def test_it_is_refused_before_it_is_parsed(db: psycopg.Connection, call: str):
    assert refused(db, call, "no such condition (") == NOT_ACTIVATED


@both
def test_an_empty_condition_is_a_condition(db: psycopg.Connection, call: str):
    assert refused(db, call, "") == NOT_ACTIVATED


@both
def test_null_is_no_condition(db: psycopg.Connection, call: str):
    write(db, "account-1")
    assert column(db, call, None) == [0]


@both
def test_no_condition_is_needed_when_it_is_activated(on: psycopg.Connection, call: str):
    assert column(on, call, None) == [0, 1, 2]


@both
@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("true", [0, 1, 2]),
        ("false", []),
        ("NULL", []),
        ("position = 1", [1]),
        ("messages.position = 1", [1]),
        ("messages.global_position > 1 AND messages.position < 2", [1]),
        ("type = 'Opened'", [0]),
        ("messages.type LIKE 'Deposited%'", [1, 2]),
        ("messages.type LIKE '%100\\%'", [2]),
        ("messages.stream_name = 'account-1'", [0, 1, 2]),
        ("messages.id IS NOT NULL", [0, 1, 2]),
        ("messages.data ->> 'amount' = '22'", [1]),
        ("(messages.data ->> 'amount')::int >= 22", [1, 2]),
        ("(data ->> 'amount')::int < 22", [0]),
        ('messages.data @> \'{"tags": ["a"]}\'', [1]),
        ("messages.data ? 'tags'", [1]),
        ("messages.data #>> '{tags,0}' = 'a'", [1]),
        ("messages.metadata ->> 'user' = 'x'", [1]),
        ("messages.metadata IS NULL", [2]),
        ("pg_typeof(messages.data)::text = 'jsonb'", [0, 1, 2]),
        ("category(messages.metadata ->> 'correlationStreamName') = 'order'", [0]),
        ("position = (SELECT max(m.position) FROM messages AS m)", [2]),
    ],
)
def test_it_selects(on: psycopg.Connection, call: str, condition: str, expected: list[int]):
    assert column(on, call, condition) == expected


@both
def test_an_or_in_it_does_not_widen_the_call(on: psycopg.Connection, call: str):
    write(on, "order-1")
    assert column(on, call, "messages.position = 1 OR true") == [0, 1, 2]


@both
@pytest.mark.parametrize(
    ("condition", "state"),
    [
        ("no_such_column = 1", "42703"),
        ("position =", "42601"),
        ("", "42601"),
        ("position", "42804"),
        ("1 / (position - 1) > 0", "22012"),
    ],
)
def test_a_wrong_one_is_an_error_of_sql(
    on: psycopg.Connection, call: str, condition: str, state: str
):
    assert refused(on, call, condition)[0] == state


def test_it_goes_together_with_position_and_batch_size_in_a_stream(on: psycopg.Connection):
    page = "SELECT position FROM get_stream_messages('account-1', %s, %s, 'messages.position <> 1')"
    assert column(on, page, 0, 1) == [0]
    assert column(on, page, 0, 2) == [0, 2]
    assert column(on, page, 1, 1) == [2]
    assert column(on, page, 0, -1) == [0, 2]


def test_it_goes_together_with_position_and_batch_size_in_a_category(on: psycopg.Connection):
    page = (
        "SELECT position FROM get_category_messages("
        "'account', %s, %s, condition => 'messages.position <> 1')"
    )
    assert column(on, page, 1, 1) == [0]
    assert column(on, page, 1, 2) == [0, 2]
    assert column(on, page, 2, 1) == [2]
    assert column(on, page, 1, -1) == [0, 2]


def test_it_goes_together_with_a_correlation(on: psycopg.Connection):
    read = (
        "SELECT position FROM get_category_messages("
        "'account', correlation => 'order', condition => %s)"
    )
    assert column(on, read, "messages.type = 'Opened'") == [0]
    assert column(on, read, "messages.type = 'Deposited'") == []


@both
def test_a_session_may_activate_it_for_one_transaction(on: psycopg.Connection, call: str):
    on.execute("SET message_store.sql_condition TO off")
    with on.transaction():
        on.execute("SET LOCAL message_store.sql_condition TO on")
        assert column(on, call, "position = 1") == [1]
    assert refused(on, call, "position = 1") == NOT_ACTIVATED


# What messages.time is in a condition: a timestamp in UTC, wherever the session lives.
@both
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "America/Los_Angeles"])
@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("messages.time = '2025-03-04 23:06:07.123456'", [1]),
        ("messages.time = timestamp '2025-03-04 23:06:07.123456'", [1]),
        ("time < '2025-03-04 23:06:07.123456'", [0]),
        ("messages.time >= '2025-03-04 23:06:07.123456'", [1, 2]),
        ("messages.time::date = '2025-03-04'", [0, 1]),
        ("date_trunc('day', messages.time) = '2025-03-05 00:00:00'", [2]),
        ("extract(hour FROM messages.time) = 23", [1]),
        ("messages.time::text = '2025-03-05 01:00:00'", [2]),
        ("pg_typeof(messages.time)::text = 'timestamp without time zone'", [0, 1, 2]),
    ],
)
def test_time_is_in_utc(
    db: psycopg.Connection, call: str, zone: str, condition: str, expected: list[int]
):
    insert_at(db, "account-1", 0, "2025-03-04 01:00:00")
    insert_at(db, "account-1", 1, "2025-03-04 23:06:07.123456")
    insert_at(db, "account-1", 2, "2025-03-05 01:00:00")
    db.execute("SELECT set_config('TimeZone', %s, false)", (zone,))
    db.execute("SET message_store.sql_condition TO on")
    assert rows(db, call, condition) == [(position,) for position in expected]
