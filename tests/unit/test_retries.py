"""A read goes on as long as somebody makes progress, and gives up where nobody does."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from psycopg import errors

from coldstream.again import Pauses
from coldstream.client._async import retries
from coldstream.errors import SetupError, Unavailable


class Cursor:
    def __init__(self, rows: list[tuple[Any, ...]]) -> None:
        self.rows = rows

    async def fetchall(self) -> list[tuple[Any, ...]]:
        return self.rows


class Server:
    """Fails a read with these errors, one after another, then answers. A range leaves before each
    ``every``-th failure."""

    def __init__(self, failures: list[type[Exception]], every: int | None) -> None:
        self.failures = failures
        self.every = every
        self.asked = 0
        self.row: list[tuple[int]] | None = None

    async def unread(self, name: str, arguments: Any = ()) -> Cursor:
        if name == "archive_epoch":
            epoch = self.asked // self.every if self.every else 0
            return Cursor([(epoch,)] if self.row is None else self.row)
        self.asked += 1
        if self.asked <= len(self.failures):
            raise Unavailable("no") from self.failures[self.asked - 1]()
        return Cursor([("here",)])

    async def rows(self, name: str) -> list[tuple[Any, ...]]:
        return (await self.unread(name)).rows

    async def fetch(self, cursor: Cursor) -> list[tuple[Any, ...]]:
        return cursor.rows

    def read(self) -> Any:
        return asyncio.run(retries.retried_rows(self, "anything"))  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "_PAUSES", Pauses(0.0, 0))


@pytest.mark.parametrize("error", [errors.SerializationFailure, errors.DeadlockDetected])
def test_ranges_that_leave_one_after_another(error: type[Exception]) -> None:
    server = Server([error] * 500, every=5)
    assert server.read() == [("here",)]
    assert server.asked == 501


def test_where_nothing_changes_it_ends() -> None:
    server = Server([errors.SerializationFailure] * 500, every=None)
    with pytest.raises(Unavailable):
        server.read()
    assert server.asked == 10


def test_a_lost_connection_is_tried_three_times() -> None:
    server = Server([errors.OperationalError] * 500, every=1)
    with pytest.raises(Unavailable):
        server.read()
    assert server.asked == 3
    assert Server([errors.OperationalError] * 2, every=1).read() == [("here",)]


def test_an_empty_table_store_is_said_so() -> None:
    server = Server([errors.SerializationFailure], every=1)
    server.row = []
    with pytest.raises(SetupError, match="table store"):
        server.read()
