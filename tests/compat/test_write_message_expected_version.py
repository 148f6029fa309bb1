"""write_message with an expected version."""

import psycopg
import pytest

from .statements import column, new_id, refused, rows, value, write

WRITE = "SELECT write_message(%s, %s, %s, '{}', NULL, %s)"


def test_the_right_version_writes(db: psycopg.Connection):
    write(db, "account-1")
    write(db, "account-1")
    assert write(db, "account-1", expected_version=1) == 2


def test_minus_one_stands_for_a_stream_without_messages(db: psycopg.Connection):
    assert write(db, "account-1", expected_version=-1) == 0


def test_null_expects_nothing(db: psycopg.Connection):
    write(db, "account-1")
    assert write(db, "account-1", expected_version=None) == 1


def test_the_wrong_version_is_refused_with_both_versions(db: psycopg.Connection):
    write(db, "x-1")
    error = refused(db, WRITE, new_id(), "x-1", "Happened", 1)
    assert error == ("P0001", "Wrong expected version: 1 (Stream: x-1, Stream Version: 0)")


@pytest.mark.parametrize("version", [-9223372036854775808, -2, -1, 0, 1, 3, 9223372036854775807])
def test_every_other_version_is_refused(db: psycopg.Connection, version: int):
    for _ in range(3):
        write(db, "account-1")
    error = refused(db, WRITE, new_id(), "account-1", "Happened", version)
    assert error == (
        "P0001",
        f"Wrong expected version: {version} (Stream: account-1, Stream Version: 2)",
    )


@pytest.mark.parametrize("version", [-2, 0, 1, 5])
def test_a_stream_without_messages_has_version_minus_one(db: psycopg.Connection, version: int):
    error = refused(db, WRITE, new_id(), "account-1", "Happened", version)
    assert error == (
        "P0001",
        f"Wrong expected version: {version} (Stream: account-1, Stream Version: -1)",
    )


def test_the_version_is_that_of_the_stream_not_of_the_category(db: psycopg.Connection):
    write(db, "account-1")
    assert write(db, "account-2", expected_version=-1) == 0


def test_a_refused_write_leaves_nothing(db: psycopg.Connection):
    refused(db, WRITE, new_id(), "account-1", "Happened", 0)
    assert value(db, "SELECT count(*) FROM messages") == 0
    assert value(db, "SELECT stream_version('account-1')") is None
    assert column(db, "SELECT stream_name FROM stream_summary") == []


def test_the_write_after_a_refused_one_gets_its_position(db: psycopg.Connection):
    write(db, "account-1")
    refused(db, WRITE, new_id(), "account-1", "Happened", 5)
    assert write(db, "account-1", expected_version=0) == 1


def test_the_id_of_a_refused_write_may_be_used(db: psycopg.Connection):
    id = new_id()
    refused(db, WRITE, id, "account-1", "Happened", 5)
    assert write(db, "account-1", id=id) == 0


def test_it_follows_the_own_transaction(db: psycopg.Connection):
    with db.transaction():
        positions = [write(db, "account-1", expected_version=version) for version in (-1, 0, 1)]
    assert positions == [0, 1, 2]


def test_it_forgets_what_was_rolled_back(db: psycopg.Connection):
    with db.transaction(force_rollback=True):
        write(db, "account-1")
    assert write(db, "account-1", expected_version=-1) == 0


def test_a_refused_write_ends_its_transaction(db: psycopg.Connection):
    with db.transaction(force_rollback=True):
        write(db, "account-1")
        refused(db, WRITE, new_id(), "account-1", "Happened", 5)
        assert refused(db, "SELECT 1")[0] == "25P02"
    assert value(db, "SELECT stream_version('account-1')") is None


def test_a_savepoint_keeps_what_came_before_a_refused_write(db: psycopg.Connection):
    with db.transaction():
        write(db, "account-1", "First")
        with db.transaction(force_rollback=True):
            refused(db, WRITE, new_id(), "account-1", "No", 5)
        write(db, "account-1", "Second", expected_version=0)
    written = rows(db, "SELECT type, position FROM get_stream_messages('account-1')")
    assert written == [("First", 0), ("Second", 1)]


WRONG = ("P0001", "Wrong expected version: 7 (Stream: account-1, Stream Version: 0)")


def test_it_is_checked_before_the_id_is_read(db: psycopg.Connection):
    write(db, "account-1")
    assert refused(db, WRITE, "not-a-uuid", "account-1", "Happened", 7) == WRONG


def test_it_is_checked_before_a_repeated_id(db: psycopg.Connection):
    id = new_id()
    write(db, "account-1", id=id)
    assert refused(db, WRITE, id, "account-1", "Happened", 7) == WRONG


def test_it_is_checked_before_a_null_type(db: psycopg.Connection):
    write(db, "account-1")
    assert refused(db, WRITE, new_id(), "account-1", None, 7) == WRONG


def test_the_stream_name_stands_in_the_error_as_it_is(db: psycopg.Connection):
    error = refused(db, WRITE, new_id(), "Größe:a-1+%s (2)", "Happened", 0)
    assert error == (
        "P0001",
        "Wrong expected version: 0 (Stream: Größe:a-1+%s (2), Stream Version: -1)",
    )
