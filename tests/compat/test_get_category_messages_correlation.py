"""get_category_messages with a correlation: the category in metadata's correlationStreamName."""

import psycopg
import pytest

from .statements import column, refused, write

CORRELATED = "SELECT stream_name FROM get_category_messages('account', correlation => %s)"


@pytest.fixture
def correlated(db: psycopg.Connection) -> psycopg.Connection:
    for stream, metadata in (
        ("account-1", '{"correlationStreamName": "order-1"}'),
        ("account-2", '{"correlationStreamName": "order"}'),
        ("account-3", '{"correlationStreamName": "customer-1"}'),
        ("account-4", None),
        ("account-5", "{}"),
        ("account-6", '{"correlationStreamName": null}'),
        ("account-7", '["correlationStreamName", "order-1"]'),
        ("account-8", '{"correlationStreamName": "order:command-1"}'),
        ("account-9", '{"correlationStreamName": "orders-1"}'),
        ("account-10", '{"nested": {"correlationStreamName": "order-1"}}'),
        ("account-11", '{"correlationStreamName": "order-2+3-4", "other": 1}'),
        ("account-12", '{"correlationStreamName": "-order"}'),
        ("other-1", '{"correlationStreamName": "order-1"}'),
    ):
        write(db, stream, metadata=metadata)
    return db


def test_it_matches_the_category_of_a_stream_and_the_category_itself(
    correlated: psycopg.Connection,
):
    assert column(correlated, CORRELATED, "order") == ["account-1", "account-2", "account-11"]


def test_another_correlation_matches_others(correlated: psycopg.Connection):
    assert column(correlated, CORRELATED, "customer") == ["account-3"]


def test_a_typed_category_is_matched_by_its_whole_name(correlated: psycopg.Connection):
    assert column(correlated, CORRELATED, "order:command") == ["account-8"]


@pytest.mark.parametrize("correlation", ["ord", "Order", "order%", "unknown"])
def test_a_correlation_that_nothing_has_gives_nothing(
    correlated: psycopg.Connection, correlation: str
):
    assert column(correlated, CORRELATED, correlation) == []


def test_null_is_no_correlation(correlated: psycopg.Connection):
    assert len(column(correlated, CORRELATED, None)) == 12


def test_position_and_batch_size_count_correlated_messages(correlated: psycopg.Connection):
    page = (
        "SELECT stream_name FROM get_category_messages('account', %s, %s, correlation => 'order')"
    )
    assert column(correlated, page, 1, 2) == ["account-1", "account-2"]
    assert column(correlated, page, 2, 1) == ["account-2"]
    assert column(correlated, page, 3, 1) == ["account-11"]
    assert column(correlated, page, 2, -1) == ["account-2", "account-11"]


@pytest.mark.parametrize("correlation", ["order-1", "order-", "-"])
def test_a_stream_name_is_refused(correlated: psycopg.Connection, correlation: str):
    error = refused(correlated, CORRELATED, correlation)
    assert error == (
        "P0001",
        f"Correlation must be a category (Correlation: {correlation})",
    )
