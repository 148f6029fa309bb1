# Generated from src/coldstream/consumers/_async/unit.py by `python tools/async_to_sync.py`.
# Do not edit: change the source and run the command (or `make generate`) again.

"""What a handler does in the store's own database, and the position after it: one transaction."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection, Rollback
from psycopg.rows import TupleRow

from coldstream.client._sync.client import Client
from coldstream.client._sync.connections import Connections
from coldstream.client._sync.statements import connections_of, rows_over
from coldstream.client.adapters import OwnCursor
from coldstream.client.arguments import check_version, message_arguments, write_many_arguments
from coldstream.errors import ConsumerError
from coldstream.messages.message import Message, NewMessage, WriteResult
from coldstream.sql import query

# Statements that wait for whoever has the lock of a category: which argument names the streams.
_STREAMS_OF = {"write_message": 1, "write_messages": 1, "import_messages": 2}
# Those that wait for whoever has written at all.
_READS_EVERYTHING = ("frontier", "join_consumer", "position_at", "reset_consumer")
# And this, where its first argument names no category.
_PAGE = "category_page"


class Unit:
    """A transaction that begins when a handler first asks for its connection.

    A handler that never asks costs none, and the position of its messages is recorded later, apart:
    then what it did elsewhere may be done again after a crash.
    """

    def __init__(self, store: Client) -> None:
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

    def check(self, connections: Connections, name: str | None, arguments: Any = ()) -> None:
        """See to it that a statement of the handler over another connection does not wait for this
        transaction, which ends after the handler. ``name`` ``None``: any connection.

        Raises:
            ConsumerError: it would.
        """
        connection, own = self._connection, connections_of(self._store)
        if connection is None or connections.server != own.server:
            return
        if name is None:
            if connections is own and own.max_size == 1:
                raise ConsumerError(
                    "The handler's transaction has the only connection of the store",
                    hint="Use the context: connection, write_message and write_messages. Or open "
                    "the store with a larger max_size.",
                )
            return
        reads_everything = name in _READS_EVERYTHING or (name == _PAGE and arguments[0] is None)
        if connections.schema != own.schema or not (reads_everything or name in _STREAMS_OF):
            return
        streams = None if reads_everything else arguments[_STREAMS_OF[name]]
        if isinstance(streams, str) and name == "write_message":
            streams = [streams]
        try:
            cursor = OwnCursor(connection).execute(
                query("own_locks", own.schema).encode(), [streams]
            )
            [(stream, has_written)] = cursor.fetchall()
        except psycopg.Error:
            # The transaction has failed already, and what it locked is free.
            return
        if stream is not None:
            raise ConsumerError(
                f"The handler's transaction writes to the category of {stream}, and another write "
                "to it would wait for that to end",
                hint="Write with context.write_message or context.write_messages.",
            )
        if reads_everything and has_written:
            raise ConsumerError(
                "The handler's transaction has written, and a read of everything would wait for "
                "that to end",
                hint="Read before writing, or have a consumer of everything.",
            )

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
        store: Client,
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
        once.

        It holds the lock of the stream's category until the transaction ends, after the handler.
        What is done over another connection meanwhile must not wait for that: a write of the store
        to the same category, or a read of everything, is a ConsumerError. Not seen is what another
        thread or program does for the handler.
        """
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
        return rows_over(connection, self.store.schema, name, arguments)
