"""What a plain INSERT into messages may not do, because everybody else would pay for it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from tests.fix_store import InstalledStore, drop_store
from tests.fix_tiers import TierStore

import coldstream

INSERT = "INSERT INTO messages (stream_name, position, type, global_position) VALUES "


@pytest.fixture
def store(store_schema: InstalledStore) -> InstalledStore:
    return store_schema


def as_role(store: InstalledStore) -> psycopg.Connection:
    connection = store.connect()
    connection.execute(f"SET ROLE {store.role}".encode())
    return connection


def write(store: InstalledStore, stream_name: str) -> None:
    store.run("SELECT write_message(gen_random_uuid()::text, %s, 'T', NULL)", [stream_name])


@pytest.mark.parametrize("position", [2**63 - 1, 2**62, 200_000])
def test_a_position_far_ahead_is_refused_and_burns_nothing(
    store: InstalledStore, position: int
) -> None:
    with as_role(store) as connection:
        connection.execute("BEGIN")
        with pytest.raises(psycopg.errors.NumericValueOutOfRange) as caught:
            connection.execute(f"{INSERT} ('a-1', 0, 'T', {position})".encode())
        assert "setval" in f"{caught.value.diag.message_hint}"
        connection.execute("ROLLBACK")
        connection.execute("RESET ROLE")
    write(store, "a-1")
    assert store.run("SELECT global_position FROM messages") == [(1,)]


def test_a_position_that_is_rolled_back_burns_no_more_than_itself(store: InstalledStore) -> None:
    with store.connect() as connection:
        connection.execute("BEGIN")
        connection.execute(f"{INSERT} ('a-1', 0, 'T', 1000)".encode())
        connection.execute("ROLLBACK")
    write(store, "a-1")
    assert store.run("SELECT global_position FROM messages") == [(1001,)]


@pytest.mark.parametrize(
    "time",
    [
        "infinity", "-infinity", "4713-01-01 BC", "0001-01-01", "9999-12-31", "12000-01-01",
        "290000-01-01",
    ],
)  # fmt: skip
def test_a_time_that_no_program_has_a_date_for_is_refused(store: InstalledStore, time: str) -> None:
    with as_role(store) as connection:
        with pytest.raises(
            psycopg.errors.DatetimeFieldOverflow, match=r"years 1 to 9999|out of range"
        ):
            connection.execute(
                "INSERT INTO messages (stream_name, position, type, time) "
                "VALUES ('t-1', 0, 'T', %s::text::timestamptz)",
                [time],
            )
        connection.execute("RESET ROLE")
    assert store.run("SELECT count(*) FROM streams") == [(0,)]


def test_a_time_ahead_of_the_clock_is_refused(store: InstalledStore) -> None:
    insert = "INSERT INTO messages (stream_name, position, type, time) VALUES ('t-1', 0, 'T', %s)"
    now = datetime.now(UTC)
    with pytest.raises(psycopg.Error) as caught:
        store.run(insert, [now + timedelta(days=30)])
    assert caught.value.sqlstate == "CS004"
    # Within max_clock_lead clocks may differ.
    store.run(insert, [now + timedelta(minutes=30)])
    write(store, "t-1")
    assert store.run("SELECT stream_version('t-1')") == [(1,)]


@pytest.mark.parametrize("year", [1, 9999])
def test_import_messages_refuses_such_times_too(store: InstalledStore, year: int) -> None:
    time = datetime.min if year == 1 else datetime.max
    with coldstream.connect(store.dsn) as opened, pytest.raises(coldstream.ColdstreamError):
        opened.import_messages(
            [
                coldstream.Message(
                    stream_name="t-1", type="T", position=0, global_position=0, data_text=None,
                    metadata_text=None, id=uuid4(),
                    time=time.replace(tzinfo=UTC),
                )
            ]
        )  # fmt: skip
    assert store.run("SELECT count(*) FROM messages") == [(0,)]


def test_a_day_long_ago_is_a_day(store: InstalledStore) -> None:
    store.run(
        "INSERT INTO messages (stream_name, position, type, time) VALUES ('t-1', 0, 'T', %s)",
        [datetime(1969, 7, 20, tzinfo=UTC)],
    )
    store.run("CALL close_ended_chunks()")
    assert store.run("SELECT state, messages FROM chunks") == [("closed", 1)]


def test_the_global_position_of_a_message_that_left_is_refused(tier: TierStore) -> None:
    store = tier.installed
    first, last = tier.truth[0].global_position, tier.truth[-1].global_position
    for position in (first, tier.truth[len(tier.truth) // 2].global_position, last):
        with pytest.raises(psycopg.errors.UniqueViolation) as caught:
            store.run(f"{INSERT} ('other-1', 0, 'T', %s)", [position])
        assert caught.value.diag.constraint_name == "messages_pkey"
    assert store.run("SELECT stream_version('other-1')") == [(None,)]


def test_one_statement_makes_a_limited_number_of_chunks(dsn: str) -> None:
    # 501 chunks are many catalog entries: in a store that is dropped afterwards.
    from tests.fix_store import install_store

    store = install_store(dsn, "many_chunks")
    try:
        insert = (
            "INSERT INTO messages (stream_name, position, type, time) "
            "SELECT 'w-' || g, 0, 'T', now() - g * INTERVAL '7 days' "
            "FROM generate_series(1, %s) AS g"
        )
        with pytest.raises(psycopg.errors.ProgramLimitExceeded) as caught:
            store.run(insert, [502])
        assert "part of the time" in f"{caught.value.diag.message_hint}"
        store.run(insert, [20])
        assert store.run("SELECT count(*) FROM messages") == [(20,)]
    finally:
        drop_store(dsn, "many_chunks")


@pytest.mark.native
def test_no_global_position_is_given_twice_beside_writers(store: InstalledStore) -> None:
    """Batches that are written, rows with positions ahead of the sequence and behind it."""
    stop = threading.Event()
    errors: list[BaseException] = []

    def written(number: int) -> None:
        with store.connect() as connection:
            for _ in range(150):
                connection.execute(
                    "SELECT * FROM write_messages(ARRAY(SELECT gen_random_uuid()::text "
                    "FROM generate_series(1, 8)), array_fill(%s::varchar, ARRAY[8]), "
                    "array_fill('T'::varchar, ARRAY[8]), array_fill('{}'::jsonb, ARRAY[8]))",
                    [f"b{number}-1"],
                )

    def inserted(number: int, ahead: int) -> None:
        with as_role(store) as connection:
            position = 0
            # Beside busy writers one that is ahead may be overtaken each time: alone it is not.
            while not stop.is_set() or (ahead > 0 and position == 0):
                try:
                    connection.execute(
                        "INSERT INTO messages (stream_name, position, type, global_position) "
                        "SELECT %s, %s, 'T', greatest(s.last_value + %s, 1) "
                        "FROM messages_global_position_seq AS s",
                        [f"i{number}-1", position, ahead],
                    )
                    position += 1
                except (psycopg.errors.UniqueViolation, psycopg.errors.LockNotAvailable):
                    pass

    def run(target: object, *arguments: int) -> threading.Thread:
        def guarded() -> None:
            try:
                target(*arguments)  # type: ignore[operator]
            except BaseException as error:
                errors.append(error)

        thread = threading.Thread(target=guarded)
        thread.start()
        return thread

    inserters = [run(inserted, 1, 5), run(inserted, 2, 3), run(inserted, 3, -2)]
    for thread in [run(written, 1), run(written, 2), run(written, 3)]:
        thread.join()
    stop.set()
    for thread in inserters:
        thread.join()
    assert errors == []
    assert (
        store.run(
            "SELECT global_position FROM messages GROUP BY global_position HAVING count(*) > 1"
        )
        == []
    )
    [(last, highest)] = store.run(
        "SELECT s.last_value, (SELECT max(global_position) FROM messages) "
        "FROM messages_global_position_seq AS s"
    )
    assert last >= highest
    assert store.run("SELECT count(*) FROM messages WHERE stream_name LIKE 'i%%'")[0][0] > 0


def test_what_an_insert_looks_at_does_not_grow_with_the_chunks(fresh_store: InstalledStore) -> None:
    """What a plan names is locked, run or not: so locks tell what it was made for."""
    store = fresh_store
    make = (
        "INSERT INTO messages (stream_name, position, type, time) "
        "SELECT 'w-' || g, 0, 'T', now() - g * INTERVAL '7 days' "
        "FROM generate_series(%s::int, %s::int) AS g"
    )
    insert = "INSERT INTO messages (stream_name, position, type{}) VALUES ('i-1', %s, 'T'{})"

    def locked(position: int) -> int:
        with store.connect() as connection:
            connection.execute("BEGIN")
            connection.execute(insert.format("", "").encode(), [position])
            connection.execute(
                insert.format(", global_position", ", %s").encode(),
                [position + 1, 5000 * (position + 1)],
            )
            [(count,)] = connection.execute(
                # This session's: a background job of the store may be at work.
                "SELECT count(DISTINCT relation) FROM pg_locks "
                "WHERE locktype = 'relation' AND coalesce(pid, 0) = pg_backend_pid()"
            ).fetchall()
            connection.execute("COMMIT")
        return int(count)

    store.run(make, [1, 3])
    few = locked(0)
    assert few > 0
    store.run(make, [4, 40])
    assert abs(locked(2) - few) <= 3
