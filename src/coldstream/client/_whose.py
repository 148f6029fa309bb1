"""Which server an error is of, and which transaction the caller is in the middle of."""

from __future__ import annotations

from collections.abc import Generator
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar

import psycopg
from psycopg import AsyncConnection, Connection
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


class AsyncOwnConnection(AsyncConnection[Row]):
    """A connection whose errors say which server they are of."""

    server = ""

    async def wait(self, gen: Generator[Any, Any, T], *arguments: Any, **options: Any) -> T:
        try:
            return await super().wait(gen, *arguments, **options)
        except psycopg.Error as error:
            mark(error, self.server)
            raise


class OwnConnection(Connection[Row]):
    """The same."""

    server = ""

    def wait(self, gen: Generator[Any, Any, T], *arguments: Any, **options: Any) -> T:
        try:
            return super().wait(gen, *arguments, **options)
        except psycopg.Error as error:
            mark(error, self.server)
            raise


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
