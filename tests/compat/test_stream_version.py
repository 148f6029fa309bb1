"""stream_version."""

import psycopg

from .statements import refused, rows, value, write


def test_it_is_null_for_an_unknown_stream(db: psycopg.Connection):
    assert value(db, "SELECT stream_version('account-1')") is None


def test_it_is_null_for_null(db: psycopg.Connection):
    assert value(db, "SELECT stream_version(NULL)") is None


def test_it_is_zero_after_the_first_message(db: psycopg.Connection):
    write(db, "account-1")
    assert value(db, "SELECT stream_version('account-1')") == 0


def test_it_is_the_position_of_the_last_message(db: psycopg.Connection):
    for _ in range(3):
        write(db, "account-1")
    assert value(db, "SELECT stream_version('account-1')") == 2


def test_it_is_that_of_one_stream_not_of_its_category(db: psycopg.Connection):
    write(db, "account-1")
    write(db, "account-2")
    write(db, "account-2")
    versions = rows(db, "SELECT stream_version('account-1'), stream_version('account-2')")
    assert versions == [(0, 1)]


def test_it_is_null_for_a_category_that_only_has_streams(db: psycopg.Connection):
    write(db, "account-1")
    assert value(db, "SELECT stream_version('account')") is None


def test_it_counts_the_stream_named_as_the_category(db: psycopg.Connection):
    write(db, "account")
    write(db, "account")
    assert value(db, "SELECT stream_version('account')") == 1


def test_a_longer_name_is_another_stream(db: psycopg.Connection):
    write(db, "account-1")
    assert value(db, "SELECT stream_version('account-10')") is None


def test_upper_case_is_another_stream(db: psycopg.Connection):
    write(db, "account-a")
    assert value(db, "SELECT stream_version('account-A')") is None


def test_it_sees_a_write_in_the_same_statement(db: psycopg.Connection):
    both = rows(
        db,
        "SELECT write_message(gen_random_uuid()::varchar, 'account-1', 'Happened', '{}'), "
        "stream_version('account-1')",
    )
    assert both == [(0, 0)]


def test_it_sees_the_own_transaction(db: psycopg.Connection):
    with db.transaction():
        write(db, "account-1")
        assert value(db, "SELECT stream_version('account-1')") == 0


def test_it_is_unchanged_by_a_rollback(db: psycopg.Connection):
    write(db, "account-1")
    with db.transaction(force_rollback=True):
        write(db, "account-1")
    assert value(db, "SELECT stream_version('account-1')") == 0


def test_it_is_unchanged_by_a_refused_write(db: psycopg.Connection):
    write(db, "account-1")
    refused(
        db,
        "SELECT write_message(gen_random_uuid()::varchar, 'account-1', 'Happened', '{}', NULL, 7)",
    )
    assert value(db, "SELECT stream_version('account-1')") == 0


def test_it_works_in_a_read_only_transaction(db: psycopg.Connection):
    write(db, "account-1")
    with db.transaction():
        db.execute("SET TRANSACTION READ ONLY")
        assert value(db, "SELECT stream_version('account-1')") == 0
