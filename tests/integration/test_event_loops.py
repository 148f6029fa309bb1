"""An async store belongs to the event loop that opened it, and says so elsewhere."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.consuming import Seen
from tests.fix_store import InstalledStore

import coldstream
from coldstream import AppenderClosed, AsyncConsumer, StoreClosed


def elsewhere(call: Callable[[], Awaitable[Any]]) -> BaseException | None:
    """What a call raises in another thread's event loop."""
    raised: list[BaseException] = []

    async def work() -> None:
        await call()

    def run() -> None:
        try:
            asyncio.run(work())
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(timeout=30)
    return raised[0] if raised else None


def test_another_loop_is_told_so(store_schema: InstalledStore) -> None:
    async def main() -> None:
        async with (
            coldstream.connect_async(store_schema.dsn) as store,
            store.appender() as appender,
        ):
            await appender.write_message("account-1", "T")
            calls: list[Callable[[], Awaitable[Any]]] = [
                lambda: store.stream_version("account-1"),
                lambda: store.write_message("account-1", "T"),
                lambda: anext(aiter(store.get_stream_messages("account-1"))),
                lambda: store.open(),
                lambda: store.close(),
                lambda: AsyncConsumer(store, "account", handlers=Seen()).run(live=False),
                lambda: appender.write_message("account-1", "T"),
                lambda: appender.aclose(),
            ]
            for call in calls:
                error = await asyncio.to_thread(elsewhere, call)
                assert isinstance(error, StoreClosed | AppenderClosed), error
                assert "in another event loop" in str(error)
                assert "asyncio.run" in (error.hint or "")
            # Here it is as it was.
            assert await store.stream_version("account-1") == 0
            assert (await appender.write_message("account-1", "T")).position == 1

    asyncio.run(main())


def test_the_loop_has_ended(store_schema: InstalledStore) -> None:
    store = coldstream.connect_async(store_schema.dsn)
    with asyncio.Runner() as runner:
        runner.run(store.open())
        # Two of them: the pool has its connection.
        runner.run(store.stream_version("account-1"))
        runner.run(asyncio.sleep(0.2))
    with asyncio.Runner() as runner:
        with pytest.raises(StoreClosed, match="in another event loop"):
            runner.run(store.stream_version("account-1"))
        runner.run(store.open())
        assert runner.run(store.stream_version("account-1")) is None
        runner.run(store.close())
        with pytest.raises(StoreClosed, match="not open"):
            runner.run(store.stream_version("account-1"))
