"""A stream reads whole in every tier, whatever the order of its times and wherever its gaps are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from tests.clients import Client, opened
from tests.fix_store import InstalledStore, drop_store, install_store
from tests.history import START, WEEK

import coldstream
from coldstream import Archived, Consumer, Message, Projection, SetupError
from coldstream.settings import Format

HOUR = timedelta(hours=1)

# Stream name -> for each position the week that its message lies in. Later ones of one week are an
# hour later, but for "equal-1".
STREAMS = {
    "late-1": [5, 3],
    "late-2": [0, 1, 2, 3, 4, 1, 3],
    "late-3": [5, 4, 3, 2, 1, 0] * 3,
    "late-4": [0, 5, 1, 4, 2, 3],
    "late-5": [2, 2, 1, 1, 0, 0],
    "late-6": [5, 3, 5],
    "equal-1": [3, 3, 3, 3, 1, 1, 1],
    "in-order-1": [0, 1, 2, 3, 4, 5],
}
STAGES = [0, 2, 4, 6]  # weeks that have left


def messages_of(name: str, weeks: list[int]) -> list[Message]:
    hour = timedelta() if name == "equal-1" else HOUR
    return [
        Message(
            uuid4(),
            name,
            ["Odd", "Even"][position % 2 == 0],
            position,
            0,
            '{"n": 1}',
            None,
            START + week * WEEK + position * hour,
        )
        for position, week in enumerate(weeks)
    ]


@pytest.fixture
def store(quiet_store: InstalledStore, tmp_path: Any) -> coldstream.Store:
    archive = (tmp_path / "archive").as_uri()
    with coldstream.connect(quiet_store.dsn, schema=quiet_store.schema, archive=archive) as store:
        for name, weeks in STREAMS.items():
            assert store.import_messages(messages_of(name, weeks)) == len(weeks)
    return store


@contextmanager
def reading(store: coldstream.Store, kind: str) -> Iterator[Client]:
    """Either client, open for as long as nothing else is: one connection may be all there is."""
    with opened(kind, store.dsn, schema=store.schema) as client:
        yield client


def leave(store: coldstream.Store, weeks: int, **options: Any) -> None:
    until = START + weeks * WEEK
    with store:
        store.lifecycle.archive(until, **options)
        assert [v.problem for v in store.lifecycle.verify() if v.problem] == []
        assert [d.reason for d in store.lifecycle.drop(until) if d.reason] == []


def positions(messages: Any) -> list[int]:
    return [message.position for message in messages]


def check(client: Client, name: str, expected: list[int]) -> None:
    """Every read of a stream that has these positions, the version of which may be higher."""
    for batch_size in (1, 2, 1000):
        for start in range(len(STREAMS[name]) + 2):
            found = client.get_stream_messages(name, start, batch_size)
            assert positions(found) == [p for p in expected if p >= start], (name, start)
    last = client.get_last_stream_message(name)
    assert last is None if not expected else last.position == expected[-1]
    for type, rest in (("Even", 0), ("Odd", 1)):
        of_type = [p for p in expected if p % 2 == rest]
        last = client.get_last_stream_message(name, type)
        assert (last.position if last else None) == (of_type[-1] if of_type else None), type


def check_all(store: coldstream.Store, kind: str) -> None:
    with reading(store, kind) as client:
        for name, times in STREAMS.items():
            check(client, name, list(range(len(times))))


@pytest.mark.parametrize(
    ("format", "file_rows"),
    [
        ("parquet", None),
        pytest.param("parquet", 2, marks=pytest.mark.native),
        pytest.param("csv", None, marks=pytest.mark.native),
        ("csv", 3),
    ],
    ids=lambda value: str(value),
)
def test_out_of_the_order_of_time(
    store: coldstream.Store, kind: str, format: Format, file_rows: int | None
) -> None:
    for weeks in STAGES:
        leave(store, weeks, format=format, file_rows=file_rows)
        check_all(store, kind)


def test_what_reads_a_stream_for_its_caller(store: coldstream.Store) -> None:
    projection: Projection[list[int]] = Projection(list, name="positions")

    @projection.on("Even")
    @projection.on("Odd")
    def add(state: list[int], message: Message) -> None:
        state.append(message.position)

    for weeks in STAGES:
        leave(store, weeks)
        for name, times in STREAMS.items():
            expected = list(range(len(times)))
            with store:
                entity = store.fetch(name, projection)
            assert (entity.state, entity.version) == (expected, len(times) - 1)
            handled: list[int] = []
            consumer = Consumer(store, name, f"{name} {weeks}")

            @consumer.default_handler
            def handle(message: Message, handled: list[int] = handled) -> None:
                handled.append(message.position)

            with store:
                consumer.run(live=False, handle_signals=False)
            assert handled == expected


def test_the_last_of_a_stream_that_is_named_as_its_category(
    store: coldstream.Store, kind: str
) -> None:
    messages = messages_of("alone", [4, 2, 3])
    with store:
        # Position 2 first: global positions do not follow those of the stream.
        for message in reversed(messages):
            store.import_messages([message])
    leave(store, 6)
    with reading(store, kind) as client:
        assert client.get_last_stream_message("alone").position == 2
        assert client.get_last_stream_message("alone", "Odd").position == 1


def test_ranges_that_came_back_and_parts_of_them(store: coldstream.Store, kind: str) -> None:
    leave(store, 6)
    with store:
        store.lifecycle.rehydrate(START + WEEK, START + 2 * WEEK)
        store.lifecycle.rehydrate(START + 3 * WEEK, START + 5 * WEEK, streams=["late-1", "late-3"])
        store.lifecycle.rehydrate(START, START + WEEK, streams=["in-order-*"])
    check_all(store, kind)


GAPS = {
    "the last one": "position = 5",
    "several at the end": "position >= 3",
    "the whole stream": "true",
    "the first one": "position = 0",
    "one in the middle": "position = 2",
    "all but the last two": "position < 4",
}


@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize("name", ["in-order-1", "late-4"])
def test_deleted_messages(store: coldstream.Store, kind: str, name: str, gap: str) -> None:
    with store, store.connection() as connection:
        connection.execute(
            f"DELETE FROM {store.schema}.messages WHERE stream_name = %s AND {GAPS[gap]}".encode(),
            [name],
        )
    with reading(store, kind) as client:
        expected = positions(client.get_stream_messages(name))
    for weeks in STAGES:
        leave(store, weeks)
        if weeks:
            with reading(store, kind) as client:
                check(client, name, expected)
    handled: list[int] = []
    consumer = Consumer(store, name, "reader")

    @consumer.default_handler
    def handle(message: Message) -> None:
        handled.append(message.position)

    with store:
        consumer.run(live=False, handle_signals=False)
    assert handled == expected


def test_a_gap_is_an_error_only_where_a_range_that_is_nowhere_may_explain_it(
    store: coldstream.Store, kind: str
) -> None:
    with store, store.connection() as connection:
        connection.execute(
            f"DELETE FROM {store.schema}.messages WHERE stream_name = 'in-order-1' "
            "AND position IN (2, 5)".encode()
        )
        connection.execute(f"SELECT {store.schema}.drop_range(%s, force => true)".encode(), [START])
    leave(store, 4)
    with reading(store, kind) as client:
        with pytest.raises(Archived, match=r"in-order-1.* dropped by force"):
            client.get_stream_messages("in-order-1")
        # What left by force is before these.
        assert positions(client.get_stream_messages("in-order-1", 1)) == [1, 3, 4]
        assert positions(client.get_stream_messages("in-order-1", 2)) == [3, 4]
        assert client.get_last_stream_message("in-order-1").position == 4
        # Positions of this one say nothing of its times: 0 was in that range, and 1 to 5 are there.
        with pytest.raises(Archived, match=r"late-4.* dropped by force"):
            client.get_stream_messages("late-4")
        assert positions(client.get_stream_messages("late-4", 1)) == [1, 2, 3, 4, 5]


def test_a_store_without_its_row_says_so(store: coldstream.Store, kind: str) -> None:
    with store, store.connection() as connection:
        connection.execute(f"DELETE FROM {store.schema}.store".encode())
    with (
        pytest.raises(SetupError, match=r"no rows of its own|table store"),
        reading(store, kind) as client,
    ):
        client.get_category_messages("late")


def test_rebuilt_from_the_archive_alone(
    store: coldstream.Store, quiet_store: InstalledStore
) -> None:
    """A later range may have earlier positions: heads and marks are as if nothing had been lost."""
    end = START + 6 * WEEK
    with coldstream.connect(
        quiet_store.dsn, schema=quiet_store.schema, archive=store.archive
    ) as opened:
        opened.lifecycle.archive(end)
        opened.lifecycle.verify()
        opened.lifecycle.drop(end)
        truth = list(opened.get_all_messages())
    drop_store(quiet_store.dsn, quiet_store.schema)
    install_store(quiet_store.dsn, quiet_store.schema)
    with coldstream.connect(
        quiet_store.dsn, schema=quiet_store.schema, archive=store.archive
    ) as opened:
        assert {each.result for each in opened.lifecycle.rebuild()} == {"restored"}
        assert list(opened.get_all_messages()) == truth
        for name, weeks in STREAMS.items():
            found = [message.position for message in opened.get_stream_messages(name)]
            assert found == list(range(len(weeks)))
            assert opened.write_message(name, "Next", {}).position == len(weeks)
