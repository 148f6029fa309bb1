"""write_message in transactions."""

import psycopg
import pytest

from .statements import column, refused, rows, value, write

POSITIONS = "SELECT position FROM get_stream_messages('account-1')"


def test_a_rolled_back_write_leaves_nothing(db: psycopg.Connection):
    with db.transaction(force_rollback=True):
        write(db, "account-1")
    assert column(db, POSITIONS) == []
    assert column(db, "SELECT stream_name FROM stream_summary") == []


def test_a_rolled_back_position_is_given_again(db: psycopg.Connection):
    write(db, "account-1")
    with db.transaction(force_rollback=True):
        assert write(db, "account-1") == 1
    assert write(db, "account-1") == 1


def test_a_rolled_back_global_position_is_not_given_again(db: psycopg.Connection):
    write(db, "account-1")
    with db.transaction(force_rollback=True):
        write(db, "account-1")
    write(db, "account-1")
    ((first, second),) = rows(db, "SELECT min(global_position), max(global_position) FROM messages")
    assert (first, second) == (1, 3)


def test_several_writes_in_one_transaction(db: psycopg.Connection):
    with db.transaction():
        assert [write(db, "account-1") for _ in range(10)] == list(range(10))
    assert column(db, POSITIONS) == list(range(10))


def test_a_transaction_reads_its_own_writes(db: psycopg.Connection):
    with db.transaction():
        write(db, "account-1")
        assert column(db, POSITIONS) == [0]
        read = column(db, "SELECT stream_name FROM get_category_messages('account')")
        assert read == ["account-1"]
        assert column(db, "SELECT position FROM get_last_stream_message('account-1')") == [0]


def test_several_streams_and_categories_in_one_transaction(db: psycopg.Connection):
    with db.transaction():
        streams = ["account-1", "order-1", "account-2", "account-1", "order-1"]
        assert [write(db, stream) for stream in streams] == [0, 0, 0, 1, 1]


def test_a_rollback_to_a_savepoint_gives_the_position_again(db: psycopg.Connection):
    with db.transaction():
        assert write(db, "account-1", "Kept") == 0
        with db.transaction(force_rollback=True):
            assert write(db, "account-1", "Dropped") == 1
        assert write(db, "account-1", "Kept") == 1
    types = column(db, "SELECT type FROM get_stream_messages('account-1')")
    assert types == ["Kept", "Kept"]


def test_a_savepoint_that_opens_the_stream_can_be_rolled_back(db: psycopg.Connection):
    with db.transaction():
        with db.transaction(force_rollback=True):
            write(db, "account-1")
        assert value(db, "SELECT stream_version('account-1')") is None
        assert write(db, "account-1", expected_version=-1) == 0


@pytest.mark.parametrize("level", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
def test_several_writes_at_any_isolation_level(db: psycopg.Connection, level: str):
    write(db, "account-1")
    with db.transaction():
        db.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
        assert [write(db, "account-1") for _ in range(3)] == [1, 2, 3]
        assert write(db, "account-2", expected_version=-1) == 0
    assert column(db, POSITIONS) == [0, 1, 2, 3]


def test_a_read_only_transaction_refuses_it(db: psycopg.Connection):
    with db.transaction(force_rollback=True):
        db.execute("SET TRANSACTION READ ONLY")
        state, _ = refused(
            db, "SELECT write_message(gen_random_uuid()::varchar, 'account-1', 'Happened', '{}')"
        )
        assert state == "25006"
    assert value(db, "SELECT stream_version('account-1')") is None
