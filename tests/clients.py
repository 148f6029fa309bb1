"""Both clients behind one face, so that a test body is written once.

Calls return what the sync client returns; iterators come out as lists.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import coldstream

CLIENTS = ["sync", "async"]


class SyncClient:
    def __init__(self, store: coldstream.Store) -> None:
        self.store = store

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            result = getattr(self.store, name)(*args, **kwargs)
            return list(result) if hasattr(result, "__next__") else result

        return call

    def take(self, count: int, name: str, *args: Any, **kwargs: Any) -> list[Any]:
        """The first few results of an iterator, which is left half-way."""
        messages = getattr(self.store, name)(*args, **kwargs)
        return [next(messages) for _ in range(count)]

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        with self.store.connection() as connection:
            return connection.execute(statement.encode()).fetchall()


class AsyncClient:
    def __init__(self, store: coldstream.AsyncStore, runner: asyncio.Runner) -> None:
        self.store = store
        self._run = runner.run

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            return self._run(_result(getattr(self.store, name)(*args, **kwargs)))

        return call

    def take(self, count: int, name: str, *args: Any, **kwargs: Any) -> list[Any]:
        async def take() -> list[Any]:
            messages = getattr(self.store, name)(*args, **kwargs)
            return [await anext(messages) for _ in range(count)]

        return self._run(take())

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        async def execute() -> list[tuple[Any, ...]]:
            async with self.store.connection() as connection:
                return await (await connection.execute(statement.encode())).fetchall()

        return self._run(execute())


async def _result(result: Any) -> Any:
    if hasattr(result, "__aiter__"):
        return [each async for each in result]
    return await result


Client = SyncClient | AsyncClient


@contextmanager
def opened(kind: str, dsn: str, **options: Any) -> Iterator[Client]:
    """A store, open, with one of the two clients."""
    if kind == "sync":
        with coldstream.connect(dsn, **options) as store:
            yield SyncClient(store)
        return
    with asyncio.Runner() as runner:
        opened = coldstream.connect_async(dsn, **options)
        runner.run(opened.open())
        try:
            yield AsyncClient(opened, runner)
        finally:
            runner.run(opened.close())
