"""Both kinds of consumer behind one face, so that a test body is written once.

A handler is a plain function here. What it does over the context's connection it returns: nothing
for the sync consumer, and for the async one what has to be awaited, which the consumer does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import coldstream
from coldstream import Handlers, Message


class SyncConsuming:
    def __init__(self, store: coldstream.Store) -> None:
        self.store = store

    def consumer(self, *arguments: Any, **options: Any) -> coldstream.Consumer:
        return coldstream.Consumer(self.store, *arguments, **options)

    def run(self, consumer: Any) -> int:
        return int(consumer.run(live=False))

    def run_live(self, consumer: Any) -> int:
        return int(consumer.run(handle_signals=False))

    def execute(self, context: Any, statement: str, arguments: Any) -> Any:
        context.connection().execute(statement.encode(), arguments)

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows of a statement, over the store's own connection: the embedded server has one."""
        with self.store.connection() as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def call(self, name: str, *arguments: Any, **options: Any) -> Any:
        return getattr(self.store, name)(*arguments, **options)

    def consumers(self, name: str, *arguments: Any) -> Any:
        return getattr(self.store.consumers, name)(*arguments)


class AsyncConsuming:
    def __init__(self, store: coldstream.AsyncStore, runner: asyncio.Runner) -> None:
        self.store = store
        self._run = runner.run

    def consumer(self, *arguments: Any, **options: Any) -> coldstream.AsyncConsumer:
        return coldstream.AsyncConsumer(self.store, *arguments, **options)

    def run(self, consumer: Any) -> int:
        return int(self._run(consumer.run(live=False)))

    def run_live(self, consumer: Any) -> int:
        return int(self._run(consumer.run(handle_signals=False)))

    async def execute(self, context: Any, statement: str, arguments: Any) -> None:
        await (await context.connection()).execute(statement.encode(), arguments)

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        async def query() -> list[tuple[Any, ...]]:
            async with self.store.connection() as connection:
                cursor = await connection.execute(statement.encode())
                return await cursor.fetchall() if cursor.description else []

        return self._run(query())

    def call(self, name: str, *arguments: Any, **options: Any) -> Any:
        return self._run(getattr(self.store, name)(*arguments, **options))

    def consumers(self, name: str, *arguments: Any) -> Any:
        return self._run(getattr(self.store.consumers, name)(*arguments))


Consuming = SyncConsuming | AsyncConsuming


@contextmanager
def consuming(kind: str, dsn: str, **options: Any) -> Iterator[Consuming]:
    """A store, open, for consumers of one kind."""
    if kind == "sync":
        with coldstream.connect(dsn, **options) as store:
            yield SyncConsuming(store)
        return
    with asyncio.Runner() as runner:
        opened = coldstream.connect_async(dsn, **options)
        runner.run(opened.open())
        try:
            yield AsyncConsuming(opened, runner)
        finally:
            runner.run(opened.close())


class Seen(Handlers):
    """Handlers that keep the messages they get."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[Message] = []

        @self.default_handler
        def keep(message: Message) -> None:
            self.messages.append(message)

    @property
    def positions(self) -> list[int]:
        return [message.global_position for message in self.messages]
