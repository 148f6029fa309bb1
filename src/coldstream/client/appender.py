"""Appenders: the writes of many tasks, or threads, collected into few transactions.

The queues are in :mod:`._pending` and the writing is the stores'; here is only who waits for whom.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from coldstream.client._entries import Entry, fail
from coldstream.client._pending import Batch, Options, Pending, Statistics
from coldstream.client.arguments import Idempotent, check_version, message_arguments
from coldstream.client.errors import ONE_LOOP
from coldstream.errors import AppenderClosed
from coldstream.messages.message import WriteResult


class _Answer(asyncio.Future[WriteResult]):
    """An answer whose caller, when cancelled, leaves its place in the queue at once."""

    def __init__(self, appender: AsyncAppender, entry: Entry) -> None:
        super().__init__()
        self._appender = appender
        self._entry = entry

    def cancel(self, msg: Any | None = None) -> bool:
        cancelled = super().cancel(msg)
        if cancelled:
            self._appender._withdraw(self._entry)
        return cancelled


class AsyncAppender(Statistics):
    """Collects the writes of concurrent tasks into transactions; made by ``AsyncStore.appender``.

    It belongs to one event loop. Use it as a context manager, or call ``aclose``.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Entry]], Awaitable[list[int]]],
        max_flushes: Callable[[], int],
        options: Options,
    ) -> None:
        super().__init__()
        self._write = write
        self._options = options
        self._pending = Pending(options, max_flushes, lambda entry: not entry.future.cancelled())
        # Fair, so what waits for room keeps the order of the calls.
        self._room = asyncio.Semaphore(options.max_pending)
        self._hurry = asyncio.Event()
        self._flushes: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    @property
    def pending(self) -> int:
        """Messages accepted that have no answer yet."""
        return self._pending.count

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Take no more messages, and wait until each that was accepted has its answer.

        Raises:
            AppenderClosed: it was used in another event loop.
        """
        self._check_loop()
        self._closed = True
        self._hurry.set()
        while self._flushes:
            await asyncio.wait(self._flushes)

    async def write_message(
        self,
        stream_name: str,
        type: str,
        data: Any = None,
        metadata: Any = None,
        id: UUID | str | None = None,
        expected_version: int | None = None,
        *,
        idempotent: Idempotent = False,
    ) -> WriteResult:
        """Write one message; returns when it is committed.

        As ``AsyncStore.write_message``, whose arguments and errors these are. Messages of a
        category are written in the order of the calls. Cancelled before its batch is taken, the
        message is withdrawn; after that, it is written all the same.

        Raises:
            AppenderClosed: nothing was written.
        """
        return await (
            await self.submit(
                stream_name, type, data, metadata, id, expected_version, idempotent=idempotent
            )
        )

    async def submit(
        self,
        stream_name: str,
        type: str,
        data: Any = None,
        metadata: Any = None,
        id: UUID | str | None = None,
        expected_version: int | None = None,
        *,
        idempotent: Idempotent = False,
    ) -> asyncio.Future[WriteResult]:
        """Hand over one message; returns when there is room for it. The future is its answer."""
        entry = _entry(stream_name, type, data, metadata, id, expected_version, idempotent)
        self._check_loop()
        self._check_open()
        await self._room.acquire()
        try:
            self._check_open()
        except AppenderClosed:
            self._room.release()
            raise
        future = entry.future = _Answer(self, entry)
        self._pending.add(entry)
        if self._pending.worth_a_flush:
            self._hurry.set()
        self._start_flushes()
        return future

    def _check_open(self) -> None:
        if self._closed:
            raise _closed()

    def _check_loop(self) -> None:
        # From another loop its answers would never be heard of.
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            raise AppenderClosed("The appender is used in another event loop", hint=ONE_LOOP)

    def _withdraw(self, entry: Entry) -> None:
        if not entry.taken:
            self._pending.withdraw(entry)
            self._room.release()

    def _start_flushes(self) -> None:
        while self._pending.start():
            flush = asyncio.get_running_loop().create_task(self._flush())
            self._flushes.add(flush)
            flush.add_done_callback(self._flushes.discard)

    async def _flush(self) -> None:
        batch: Batch | None = None
        try:
            if self._options.linger:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._options.linger):
                        while not (self._closed or self._pending.worth_a_flush):
                            self._hurry.clear()
                            await self._hurry.wait()
            batch = self._pending.take()
            if batch is not None:
                self._count(await self._write(batch.entries))
        except asyncio.CancelledError:
            # The loop is being shut down: nobody will flush what is left.
            self._closed = True
            for entry in self._pending.abandon():
                entry.future.cancel()
            raise
        except Exception as error:
            assert batch is not None
            _fail_unanswered(batch, error)
        finally:
            if batch is not None:
                self._pending.finish(batch)
                for entry in batch.entries:
                    self._room.release()
                    _answer(entry)
            self._start_flushes()


class Appender(Statistics):
    """Collects the writes of many threads into transactions; made by ``Store.appender``.

    Share it between threads. Use it as a context manager, or call ``close``.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Entry]], list[int]],
        max_flushes: Callable[[], int],
        options: Options,
    ) -> None:
        super().__init__()
        self._write = write
        self._options = options
        self._pending = Pending(
            options, max_flushes, lambda entry: bool(entry.future.set_running_or_notify_cancel())
        )
        self._lock = threading.Lock()
        self._room = threading.Condition(self._lock)
        self._hurry = threading.Condition(self._lock)
        self._idle = threading.Condition(self._lock)
        self._threads = ThreadPoolExecutor(options.max_flushes, "coldstream-appender")
        self._closed = False

    @property
    def pending(self) -> int:
        """Messages accepted that have no answer yet."""
        return self._pending.count

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Take no more messages, and wait until each that was accepted has its answer."""
        with self._lock:
            self._closed = True
            self._room.notify_all()
            self._hurry.notify_all()
            self._idle.wait_for(lambda: self._pending.count == 0)
        self._threads.shutdown()

    def write_message(
        self,
        stream_name: str,
        type: str,
        data: Any = None,
        metadata: Any = None,
        id: UUID | str | None = None,
        expected_version: int | None = None,
        *,
        idempotent: Idempotent = False,
    ) -> WriteResult:
        """Write one message; returns when it is committed.

        As ``Store.write_message``, whose arguments and errors these are. Messages of a category
        are written in the order of the calls.

        Raises:
            AppenderClosed: nothing was written.
        """
        future = self.submit(
            stream_name, type, data, metadata, id, expected_version, idempotent=idempotent
        )
        try:
            return future.result()
        except KeyboardInterrupt:
            future.cancel()
            raise

    def submit(
        self,
        stream_name: str,
        type: str,
        data: Any = None,
        metadata: Any = None,
        id: UUID | str | None = None,
        expected_version: int | None = None,
        *,
        idempotent: Idempotent = False,
    ) -> Future[WriteResult]:
        """Hand over one message; returns when there is room for it. The future is its answer.

        Cancelling the future withdraws a message whose batch was not taken yet.
        """
        entry = _entry(stream_name, type, data, metadata, id, expected_version, idempotent)
        future: Future[WriteResult] = Future()
        entry.future = future
        with self._lock:
            self._check_open()
            self._room.wait_for(lambda: self._closed or not self._pending.full)
            self._check_open()
            self._pending.add(entry)
            if self._pending.worth_a_flush:
                self._hurry.notify_all()
            self._start_flushes()
        future.add_done_callback(lambda _: self._withdraw(entry) if future.cancelled() else None)
        return future

    def _check_open(self) -> None:
        if self._closed:
            raise _closed()

    def _withdraw(self, entry: Entry) -> None:
        with self._lock:
            self._pending.withdraw(entry)
            self._room.notify()
            self._idle.notify_all()

    def _start_flushes(self) -> None:
        while self._pending.start():
            self._threads.submit(self._flush)

    def _flush(self) -> None:
        with self._lock:
            if self._options.linger:
                self._hurry.wait_for(
                    lambda: self._closed or self._pending.worth_a_flush, self._options.linger
                )
            batch = self._pending.take()
            if batch is None:
                self._start_flushes()
                return
        written: list[int] = []
        try:
            written = self._write(batch.entries)
        except BaseException as error:
            # Whatever it was, it may not keep the callers waiting for ever.
            _fail_unanswered(batch, error)
        with self._lock:
            self._count(written)
            self._pending.finish(batch)
            self._start_flushes()
            self._room.notify(len(batch.entries))
        for entry in batch.entries:
            _answer(entry)
        with self._lock:
            self._idle.notify_all()


def _entry(
    stream_name: str,
    type: str,
    data: Any,
    metadata: Any,
    id: UUID | str | None,
    expected_version: int | None,
    idempotent: Idempotent,
) -> Entry:
    """What no server would take is refused here, before it meets other messages."""
    return Entry(
        message_arguments(id, stream_name, type, data, metadata),
        check_version(expected_version),
        idempotent,
        new_id=id is None,
    )


def _closed() -> AppenderClosed:
    return AppenderClosed(
        "The appender is closed: the message was not written",
        hint="Write inside the with block, or make another appender.",
    )


def _fail_unanswered(batch: Batch, error: BaseException) -> None:
    fail([entry for entry in batch.entries if entry.outcome is None], error)


def _answer(entry: Entry) -> None:
    future = entry.future
    if future.cancelled():
        return
    if isinstance(entry.outcome, WriteResult):
        future.set_result(entry.outcome)
    elif entry.outcome is None:
        future.cancel()
    else:
        future.set_exception(entry.outcome)
