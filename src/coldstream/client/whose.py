"""Which server an error is of, which transaction the caller is in the middle of, and whether he
still waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar

import psycopg
from psycopg import AsyncConnection, Connection
from psycopg.adapt import AdaptersMap
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import Row

T = TypeVar("T")

# What of a DSN says which database it is; never the password.
_PLACE = ("host", "hostaddr", "port", "dbname", "service")


def server_of(dsn: str) -> str:
    """What names the database that a DSN leads to."""
    try:
        given = conninfo_to_dict(dsn)
    except psycopg.Error:
        return ""
    return " ".join(f"{key}={given[key]}" for key in _PLACE if given.get(key))


def mark(error: BaseException, server: str) -> None:
    """Note which server an error is of, unless somebody nearer to it has."""
    error.__dict__.setdefault("_server", server)


def is_of(error: BaseException | None, server: str) -> bool:
    """Whether an error, or the one behind it, was noted to be of a server."""
    while error is not None:
        if "_server" in error.__dict__:
            return bool(error.__dict__["_server"] == server)
        error = error.__cause__
    return False


_NobodyWaits: ContextVar[Callable[[], bool] | None] = ContextVar(
    "coldstream_nobody_waits", default=None
)
_CANCELLING = 5.0  # seconds at most


@contextmanager
def cancelled_when(nobody_waits: Callable[[], bool]) -> Iterator[None]:
    """Have statements cancelled, soon after nobody waits for them any more. They raise Unavailable
    then; for those that change nothing, or that may be undone."""
    token = _NobodyWaits.set(nobody_waits)
    try:
        yield
    finally:
        _NobodyWaits.reset(token)


def _watched(
    gen: Generator[Any, Any, T], nobody_waits: Callable[[], bool], cancel: Callable[[], object]
) -> Generator[Any, Any, T]:
    """The steps of a statement. psycopg takes the next one some times a second, though nothing has
    come: then it is cancelled, once."""
    cancelled = False
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if not ready and not cancelled and nobody_waits():
                cancelled = True
                cancel()
            wanted = gen.send(ready)
    except StopIteration as end:
        result: T = end.value
        return result


class AsyncOwnConnection(AsyncConnection[Row]):
    """A connection whose errors say which server they are of."""

    server = ""
    # Those of the caller, whom it is lent to.
    callers: AdaptersMap | None = None

    @property
    def adapters(self) -> AdaptersMap:
        return self.callers or super().adapters

    async def wait(self, gen: Generator[Any, Any, T], *arguments: Any, **options: Any) -> T:
        cancelling: asyncio.Task[None] | None = None

        def cancel() -> None:
            nonlocal cancelling
            cancelling = asyncio.create_task(self._cancel())

        if (nobody_waits := _NobodyWaits.get()) is not None:
            gen = _watched(gen, nobody_waits, cancel)
        try:
            return await super().wait(gen, *arguments, **options)
        except psycopg.Error as error:
            mark(error, self.server)
            raise
        finally:
            # Or it would meet the next statement.
            if cancelling is not None:
                await asyncio.wait([cancelling])

    async def _cancel(self) -> None:
        with suppress(psycopg.Error, OSError):
            await self.cancel_safe(timeout=_CANCELLING)


class OwnConnection(Connection[Row]):
    """The same."""

    server = ""
    callers: AdaptersMap | None = None

    @property
    def adapters(self) -> AdaptersMap:
        return self.callers or super().adapters

    def wait(self, gen: Generator[Any, Any, T], *arguments: Any, **options: Any) -> T:
        if (nobody_waits := _NobodyWaits.get()) is not None:
            gen = _watched(gen, nobody_waits, self._cancel)
        try:
            return super().wait(gen, *arguments, **options)
        except psycopg.Error as error:
            mark(error, self.server)
            raise

    def _cancel(self) -> None:
        with suppress(psycopg.Error, OSError):
            self.cancel_safe(timeout=_CANCELLING)


class AsyncOpenUnit(Protocol):
    """The transaction of a handler that is under way. Statements over another connection that would
    wait for it would wait for ever."""

    async def check(self, connections: Any, name: str | None, arguments: Any = ()) -> None: ...


class OpenUnit(Protocol):
    """The same."""

    def check(self, connections: Any, name: str | None, arguments: Any = ()) -> None: ...


AsyncUnitInHand: ContextVar[AsyncOpenUnit | None] = ContextVar(
    "coldstream_async_unit", default=None
)
UnitInHand: ContextVar[OpenUnit | None] = ContextVar("coldstream_unit", default=None)
