"""When a consumer looks for messages again: woken by the process's watcher, by NOTIFY, or the
clock."""

from __future__ import annotations

import time
from collections.abc import Callable

from coldstream.client._async.client import AsyncClient
from coldstream.client._async.statements import connections_of
from coldstream.client.concurrency import in_thread, sleep
from coldstream.consumers._async.listener import AsyncListener
from coldstream.consumers.options import Options
from coldstream.consumers.wakers import AsyncWaker
from coldstream.consumers.watcher import Subscription, subscribe

# Seconds between looks of one that is watched for. Whatever the watcher may miss, it is not missed
# for longer.
_WATCHED = 30.0

# A look that found nothing, though it was woken, is followed by none for so many times as long as
# it took: a group's member is woken by the messages of every other. Seconds at most.
_VAIN, _VAIN_MOST = 9, 0.05


class AsyncWakeups:
    """The waits of a consumer between its looks."""

    def __init__(self, store: AsyncClient, options: Options, stopped: Callable[[], bool]) -> None:
        self._store = store
        self._options = options
        self._stopped = stopped
        self._waker = AsyncWaker()
        self._subscription: Subscription | None = None
        self._listener: AsyncListener | None = None
        self._interval = options.min_interval
        self._looked_at = 0.0
        self._was_woken = False

    def wake(self) -> None:
        """End the wait; or the next one, before it begins. From any thread, and from a signal
        handler."""
        self._waker.wake()

    async def begin(self) -> None:
        """Be woken from now on, where that can be had."""
        options, connections = self._options, connections_of(self._store)
        if await self._notifies():
            self._listener = AsyncListener(self._store, options.source, self._stopped)
            await self._listener.listen()
        # A server of one connection has none left to watch over.
        elif options.watch is not False and not connections.takes_one:
            self._subscription = subscribe(
                connections.dsn,
                self._store.schema,
                connections.timeout,
                options.source.category,
                self._waker.wake,
            )

    def look(self) -> None:
        """Say that a look begins: what comes from now on is another reason to look."""
        self._waker.clear()
        self._looked_at = time.monotonic()

    def found(self) -> None:
        """Say that it found something."""
        self._interval = self._options.min_interval
        self._was_woken = False

    async def wait(self, *, has_work: bool) -> None:
        """Wait until there is a reason to look again, after a look that found nothing; soon after
        the consumer is to stop. ``has_work``: whether there is anything it may look for."""
        if self._was_woken:
            took = time.monotonic() - self._looked_at
            await sleep(min(took * _VAIN, _VAIN_MOST))
        if self._listener is not None:
            self._was_woken = await self._listener.wait(self._interval)
        else:
            seconds = self._interval
            if has_work and self._subscription is not None and self._subscription.is_watched:
                seconds = max(_WATCHED, self._options.max_interval)
            self._was_woken = await self._waker.wait(seconds)
        if self._was_woken:
            self._interval = self._options.min_interval
        else:
            self._interval = min(self._interval * 2, self._options.max_interval)

    async def close(self) -> None:
        if self._listener is not None:
            await self._listener.close()
        if self._subscription is not None:
            subscription, self._subscription = self._subscription, None
            await in_thread(subscription.close)

    async def _notifies(self) -> bool:
        notify = self._options.notify
        # The only connection there is is the pool's.
        if notify is False or self._store.max_size == 1:
            return False
        return notify or bool((await connections_of(self._store).rows("notifies"))[0][0])
