"""How a program with types uses the library. It is not run: mypy (``make lint``) checks it.

Each ``type: ignore`` is a mistake that a type checker must find. Where it no longer does, mypy says
that the comment is of no use, and the check fails.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, assert_type

import coldstream
from coldstream import AsyncContext, Context


@dataclass
class Deposited:
    amount: int


@dataclass
class Withdrawn:
    amount: int


@dataclass
class Account:
    balance: int = 0


handlers = coldstream.Handlers()


@handlers.handler("Opened")
def opened(data: dict[str, Any], context: Context) -> None: ...


@handlers.handler(Deposited)
def deposited(event: Deposited, context: Context) -> None: ...


@handlers.handler
def withdrawn(event: Withdrawn) -> None: ...


@handlers.handler(Deposited, Withdrawn)
def either(event: Deposited | Withdrawn) -> None: ...


@handlers.handler(Deposited)
def whole(message: coldstream.Message) -> None: ...


assert_type(deposited, Callable[[Deposited, Context], None])
withdrawn(Withdrawn(4))
withdrawn("4")  # type: ignore[arg-type]


@handlers.handler(Deposited)  # type: ignore[arg-type]
def of_another_type(event: Withdrawn) -> None: ...


@handlers.handler(Deposited)  # type: ignore[arg-type]
def without_a_parameter() -> None: ...


handlers.handler(1)  # type: ignore[call-overload]


def sync_use(dsn: str) -> None:
    with coldstream.connect(dsn) as store:
        consumer = coldstream.Consumer(store, "account", name="balances")

        @consumer.handler(Deposited)
        def handle(event: Deposited, context: Context) -> None:
            context.connection().execute("SELECT 1")

        consumer.run(live=False)
        for message in store.get_stream_messages("account-1"):
            assert_type(message.data_as(Deposited), Deposited)
        entity = store.fetch("account-1", coldstream.Projection(Account))
        assert_type(entity.state, Account)


async def async_use(dsn: str) -> None:
    async with coldstream.connect_async(dsn) as store:
        consumer = coldstream.AsyncConsumer(store, "account", name="balances")

        @consumer.handler(Deposited)
        async def handle(event: Deposited, context: AsyncContext) -> None: ...

        await consumer.run(live=False)


asyncio.run(async_use(""))
coldstream.conect("")  # type: ignore[attr-defined]
coldstream.Stroe  # type: ignore[attr-defined]  # noqa: B018
