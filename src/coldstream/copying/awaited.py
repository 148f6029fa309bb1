"""A copy, awaited: every method runs in a thread."""

from __future__ import annotations

from collections.abc import Callable

from coldstream.client.concurrency import in_thread
from coldstream.copying.copy import Copy
from coldstream.copying.results import (
    Copied,
    CopyPlan,
    OnProgress,
    Switched,
    Verified,
    no_progress,
)


class AsyncCopy:
    """:class:`coldstream.Copy`, awaited: the same arguments, results and errors. ``progress`` and
    ``stop`` are called in another thread."""

    def __init__(
        self,
        source: str,
        dsn: str,
        *,
        schema: str = "message_store",
        source_schema: str = "message_store",
        clamp_times: bool = False,
        progress: OnProgress = no_progress,
    ) -> None:
        self._copy = Copy(
            source,
            dsn,
            schema=schema,
            source_schema=source_schema,
            clamp_times=clamp_times,
            progress=progress,
        )

    async def plan(self) -> CopyPlan:
        return await in_thread(self._copy.plan)

    async def run(self) -> Copied:
        return await in_thread(self._copy.run)

    async def status(self) -> Copied | None:
        return await in_thread(self._copy.status)

    async def verify(self) -> Verified:
        return await in_thread(self._copy.verify)

    async def follow(
        self, stop: Callable[[], bool] = lambda: False, *, pause: float = 0.2
    ) -> Copied:
        return await in_thread(self._copy.follow, stop, pause=pause)

    async def switch(self) -> Switched:
        return await in_thread(self._copy.switch)

    async def back(self, stop: Callable[[], bool] = lambda: False, *, pause: float = 0.2) -> None:
        await in_thread(self._copy.back, stop, pause=pause)

    async def switch_back(self) -> Switched:
        return await in_thread(self._copy.switch_back)

    async def open(self) -> Copied:
        return await in_thread(self._copy.open)
