"""How one that waits is woken, by any thread and from a signal handler."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from queue import Empty, SimpleQueue


class AsyncWaker:
    """Made in the event loop that waits. A wake-up lasts until it is cleared: one that comes before
    the wait ends the wait at once."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._woken = asyncio.Event()

    def wake(self) -> None:
        # Of a loop that has ended nobody waits.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._woken.set)

    def clear(self) -> None:
        self._woken.clear()

    async def wait(self, seconds: float) -> bool:
        """Wait so long at most. Whether it was woken."""
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return False
        return True


class Waker:
    """The same of a thread. A SimpleQueue, because a signal handler may put something into it while
    the thread that it interrupts is at work there; an Event would be locked for good."""

    def __init__(self) -> None:
        self._woken: SimpleQueue[None] = SimpleQueue()

    def wake(self) -> None:
        # Two at once may both find it empty: then there are two, and one is as good.
        if self._woken.empty():
            self._woken.put(None)

    def clear(self) -> None:
        with suppress(Empty):
            while True:
                self._woken.get_nowait()

    def wait(self, seconds: float) -> bool:
        """Wait so long at most. Whether it was woken."""
        try:
            self._woken.get(timeout=max(seconds, 0))
        except Empty:
            return False
        # It stays woken until it is cleared.
        self._woken.put(None)
        return True
