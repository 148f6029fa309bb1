"""Batches of a file's messages into the store. While the server is at one, the next one is read,
and sent where there is a second connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from itertools import islice
from typing import Any, TypeAlias

from psycopg import Connection, IsolationLevel, Rollback

from coldstream.client._sync import Client
from coldstream.client._sync.statements import connections_of, rows_over
from coldstream.client.concurrency import Ahead
from coldstream.client.incoming import Incoming, correlation_category, fill_incoming
from coldstream.errors import ColdstreamError, Unavailable
from coldstream.messages.message import Message

BATCH = 50_000
"""Messages a transaction: each moves the heads of its streams once."""
_BATCH_BYTES = 32_000_000
"""Of JSON: a batch is in memory here."""

Numbered: TypeAlias = tuple[int, Message]
"""A message, and the number of its line or row."""

_Batch: TypeAlias = Sequence[Numbered]
_Lending: TypeAlias = AbstractContextManager[Connection[Any]]


class Bringing:
    """``keep``: global positions are the messages'. A transaction for each batch."""

    def __init__(
        self, store: Client, keep: bool, batch_size: int, progress: Callable[[int], object]
    ) -> None:
        self._pool = connections_of(store)
        self._schema = store.schema
        self._keep = keep
        self._batch_size = batch_size
        self._progress = progress

    def run(self, messages: Iterator[Numbered]) -> None:
        """
        Raises:
            ColdstreamError: what the server refused, with the number of its line.
        """
        done = 0
        at_work: _Sent | None = None
        following: _Sent | None = None
        self._progress(done)
        try:
            while True:
                batch = _batch(messages, self._batch_size)
                if batch and self._pool.max_size > 1:
                    # The locks are asked for when the batch before has committed, and not yet.
                    following = self._sent(batch)
                if at_work is not None:
                    before, at_work = at_work, None
                    self._settle(before, following, done)
                    done += len(before.batch)
                    self._progress(done)
                if not batch:
                    return
                at_work, following = following or self._sent(batch), None
                at_work.take()
        finally:
            for each in (following, at_work):
                if each is not None:
                    each.drop()

    def _sent(self, batch: _Batch) -> _Sent:
        return _Sent(self._pool.connection(), self._schema, batch, self._keep)

    def _settle(self, sent: _Sent, following: _Sent | None, done: int) -> None:
        try:
            sent.settle()
        except Unavailable:
            sent.drop()
            raise
        except ColdstreamError as error:
            # Their connections are wanted: there may be no other.
            sent.drop()
            if following is not None:
                following.drop()
            number = self._first_wrong(sent.batch)
            # It stays the error that it is, whatever that is made of.
            error.args = (f"Line {number}: {error}",)
            error.hint = (
                f"{error.hint or ''} The {done} messages of the batches before are in the store. "
                "Mend the file and import it again: what is there is left as it is."
            ).strip()
            raise

    def _first_wrong(self, batch: _Batch) -> int:
        """The number of the first message that is refused. Halves are tried and taken back."""
        low, high = 0, len(batch) - 1
        while low < high:
            middle = (low + high) // 2
            if self._is_refused(batch[: middle + 1]):
                high = middle
            else:
                low = middle + 1
        return batch[low][0]

    def _is_refused(self, batch: _Batch) -> bool:
        sent: _Sent | None = None
        try:
            sent = self._sent(batch)
            sent.take()
            sent.result()
        except Unavailable:
            raise
        except ColdstreamError:
            return True
        finally:
            if sent is not None:
                sent.drop()
        return False


class _Sent:
    """A batch in the session's table of a transaction that is open: it is settled, or dropped and
    nothing of it is left."""

    def __init__(self, connection: _Lending, schema: str, batch: _Batch, keep: bool) -> None:
        self.batch = batch
        self._schema = schema
        self._keep = keep
        self._taking: Ahead[Any] | None = None
        with ExitStack() as stack:
            self._connection = stack.enter_context(connection)
            # What is looked at under a lock must be what is there, whatever the database's default.
            self._connection.set_isolation_level(IsolationLevel.READ_COMMITTED)
            stack.callback(self._connection.set_isolation_level, None)
            stack.enter_context(self._connection.transaction())
            self._rows("make_incoming")
            fill_incoming(
                self._connection,
                schema,
                (
                    _row(message, message.global_position if keep else place)
                    for place, (_, message) in enumerate(batch, 1)
                ),
            )
            self._rows("normalise_incoming")
            self._stack = stack.pop_all()

    def take(self) -> None:
        """Have the server begin with it."""
        self._taking = Ahead(self._rows, "import_incoming", [self._keep])

    def result(self) -> None:
        """Wait for what the server says of it."""
        assert self._taking is not None
        self._taking.result()

    def settle(self) -> None:
        """Wait for it, and commit."""
        self.result()
        self._stack.close()

    def drop(self) -> None:
        if self._taking is not None:
            self._taking.drop()
        # A lost connection has left nothing either. What was settled, or dropped before, stays so.
        with suppress(Rollback, Unavailable), self._stack.pop_all():
            raise Rollback

    def _rows(self, name: str, arguments: Any = ()) -> list[Any]:
        return rows_over(self._connection, self._schema, name, arguments)


def _row(message: Message, global_position: int) -> Incoming:
    return (
        global_position,
        message.position,
        message.time,
        message.stream_name,
        message.type,
        message.data_text,
        message.metadata_text,
        message.id,
        correlation_category(message.metadata_text),
    )


def _batch(messages: Iterator[Numbered], most: int) -> list[Numbered]:
    batch: list[Numbered] = []
    size = 0
    for each in islice(messages, most):
        batch.append(each)
        size += len(each[1].data_text or "") + len(each[1].metadata_text or "")
        if size >= _BATCH_BYTES:
            break
    return batch
