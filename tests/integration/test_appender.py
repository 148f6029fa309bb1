"""Appenders on a real server: many writers, their errors, and lost connections."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from tests.fix_store import InstalledStore

import coldstream
from coldstream import (
    ClockAhead,
    ColdstreamError,
    DuplicateMessageId,
    ExpectedVersionError,
    InvalidInput,
    JsonText,
    Message,
    Unavailable,
    WriteResult,
)

Call = dict[str, Any]


class Appending:
    """Either appender behind one face: calls are made at once, and outcomes come back in order."""

    def __init__(self, kind: str, installed: InstalledStore, **options: Any) -> None:
        self.kind = kind
        self.installed = installed
        self.options = options
        self.batches = self.messages = 0

    def __call__(
        self, calls: Sequence[Call], meanwhile: Callable[[Any], None] = lambda _: None
    ) -> list[Any]:
        """The result or the error of each. ``meanwhile`` gets the store when they were made."""
        if self.kind == "async":
            return asyncio.run(self._tasks(calls, meanwhile))
        with (
            coldstream.connect(self.installed.dsn) as store,
            store.appender(**self.options) as appender,
        ):
            # From one thread, so that the order of the calls is known.
            futures = [appender.submit(**call) for call in calls]
            meanwhile(store)
            found = [future.exception(60) or future.result() for future in futures]
            self.batches, self.messages = appender.batches, appender.messages
            return found

    async def _tasks(self, calls: Sequence[Call], meanwhile: Callable[[Any], None]) -> list[Any]:
        async with (
            coldstream.connect_async(self.installed.dsn) as store,
            store.appender(**self.options) as appender,
        ):
            tasks = [asyncio.ensure_future(appender.write_message(**call)) for call in calls]
            await asyncio.sleep(0)
            await asyncio.to_thread(meanwhile, store)
            found = await asyncio.gather(*tasks, return_exceptions=True)
            self.batches, self.messages = appender.batches, appender.messages
            return found


OpenAppender = Callable[..., Appending]


@pytest.fixture
def appending(kind: str, store_schema: InstalledStore) -> OpenAppender:
    return lambda **options: Appending(kind, store_schema, **options)


@pytest.fixture
def written(store_schema: InstalledStore) -> Callable[[], list[Message]]:
    """What the store holds."""

    def written() -> list[Message]:
        with coldstream.connect(store_schema.dsn) as store:
            return list(store.get_all_messages())

    return written


def new(stream_name: str = "account-1", data: Any = None, **more: Any) -> Call:
    return {"stream_name": stream_name, "type": "T", "data": data, **more}


def where(found: Sequence[Any]) -> list[Any]:
    return [each.position if isinstance(each, WriteResult) else type(each) for each in found]


def test_each_call_gets_its_own_result_in_the_order_of_the_calls(
    appending: OpenAppender, written: Callable[[], list[Message]]
) -> None:
    # With a linger, the number of batches does not hang on how fast the machine is.
    append = appending(linger=60, max_batch_size=50)
    calls = [new(f"account-{n % 7}", n) for n in range(200)]
    found = append(calls)
    messages = written()
    assert [m.data for m in messages] == list(range(200))
    assert [WriteResult(m.position, m.global_position) for m in messages] == found
    assert [m.position for m in messages] == [n // 7 for n in range(200)]
    assert append.messages == 200
    assert append.batches == 4


def test_64_tasks_that_wait_for_each_answer(store_schema: InstalledStore) -> None:
    async def write(appender: coldstream.AsyncAppender, task: int) -> list[WriteResult]:
        return [
            await appender.write_message(f"account-{task}", "T", n, expected_version=n - 1)
            for n in range(10)
        ]

    async def run() -> tuple[list[list[WriteResult]], int, float]:
        async with coldstream.connect_async(store_schema.dsn) as store:
            async with store.appender() as appender:
                found = await asyncio.gather(*(write(appender, task) for task in range(64)))
            return found, appender.messages, appender.mean_batch

    found, messages, mean_batch = asyncio.run(run())
    assert [[r.position for r in each] for each in found] == [list(range(10))] * 64
    assert messages == 640
    assert mean_batch > 1


def test_many_threads(store_schema: InstalledStore, written: Callable[[], list[Message]]) -> None:
    with coldstream.connect(store_schema.dsn) as store, store.appender() as appender:

        def write(thread: int) -> list[WriteResult]:
            return [appender.write_message(f"cat{thread % 3}-{thread}", "T", n) for n in range(10)]

        with ThreadPoolExecutor(16) as pool:
            found = list(pool.map(write, range(16)))
    assert [[r.position for r in each] for each in found] == [list(range(10))] * 16
    by_position = {m.global_position: m for m in written()}
    for thread, each in enumerate(found):
        streams = [by_position[result.global_position] for result in each]
        assert [(m.category, m.data) for m in streams] == [
            (f"cat{thread % 3}", n) for n in range(10)
        ]


def test_everything_that_can_be_written_arrives_as_it_was(
    appending: OpenAppender, written: Callable[[], list[Message]]
) -> None:
    ids = [uuid4() for _ in range(3)]
    calls = [
        new("grün-süß ✓", {"a": "ü ✓ 😀 \\ \" '"}, metadata={"m": None}, id=ids[0]),
        new("account-1", None, metadata=None, id=str(ids[1]).upper()),
        new("account", JsonText("1.100"), metadata=JsonText("null"), id=ids[2]),
    ]
    append = appending(linger=60, max_batch_size=3, max_flushes=1)
    append(calls)
    assert append.batches == 1
    assert [(m.stream_name, m.id) for m in written()] == [
        ("grün-süß ✓", ids[0]),
        ("account-1", ids[1]),
        ("account", ids[2]),
    ]
    assert [(m.data_text, m.metadata_text) for m in written()] == [
        ('{"a": "ü ✓ 😀 \\\\ \\" \'"}', '{"m": null}'),
        (None, None),
        ("1.100", "null"),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"stream_name": "account-\0"},
        {"type": "x" * 2601},
        {"data": object()},
        {"metadata": "\0"},
        {"id": "no uuid"},
        {"expected_version": "1"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_what_no_server_takes_is_refused_at_the_call(
    appending: OpenAppender, written: Callable[[], list[Message]], wrong: Call
) -> None:
    append = appending()
    calls = [new(), new() | wrong]
    if append.kind == "async":
        assert where(append(calls)) == [0, InvalidInput]
    else:
        with pytest.raises(InvalidInput):
            append(calls)
    assert len(written()) == 1


ID = UUID("0190a0c0-0000-7000-8000-000000000001")
WRONG: dict[str, tuple[Call, type[ColdstreamError]]] = {
    "version": (new("account-0", expected_version=7), ExpectedVersionError),
    "id": (new("account-2", id=ID), DuplicateMessageId),
    "json": (new("account-2", JsonText('{"a":')), InvalidInput),
    "number": (new("account-2", JsonText("1e200000")), InvalidInput),
    "clock": (new("ahead-1"), ClockAhead),
    "trigger": (new("account-2", "refuse me"), ColdstreamError),
}


@pytest.fixture
def strict(store_schema: InstalledStore) -> Iterator[InstalledStore]:
    """A store in which each of WRONG is wrong."""
    with store_schema.connect() as connection:
        connection.execute("SELECT write_message(%s::text, 'account-0', 'T', NULL)", [ID])
        connection.execute("SELECT write_message(gen_random_uuid()::text, 'ahead-1', 'T', NULL)")
        connection.execute(
            "UPDATE streams SET time = time + INTERVAL '2 hours' WHERE stream_name = 'ahead-1'"
        )
        connection.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'refused'; END $$"
        )
        connection.execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON messages FOR EACH ROW "
            "WHEN (NEW.data::jsonb = '\"refuse me\"'::jsonb) EXECUTE FUNCTION refuse()"
        )
    yield store_schema
    store_schema.run("DROP FUNCTION refuse CASCADE")


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_message_does_not_fail_its_neighbours(
    strict: InstalledStore,
    appending: OpenAppender,
    written: Callable[[], list[Message]],
    wrong: str,
) -> None:
    call, error = WRONG[wrong]
    calls = [new("account-1", n, expected_version=n - 1) for n in range(9)]
    calls[4:4] = [call]
    found = appending(linger=60, max_batch_size=10)(calls)
    assert where(found) == [0, 1, 2, 3, error, 4, 5, 6, 7, 8]
    assert [m.data for m in written() if m.stream_name == "account-1"] == list(range(9))


def test_all_that_is_wrong_at_once(strict: InstalledStore, appending: OpenAppender) -> None:
    calls = [new("account-1", n) for n in range(20)]
    calls[5:5] = [call for call, _ in WRONG.values()]
    found = appending(linger=60, max_batch_size=len(calls))(calls)
    expected = [*range(5), *(error for _, error in WRONG.values()), *range(5, 20)]
    assert where(found) == expected


def test_versions_in_one_batch_are_as_one_after_another(
    store_schema: InstalledStore, appending: OpenAppender
) -> None:
    appending()([new() for _ in range(5)])
    versions = [4, 5, 5, None, 7, 6, 8, -1]
    append = appending(linger=60, max_batch_size=len(versions))
    found = append([new(expected_version=version) for version in versions])
    E = ExpectedVersionError  # noqa: N806
    assert where(found) == [5, 6, E, 7, 8, E, 9, E]
    assert [(e.expected, e.actual) for e in found if isinstance(e, E)] == [(5, 6), (6, 8), (-1, 9)]
    assert append.batches == 1
    # One that the database knows better: the stream is at 9.
    found = append([new(expected_version=version) for version in [3, None, 9, 10, 2, 11, -1, 12]])
    assert where(found) == [E, 10, E, 11, E, 12, E, 13]
    assert [(e.expected, e.actual) for e in found if isinstance(e, E)] == [
        (3, 9),
        (9, 10),
        (2, 11),
        (-1, 12),
    ]
    assert append.batches == 1


def test_a_repeated_write_gives_the_positions_of_the_first(appending: OpenAppender) -> None:
    append = appending(linger=60, max_batch_size=2)
    ids = [uuid4(), uuid4()]
    calls = [new(id=id, expected_version=n - 1, idempotent=True) for n, id in enumerate(ids)]
    first = append(calls)
    assert where(first) == [0, 1]
    assert append(calls) == first


def test_a_linger_of_a_cancelled_call(
    store_schema: InstalledStore, written: Callable[[], list[Message]]
) -> None:
    async def run() -> None:
        async with coldstream.connect_async(store_schema.dsn) as store:
            async with store.appender(linger=60) as appender:
                tasks = [
                    asyncio.ensure_future(appender.write_message("account-1", "T", n))
                    for n in range(3)
                ]
                await asyncio.sleep(0)
                tasks[1].cancel()
            assert [task.cancelled() for task in tasks] == [False, True, False]

    asyncio.run(run())
    assert [m.data for m in written()] == [0, 2]


@contextmanager
def lost_once(store: Any, when: str) -> Iterator[None]:
    """The first write's connection is lost before or after it commits."""
    rows, losses = store._connections.rows, [when]

    def error() -> Unavailable:
        error = Unavailable("lost")
        error.__cause__ = psycopg.OperationalError("lost")
        return error

    async def lossy(name: str, arguments: Any) -> Any:
        loss = losses.pop() if losses and name.startswith("write") else None
        if loss == "before":
            raise error()
        found = await rows(name, arguments)
        if loss == "after":
            raise error()
        return found

    store._connections.rows = lossy
    yield
    assert losses == []


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("count", [1, 5])
def test_a_lost_answer_is_found_by_the_ids(
    store_schema: InstalledStore,
    written: Callable[[], list[Message]],
    when: str,
    count: int,
) -> None:
    async def run() -> list[WriteResult]:
        async with coldstream.connect_async(store_schema.dsn) as store:
            with lost_once(store, when):
                async with store.appender() as appender:
                    return await asyncio.gather(
                        *(
                            appender.write_message("account-1", "T", n, expected_version=n - 1)
                            for n in range(count)
                        )
                    )

    found = asyncio.run(run())
    assert [WriteResult(m.position, m.global_position) for m in written()] == found
    assert [m.data for m in written()] == list(range(count))


@pytest.mark.native
def test_a_server_process_killed_in_the_middle(
    store_schema: InstalledStore, appending: OpenAppender, written: Callable[[], list[Message]]
) -> None:
    with store_schema.connect() as other:

        def kill(_: Any) -> None:
            assert until(lambda: kill_waiting(store_schema)) == 1
            # The repeated call waits for the same lock.
            assert until(lambda: len(waiting(store_schema))) == 1
            other.execute("COMMIT")

        other.execute("BEGIN; SELECT acquire_lock('account-1')")
        calls = [new("account-1", n, expected_version=n - 1) for n in range(5)]
        found = appending(linger=60, max_batch_size=5)(calls, kill)
    assert where(found) == [0, 1, 2, 3, 4]
    assert [m.data for m in written()] == [0, 1, 2, 3, 4]


@pytest.mark.native
def test_a_batch_in_flight_outlives_its_cancelled_caller(
    store_schema: InstalledStore, written: Callable[[], list[Message]]
) -> None:
    async def run() -> None:
        async with (
            coldstream.connect_async(store_schema.dsn) as store,
            store.appender() as appender,
        ):
            tasks = [
                asyncio.ensure_future(appender.write_message("account-1", "T", n)) for n in range(3)
            ]
            await asyncio.to_thread(until, lambda: len(waiting(store_schema)))
            tasks[1].cancel()
            with pytest.raises(asyncio.CancelledError):
                await tasks[1]
            other.execute("COMMIT")
            assert [(await tasks[n]).position for n in (0, 2)] == [0, 2]

    with store_schema.connect() as other:
        other.execute("BEGIN; SELECT acquire_lock('account-1')")
        asyncio.run(run())
    assert [m.data for m in written()] == [0, 1, 2]


@pytest.mark.native
def test_beside_writers_of_their_own(store_schema: InstalledStore, appending: OpenAppender) -> None:
    """Others write to the same streams: versions and positions stay true for everybody."""
    singles: list[WriteResult] = []

    def meanwhile(_: Any) -> None:
        with coldstream.connect(store_schema.dsn) as store:
            singles.extend(store.write_message(f"account-{n % 3}", "T") for n in range(60))

    calls = [new(f"account-{n % 3}", expected_version=n // 3 - 1) for n in range(60)]
    calls += [new(f"account-{n % 3}") for n in range(60)]
    found = appending(max_batch_size=10)(calls, meanwhile)
    assert set(where(found)) <= {ExpectedVersionError, *range(120)}
    assert all(isinstance(each, WriteResult) for each in found[60:])
    good = [each for each in found if isinstance(each, WriteResult)]
    for number, each in enumerate(found[:60]):
        assert where([each])[0] in (number // 3, ExpectedVersionError)
    assert len({each.global_position for each in good + singles}) == len(good) + len(singles)
    with coldstream.connect(store_schema.dsn) as store:
        for name in ("account-0", "account-1", "account-2"):
            messages = list(store.get_stream_messages(name))
            assert [m.position for m in messages] == list(range(len(messages)))


def waiting(installed: InstalledStore) -> list[int]:
    """The server processes that wait for a category's lock."""
    return [
        pid
        for (pid,) in installed.run(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
    ]


def kill_waiting(installed: InstalledStore) -> int:
    pids = waiting(installed)
    for pid in pids:
        installed.run("SELECT pg_terminate_backend(%s)", [pid])
    return len(pids)


def until(found: Callable[[], int]) -> int:
    """What it gives as soon as that is not nothing."""
    deadline = time.monotonic() + 30
    while not (count := found()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return count
