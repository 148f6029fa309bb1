"""Who waits for whom in an appender. The server is a function that answers when it is told to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from itertools import chain
from typing import Any

import pytest

from coldstream import Appender, AppenderClosed, AsyncAppender, InvalidInput, WriteResult
from coldstream.client._entries import Entry
from coldstream.client._pending import Options

Batches = list[list[str]]


def settle(entries: Sequence[Entry]) -> list[int]:
    for entry in entries:
        entry.outcome = WriteResult(entry.number, entry.number)
    return [len(entries)]


def names(entries: Sequence[Entry]) -> list[str]:
    return [entry.stream_name for entry in entries]


class Gate:
    """Writes that wait for :meth:`open`. ``batches``: the stream names of each, as they began."""

    def __init__(self) -> None:
        self.batches: Batches = []
        self._open = asyncio.Event()

    def open(self) -> None:
        self._open.set()

    async def write(self, entries: Sequence[Entry]) -> list[int]:
        self.batches.append(names(entries))
        await self._open.wait()
        return settle(entries)


def with_gate(
    test: Callable[[Gate, AsyncAppender], Any], *, max_flushes: int = 4, **options: Any
) -> None:
    async def run() -> None:
        gate = Gate()
        appender = AsyncAppender(gate.write, lambda: max_flushes, Options(**options))
        async with asyncio.timeout(30):
            await test(gate, appender)
            gate.open()
            await appender.aclose()
        assert appender.pending == 0

    asyncio.run(run())


async def turns(count: int = 20) -> None:
    """Let every task that can go on do so."""
    for _ in range(count):
        await asyncio.sleep(0)


def test_what_is_asked_for_during_a_flush_is_the_next_one() -> None:
    async def test(gate: Gate, appender: AsyncAppender) -> None:
        first = await appender.submit("a-1", "T")
        await turns()
        rest = [await appender.submit(f"a-{n}", "T") for n in (3, 2, 4)]
        await turns()
        # One flush a category: the others would only wait for its lock.
        assert gate.batches == [["a-1"]]
        gate.open()
        assert [await each for each in [first, *rest]] == [WriteResult(n, n) for n in (1, 2, 3, 4)]
        assert gate.batches == [["a-1"], ["a-3", "a-2", "a-4"]]
        assert (appender.batches, appender.messages, appender.mean_batch) == (2, 4, 2.0)

    with_gate(test)


def test_tasks_that_call_at_once_are_one_batch() -> None:
    async def test(gate: Gate, appender: AsyncAppender) -> None:
        gate.open()
        await asyncio.gather(*(appender.write_message(f"a-{n}", "T") for n in range(64)))
        assert gate.batches == [[f"a-{n}" for n in range(64)]]

    with_gate(test)


def test_categories_flush_at_the_same_time_up_to_a_limit() -> None:
    async def test(gate: Gate, appender: AsyncAppender) -> None:
        for category in "abc":
            await appender.submit(f"{category}-1", "T")
            await turns()
        assert gate.batches == [["a-1"], ["b-1"]]

    with_gate(test, max_flushes=2)


def test_more_categories_than_flushes_share_them() -> None:
    async def test(gate: Gate, appender: AsyncAppender) -> None:
        for stream in ("a-1", "b-1", "c-1", "a-2", "d-1", "e-1"):
            await appender.submit(stream, "T")
        await turns()
        assert gate.batches == [["a-1", "b-1", "c-1", "a-2"], ["d-1", "e-1"]]

    with_gate(test, max_flushes=2)


def test_a_batch_is_no_larger_than_it_may_be() -> None:
    async def test(gate: Gate, appender: AsyncAppender) -> None:
        gate.open()
        for number in range(7):
            await appender.submit(f"a-{number}", "T")
        await appender.aclose()
        assert [len(batch) for batch in gate.batches] == [3, 3, 1]
        assert list(chain(*gate.batches)) == [f"a-{n}" for n in range(7)]

    with_gate(test, max_batch_size=3)


def test_large_messages_go_in_small_batches() -> None:
    async def test(gate: Gate, appender: AsyncAppender) -> None:
        gate.open()
        for number in range(3):
            await appender.submit(f"a-{number}", "T", "x" * 5_000_000)
        await appender.aclose()
        assert gate.batches == [["a-0"], ["a-1"], ["a-2"]]

    with_gate(test)


def test_a_busy_category_does_not_keep_a_quiet_one_waiting() -> None:
    async def test(gate: Gate, appender: AsyncAppender) -> None:
        gate.open()
        for number in range(6):
            await appender.submit(f"busy-{number}", "T")
        await appender.submit("quiet-1", "T")
        await appender.aclose()
        assert ["quiet-1" in batch for batch in gate.batches] == [False, True, False, False]

    with_gate(test, max_flushes=1, max_batch_size=2)


def test_who_finds_it_full_waits_and_keeps_the_order() -> None:
    async def test(gate: Gate, appender: AsyncAppender) -> None:
        calls = [asyncio.ensure_future(appender.write_message(f"a-{n}", "T")) for n in range(5)]
        await turns()
        assert appender.pending == 2
        assert gate.batches == [["a-0", "a-1"]]
        gate.open()
        assert [r.position for r in await asyncio.gather(*calls)] == [1, 2, 3, 4, 5]
        assert list(chain(*gate.batches)) == [f"a-{n}" for n in range(5)]

    with_gate(test, max_pending=2)


def test_a_cancelled_call_is_withdrawn_before_its_batch_and_written_after() -> None:
    async def test(gate: Gate, appender: AsyncAppender) -> None:
        calls = []
        for number in range(5):
            call = asyncio.ensure_future(appender.write_message(f"a-{number}", "T"))
            calls.append(call)
            await turns()
        # The first is being written, three are queued, the last waits for room.
        assert (gate.batches, appender.pending) == ([["a-0"]], 4)
        for number in (0, 2, 4):
            calls[number].cancel()
        await turns()
        assert appender.pending == 3
        gate.open()
        found = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(each) for each in found] == [
            asyncio.CancelledError if n in (0, 2, 4) else WriteResult for n in range(5)
        ]
        assert gate.batches == [["a-0"], ["a-1", "a-3"]]

    with_gate(test, max_pending=4)


def test_a_withdrawn_message_makes_room() -> None:
    async def test(gate: Gate, appender: AsyncAppender) -> None:
        await appender.submit("a-1", "T")
        await turns()
        queued = await appender.submit("a-2", "T")
        waiting = asyncio.ensure_future(appender.submit("a-3", "T"))
        await turns()
        assert not waiting.done()
        queued.cancel()
        await turns()
        assert waiting.done()

    with_gate(test, max_pending=2)


def test_a_batch_of_nothing_but_withdrawn_messages_is_not_written() -> None:
    async def test(gate: Gate, appender: AsyncAppender) -> None:
        await appender.submit("a-1", "T")
        await turns()
        (await appender.submit("a-2", "T")).cancel()
        gate.open()
        await turns()
        assert gate.batches == [["a-1"]]
        assert await appender.write_message("a-3", "T") == WriteResult(3, 3)

    with_gate(test)


def test_closing_waits_for_what_was_accepted_and_takes_no_more() -> None:
    async def test(gate: Gate, appender: AsyncAppender) -> None:
        accepted = [await appender.submit(f"a-{n}", "T") for n in range(2)]
        without_room = asyncio.ensure_future(appender.write_message("a-2", "T"))
        await turns()
        closing = asyncio.ensure_future(appender.aclose())
        await turns()
        assert not closing.done()
        with pytest.raises(AppenderClosed):
            await appender.write_message("a-3", "T")
        gate.open()
        await closing
        assert all(each.done() for each in accepted)
        with pytest.raises(AppenderClosed) as caught:
            await without_room
        assert caught.value.hint is not None
        assert list(chain(*gate.batches)) == ["a-0", "a-1"]

    with_gate(test, max_pending=2)


def test_closing_does_not_wait_for_the_linger() -> None:
    async def test(gate: Gate, appender: AsyncAppender) -> None:
        gate.open()
        await appender.submit("a-1", "T")
        await turns()
        assert gate.batches == []
        await appender.aclose()
        assert gate.batches == [["a-1"]]

    with_gate(test, linger=60)


@pytest.mark.parametrize("options", [{"max_batch_size": 3}, {"max_pending": 3}])
def test_a_full_batch_does_not_wait_for_the_linger(options: dict[str, int]) -> None:
    async def test(gate: Gate, appender: AsyncAppender) -> None:
        gate.open()
        await asyncio.gather(*(appender.write_message(f"a-{n}", "T") for n in range(3)))
        assert gate.batches == [["a-0", "a-1", "a-2"]]

    with_gate(test, linger=60, **options)


def test_a_short_linger_ends() -> None:
    async def test(gate: Gate, appender: AsyncAppender) -> None:
        gate.open()
        await appender.write_message("a-1", "T")
        assert gate.batches == [["a-1"]]

    with_gate(test, linger=0.001)


def test_a_loop_that_is_shut_down_leaves_no_caller_waiting() -> None:
    found: list[object] = []

    async def call(appender: AsyncAppender, number: int) -> None:
        try:
            await appender.write_message(f"a-{number}", "T")
        except BaseException as error:
            found.append(type(error))
            raise

    async def run() -> None:
        appender = AsyncAppender(Gate().write, lambda: 1, Options())
        for number in range(3):
            asyncio.get_running_loop().create_task(call(appender, number))
            await turns()

    asyncio.run(run())
    assert found == [asyncio.CancelledError] * 3


async def broken(entries: Sequence[Entry]) -> list[int]:
    raise RuntimeError("broken")


def test_nobody_waits_for_a_write_that_broke() -> None:
    async def run() -> list[object]:
        async with AsyncAppender(broken, lambda: 1, Options()) as appender:
            return await asyncio.gather(
                *(appender.write_message(f"a-{n}", "T") for n in range(3)), return_exceptions=True
            )

    assert [repr(each) for each in asyncio.run(run())] == ["RuntimeError('broken')"] * 3


@pytest.mark.parametrize(
    "wrong",
    [{"max_batch_size": 0}, {"max_pending": 0}, {"max_flushes": 0}, {"linger": -1}],
    ids=str,
)
def test_options_that_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        Options(**wrong)


# The same in threads, as far as it is not the same code.


class ThreadGate:
    """As :class:`Gate`, for threads. ``began`` tells of each batch."""

    def __init__(self) -> None:
        self.batches: Batches = []
        self.began = threading.Semaphore(0)
        self._open = threading.Event()

    def open(self) -> None:
        self._open.set()

    def write(self, entries: Sequence[Entry]) -> list[int]:
        self.batches.append(names(entries))
        self.began.release()
        assert self._open.wait(30)
        return settle(entries)


def started(call: Callable[..., Any], *arguments: object) -> Future[Any]:
    """The call in a thread of its own."""
    future: Future[Any] = Future()

    def run() -> None:
        try:
            future.set_result(call(*arguments))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


def test_threads_share_a_batch() -> None:
    gate = ThreadGate()
    with Appender(gate.write, lambda: 4, Options()) as appender:
        first = appender.submit("a-0", "T")
        assert gate.began.acquire(timeout=30)
        calls = [started(appender.write_message, f"a-{n}", "T") for n in range(1, 9)]
        while appender.pending < 9:
            threading.Event().wait(0.001)
        gate.open()
        assert first.result(30) == WriteResult(1, 1)
        assert {each.result(30).position for each in calls} == set(range(2, 10))
        assert [len(batch) for batch in gate.batches] == [1, 8]
        assert (appender.batches, appender.messages, appender.mean_batch) == (2, 9, 4.5)


def test_a_thread_that_finds_it_full_waits() -> None:
    gate = ThreadGate()
    with Appender(gate.write, lambda: 4, Options(max_pending=2)) as appender:
        appender.submit("a-1", "T")
        appender.submit("a-2", "T")
        third = started(appender.submit, "a-3", "T")
        with pytest.raises(TimeoutError):
            third.result(0.05)
        gate.open()
        third.result(30)
    assert list(chain(*gate.batches)) == ["a-1", "a-2", "a-3"]


def test_a_cancelled_future_is_withdrawn_unless_it_is_being_written() -> None:
    gate = ThreadGate()
    with Appender(gate.write, lambda: 4, Options()) as appender:
        first = appender.submit("a-1", "T")
        assert gate.began.acquire(timeout=30)
        second, third = appender.submit("a-2", "T"), appender.submit("a-3", "T")
        assert not first.cancel()
        assert second.cancel()
        assert appender.pending == 2
        gate.open()
        assert (first.result(30).position, third.result(30).position) == (1, 3)
        with pytest.raises(CancelledError):
            second.result()
    assert gate.batches == [["a-1"], ["a-3"]]


def test_closing_in_threads() -> None:
    gate = ThreadGate()
    appender = Appender(gate.write, lambda: 1, Options(max_pending=2))
    accepted = [appender.submit("a-1", "T"), appender.submit("b-1", "T")]
    without_room = started(appender.write_message, "a-2", "T")
    closing = started(appender.close)
    with pytest.raises(TimeoutError):
        closing.result(0.05)
    # It has no room or finds it closed, as it came before or after the closing.
    with pytest.raises(AppenderClosed):
        without_room.result(30)
    gate.open()
    closing.result(30)
    assert all(each.done() for each in accepted)
    with pytest.raises(AppenderClosed):
        appender.write_message("a-3", "T")
    appender.close()


def test_closing_threads_does_not_wait_for_the_linger() -> None:
    gate = ThreadGate()
    gate.open()
    with Appender(gate.write, lambda: 1, Options(linger=60)) as appender:
        future = appender.submit("a-1", "T")
        with pytest.raises(TimeoutError):
            future.result(0.05)
    assert future.done()


def test_a_full_batch_of_threads_does_not_wait_for_the_linger() -> None:
    gate = ThreadGate()
    gate.open()
    with Appender(gate.write, lambda: 1, Options(linger=60, max_batch_size=2)) as appender:
        futures = [appender.submit("a-1", "T"), appender.submit("a-2", "T")]
        assert [each.result(30).position for each in futures] == [1, 2]
    assert gate.batches == [["a-1", "a-2"]]


def test_no_thread_waits_for_a_write_that_broke() -> None:
    def broken(entries: Sequence[Entry]) -> list[int]:
        raise SystemError("broken")

    with (
        Appender(broken, lambda: 1, Options()) as appender,
        pytest.raises(SystemError, match="broken"),
    ):
        appender.write_message("a-1", "T")
