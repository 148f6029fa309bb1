"""What the async and the generated sync client do differently."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from threading import Thread
from typing import Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


# Not asyncio's own, which has few threads on a small machine: reads that wait for their share of
# the archive's budget would hold them all, and what else the program runs there would wait.
_THREADS = ThreadPoolExecutor(64, "coldstream")


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking function without blocking the event loop."""
    call = partial(copy_context().run, function, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_THREADS, call)


def in_thread_sync(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking function."""
    return function(*args, **kwargs)


sleep = asyncio.sleep
sleep_sync = time.sleep


class AsyncAhead(Generic[T]):
    """A call that is under way while its caller does something else. Ask for the result, or drop
    it: then it is over, and what it raised is nobody's."""

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
        self._thread = Thread(target=self._run, args=(function, args), daemon=True)
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
