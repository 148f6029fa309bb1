"""What the async and the generated sync client do differently."""

from __future__ import annotations

import asyncio
import inspect
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from threading import Thread
from typing import Any, Generic, ParamSpec, TypeVar

from coldstream._forks import after_fork

P = ParamSpec("P")
T = TypeVar("T")


# Not asyncio's own, which has few threads on a small machine: reads that wait for their share of
# the archive's budget would hold them all, and what else the program runs there would wait.
class _Threads:
    """A child process has none of its parent's: it makes its own."""

    def __init__(self) -> None:
        self.forked()
        after_fork(self)

    def forked(self) -> None:
        self.executor = ThreadPoolExecutor(64, "coldstream")


_THREADS = _Threads()


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking function without blocking the event loop."""
    call = partial(copy_context().run, function, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_THREADS.executor, call)


def in_thread_sync(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking function."""
    return function(*args, **kwargs)


sleep = asyncio.sleep
sleep_sync = time.sleep

current_loop = asyncio.get_running_loop


def current_loop_sync() -> Any:
    """There is none: a sync store is any thread's."""
    return None


AsyncLock = asyncio.Lock
Lock = threading.Lock


class AsyncAhead(Generic[T]):
    """A call that is under way while its caller does something else. Ask for the result, or drop
    it: then it is over, and what it raised is dropped too."""

    def __init__(self, function: Callable[..., Coroutine[Any, Any, T]], *args: Any) -> None:
        self._task = asyncio.create_task(function(*args))

    async def result(self) -> T:
        return await self._task

    async def drop(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.exception()


class Ahead(Generic[T]):
    """The same in a thread. A call in a thread cannot be called off: dropping it waits."""

    def __init__(self, function: Callable[..., T], *args: Any) -> None:
        self._future: Future[T] = Future()
        run = copy_context().run
        self._thread = Thread(target=run, args=(self._run, function, args), daemon=True)
        self._thread.start()

    def _run(self, function: Callable[..., T], args: tuple[Any, ...]) -> None:
        try:
            self._future.set_result(function(*args))
        except BaseException as error:
            self._future.set_exception(error)

    def result(self) -> T:
        return self._future.result()

    def drop(self) -> None:
        self._thread.join()


async def settled(value: Any) -> Any:
    """What a function gave that may have been an async one."""
    return await value if inspect.isawaitable(value) else value


def settled_sync(value: Any) -> Any:
    """What a function gave. An async one has done nothing yet, and nobody would wait for it."""
    if inspect.iscoroutine(value):
        value.close()
        raise TypeError(f"An async function needs the async store: {value.__qualname__}")
    return value


class AsyncRepeated:
    """A call that is made again and again in the background until it is closed, or fails.
    ``hurry`` has it made at once."""

    def __init__(self, function: Callable[[], Awaitable[None]], interval: float) -> None:
        self._function = function
        self._interval = interval
        self._closed = False
        self._wanted = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        # Not by being cancelled alone: before Python 3.12 wait_for, which the pool waits with, may
        # lose that, and who closes would wait for ever.
        while not self._closed:
            try:
                async with asyncio.timeout(self._interval):
                    await self._wanted.wait()
            except TimeoutError:
                pass
            self._wanted.clear()
            await self._function()

    def hurry(self) -> None:
        self._wanted.set()

    async def close(self) -> None:
        self._closed = True
        self._task.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.exception()


class Repeated:
    """The same in a thread. Closing waits for the call that is under way."""

    def __init__(self, function: Callable[[], None], interval: float) -> None:
        self._function = function
        self._interval = interval
        self._closed = False
        self._wanted = threading.Event()
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            self._wanted.wait(self._interval)
            self._wanted.clear()
            if self._closed:
                return
            self._function()

    def hurry(self) -> None:
        self._wanted.set()

    def close(self) -> None:
        self._closed = True
        self._wanted.set()
        self._thread.join()


_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def called_on_signals(call: Callable[[], None]) -> Iterator[None]:
    """Have SIGTERM and SIGINT make a call instead of ending the process, where that can be had: in
    the main thread."""
    loop = asyncio.get_running_loop()
    taken = []
    for number in _SIGNALS:
        try:
            loop.add_signal_handler(number, call)
        except (NotImplementedError, RuntimeError, ValueError):
            break
        taken.append(number)
    try:
        yield
    finally:
        for number in taken:
            loop.remove_signal_handler(number)


@contextmanager
def called_on_signals_sync(call: Callable[[], None]) -> Iterator[None]:
    """The same. ``call`` runs between any two steps of the main thread, and may take no lock."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, lambda *_: call()) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
