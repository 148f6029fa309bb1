"""The six report views."""

from decimal import Decimal
from typing import Any

import psycopg
import pytest

from .statements import column, rows, write

MESSAGES = [
    ("order-2", "Shipped"),
    ("account-2", "Opened"),
    ("order-1", "Placed"),
    ("account-1", "Opened"),
    ("order-1", "Placed"),
    ("order-2", "Placed"),
    ("account-1", "Deposited"),
]

EXPECTED: dict[str, list[tuple[Any, ...]]] = {
    "stream_summary": [
        ("account-1", 2, "28.57"),
        ("account-2", 1, "14.29"),
        ("order-1", 2, "28.57"),
        ("order-2", 2, "28.57"),
    ],
    "type_summary": [
        ("Deposited", 1, "14.29"),
        ("Opened", 2, "28.57"),
        ("Placed", 3, "42.86"),
        ("Shipped", 1, "14.29"),
    ],
    "stream_type_summary": [
        ("account-1", "Deposited", 1, "14.29"),
        ("account-1", "Opened", 1, "14.29"),
        ("account-2", "Opened", 1, "14.29"),
        ("order-1", "Placed", 2, "28.57"),
        ("order-2", "Placed", 1, "14.29"),
        ("order-2", "Shipped", 1, "14.29"),
    ],
    "type_stream_summary": [
        ("Deposited", "account-1", 1, "14.29"),
        ("Opened", "account-1", 1, "14.29"),
        ("Opened", "account-2", 1, "14.29"),
        ("Placed", "order-1", 2, "28.57"),
        ("Placed", "order-2", 1, "14.29"),
        ("Shipped", "order-2", 1, "14.29"),
    ],
    "category_type_summary": [
        ("account", "Deposited", 1, "14.29"),
        ("account", "Opened", 2, "28.57"),
        ("order", "Placed", 3, "42.86"),
        ("order", "Shipped", 1, "14.29"),
    ],
    "type_category_summary": [
        ("Deposited", "account", 1, "14.29"),
        ("Opened", "account", 2, "28.57"),
        ("Placed", "order", 3, "42.86"),
        ("Shipped", "order", 1, "14.29"),
    ],
}

STREAM = ("stream_name", "text")
TYPE = ("type", "text")
CATEGORY = ("category", "character varying")
COUNT = [("message_count", "bigint"), ("percent", "numeric")]
COLUMNS = {
    "stream_summary": [STREAM, *COUNT],
    "type_summary": [TYPE, *COUNT],
    "stream_type_summary": [STREAM, TYPE, *COUNT],
    "type_stream_summary": [TYPE, STREAM, *COUNT],
    "category_type_summary": [CATEGORY, TYPE, *COUNT],
    "type_category_summary": [TYPE, CATEGORY, *COUNT],
}

every_view = pytest.mark.parametrize("view", EXPECTED)


@every_view
def test_columns_and_types(db: psycopg.Connection, view: str):
    described = rows(
        db,
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
        "WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum",
        view,
    )
    assert described == COLUMNS[view]


@every_view
def test_an_empty_store_has_no_rows(db: psycopg.Connection, view: str):
    assert rows(db, f"SELECT * FROM {view}") == []


@every_view
def test_counts_percentages_and_order(db: psycopg.Connection, view: str):
    for stream_name, type in MESSAGES:
        write(db, stream_name, type)
    expected = [(*names, Decimal(percent)) for *names, percent in EXPECTED[view]]
    assert rows(db, f"SELECT * FROM {view}") == expected


@every_view
def test_one_message_is_a_hundred_percent_with_two_decimals(db: psycopg.Connection, view: str):
    write(db, "account-1")
    assert column(db, f"SELECT percent::text FROM {view}") == ["100.00"]


@every_view
def test_plain_inserts_count(db: psycopg.Connection, view: str):
    db.execute("INSERT INTO messages (stream_name, position, type) VALUES ('account-1', 0, 'T')")
    assert column(db, f"SELECT message_count FROM {view}") == [1]


@every_view
def test_a_truncated_store_has_no_rows(db: psycopg.Connection, view: str):
    write(db, "account-1")
    db.execute("TRUNCATE messages RESTART IDENTITY")
    assert rows(db, f"SELECT * FROM {view}") == []


def test_half_a_hundredth_is_rounded_up(db: psycopg.Connection):
    db.execute(
        "INSERT INTO messages (stream_name, position, type) "
        "SELECT 'account-1', n, 'Many' FROM generate_series(0, 798) AS n"
    )
    write(db, "account-2", "One")
    assert rows(db, "SELECT type, message_count, percent::text FROM type_summary") == [
        ("Many", 799, "99.88"),
        ("One", 1, "0.13"),
    ]


def test_the_stream_named_as_the_category_counts_in_the_category(db: psycopg.Connection):
    write(db, "account")
    write(db, "account-1")
    summary = rows(db, "SELECT category, message_count FROM category_type_summary")
    assert summary == [("account", 2)]


def test_the_function_as_an_alias_groups(db: psycopg.Connection) -> None:
    """As Message DB's own views are written: no column of messages takes the alias's place."""
    for name, type in MESSAGES:
        write(db, name, type)
    found = rows(
        db,
        "SELECT category(stream_name::varchar) AS category, count(*) FROM messages "
        "GROUP BY category ORDER BY category",
    )
    assert found == [("account", 3), ("order", 4)]
