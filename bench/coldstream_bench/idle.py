"""Consumers that have nothing to do, while somebody else is measured."""

from __future__ import annotations

import asyncio
from threading import Event, Thread

from coldstream.consumers import AsyncConsumer
from coldstream.store import AsyncStore

# Seconds until consumers that do not run are a fault of the benchmark.
_PATIENCE = 60.0


class Idle:
    """Consumers of ``count`` categories that nobody writes to, in one thread. A context manager:
    all wait when its body begins, and stop with it."""

    def __init__(self, dsn: str, schema: str, count: int) -> None:
        self._dsn, self._schema, self._count = dsn, schema, count
        self._consumers: list[AsyncConsumer] = []
        self._wait = Event()
        self._error: BaseException | None = None
        self._thread = Thread(target=self._run, daemon=True)

    def __enter__(self) -> Idle:
        self._thread.start()
        if not self._wait.wait(_PATIENCE) or self._error is not None:
            raise AssertionError("consumers do not run") from self._error
        return self

    def __exit__(self, *error: object) -> None:
        for consumer in self._consumers:
            consumer.stop()
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._work())
        except BaseException as error:
            self._error = error
        self._wait.set()

    async def _work(self) -> None:
        async with AsyncStore(self._dsn, schema=self._schema) as store:
            for number in range(self._count):
                consumer = AsyncConsumer(store, f"idle{number}")
                consumer.default_handler(_nothing)
                self._consumers.append(consumer)
            running = [
                asyncio.create_task(each.run(handle_signals=False)) for each in self._consumers
            ]
            # Each has looked, and is watched for.
            await asyncio.sleep(2)
            self._wait.set()
            await asyncio.gather(*running)


async def _nothing(message: object) -> None:
    pass
