# Generated from src/coldstream/consumers/_async/unit.py by `python tools/async_to_sync.py`.
# Do not edit: change the source and run the command (or `make generate`) again.

"""What a handler does in the store's own database, and the position after it: one transaction."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from typing import Any
from uuid import UUID

from psycopg import Connection, Rollback
from psycopg.rows import TupleRow

from coldstream.client._calls import check_version, message_arguments, write_many_arguments
from coldstream.client._errors import mapped
from coldstream.client._sync.store import Store
from coldstream.message import Message, NewMessage, WriteResult
from coldstream.sql import query


class Unit:
    """A transaction that begins when a handler first asks for its connection.

    A handler that never asks costs none, and the position of its messages is recorded later, apart:
    then what it did elsewhere may be done again after a crash.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._stack: ExitStack | None = None
        self._connection: Connection[TupleRow] | None = None

    @property
    def is_open(self) -> bool:
        return self._stack is not None

    def connection(self) -> Connection[TupleRow]:
        if self._connection is None:
            stack = ExitStack()
            try:
                connection = stack.enter_context(self._store.connection())
                stack.enter_context(connection.transaction())
            except BaseException:
                stack.close()
                raise
            self._stack, self._connection = stack, connection
        return self._connection

    def commit(self) -> None:
        """Commit, where there is something to. Raises Unavailable where it is not known whether it
        was; then nothing may be concluded but from the position in the database."""
        stack, self._stack, self._connection = self._stack, None, None
        if stack is not None:
            stack.close()

    def rollback(self) -> None:
        """Undo. Never fails: where the connection is gone, so is the transaction."""
        stack, self._stack, self._connection = self._stack, None, None
        if stack is None:
            return
        error = Rollback()
        with suppress(Exception):
            stack.__exit__(Rollback, error, None)


class Context:
    """What a handler may ask for beside what the message says.

    ``message``: the message in hand; of a batch the last one. ``consumer``: the consumer's name.
    ``member``: the one of the group that the message falls to. ``attempt``: 1 the first time.
    """

    def __init__(
        self,
        store: Store,
        unit: Unit,
        message: Message,
        consumer: str | None,
        member: int,
        attempt: int,
    ) -> None:
        self.store = store
        self.message = message
        self.consumer = consumer
        self.member = member
        self.attempt = attempt
        self._unit = unit

    def connection(self) -> Connection[TupleRow]:
        """A connection in the transaction that the position is recorded in: what is done over it
        is done exactly once. It is committed after the handler, and rolled back when it fails."""
        return self._unit.connection()

    def write_message(
        self,
        stream_name: str,
        type: str,
        data: Any = None,
        metadata: Any = None,
        id: UUID | str | None = None,
        expected_version: int | None = None,
    ) -> WriteResult:
        """As :meth:`Store.write_message`, in that transaction: the message is there exactly
        once. It holds the lock of the stream's category until the transaction ends."""
        arguments = (
            *message_arguments(id, stream_name, type, data, metadata),
            check_version(expected_version),
        )
        rows = self._rows("write_message", arguments)
        return WriteResult(*rows[0])

    def write_messages(
        self, messages: list[NewMessage], expected_versions: dict[str, int] | None = None
    ) -> list[WriteResult]:
        """As :meth:`Store.write_messages`, in that transaction."""
        if not messages:
            return []
        arguments = write_many_arguments(messages, expected_versions)
        return [WriteResult(*row) for row in self._rows("write_messages", arguments)]

    def _rows(self, name: str, arguments: Any) -> list[TupleRow]:
        connection = self._unit.connection()
        statement = query(name, self.store.schema).encode()
        with mapped(self.store.schema):
            return (connection.execute(statement, arguments)).fetchall()
