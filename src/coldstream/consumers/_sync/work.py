# Generated from src/coldstream/consumers/_async/work.py by `python tools/async_to_sync.py`.
# Do not edit: change the source and run the command (or `make generate`) again.

"""One member of a consumer at work: reads, handles, records.

A position is never recorded past a message that was not handled. What handlers do over the
context's connection is committed with it; after any failure the position to go on from is the one
that was recorded last.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import Protocol, cast

from psycopg import Connection
from psycopg.rows import TupleRow

from coldstream import tracing
from coldstream.client._sync.client import Client, Tiers
from coldstream.client._sync.retries import connection_lost
from coldstream.client._sync.statements import connections_of
from coldstream.client.concurrency import settled_sync
from coldstream.client.whose import UnitInHand, cancelled_when
from coldstream.consumers._sync.failures import Failures
from coldstream.consumers._sync.unit import Context, Unit
from coldstream.consumers.handlers import Handlers
from coldstream.consumers.lease import Lease, LeaseLost
from coldstream.consumers.options import Options
from coldstream.errors import Archived, ArchiveUnavailable, PayloadMismatch, Unavailable
from coldstream.messages.message import Message

# Seconds without asking where a category ends, after a look that found nothing.
_ASK_END = 1.0


class Members(Protocol):
    """Who may handle what, and where it is kept: leases in the database, or one member alone."""

    def join(self) -> None: ...

    def leases(self) -> list[Lease]: ...

    def hold(self, lease: Lease) -> None: ...

    def record(
        self, lease: Lease, position: int, connection: Connection[TupleRow] | None = None
    ) -> None: ...

    def reload(self, lease: Lease) -> None: ...

    def release(self, lease: Lease) -> None: ...

    def leave(self) -> None: ...


class Work:
    """The messages that fall to one member, from its position on."""

    def __init__(
        self,
        store: Client,
        options: Options,
        handlers: Handlers,
        members: Members,
        lease: Lease,
        tiers: Tiers,
        stopped: Callable[[], bool],
        left: Callable[[], bool],
        *,
        patient: bool,
    ) -> None:
        self.lease = lease
        # Where the next message is read; of a stream a position, otherwise a global position.
        self.position = lease.position
        self._store = store
        self._options = options
        self._handlers = handlers
        self._members = members
        self._tiers = tiers
        self._stopped = stopped
        self._left = left
        self._unit = Unit(store)
        self._failures = Failures(store, options, stopped, patient=patient)
        self._messages: Generator[Message] | None = None
        self._unrecorded = 0
        self._ask_end_at = 0.0

    def turn(self) -> int:
        """Go past the next messages, a batch of them at most. Returns how many there were; none:
        that is the end, for now.

        Raises:
            HandlerFailed: a handler failed for good; what came before it is recorded.
            LeaseLost: another process has the member.
            Unavailable: the server cannot be reached; nothing is known to be lost.
        """
        try:
            try:
                with cancelled_when(self._left):
                    end = self._end_of_category()
                    batch = self._read()
            except Unavailable:
                if not self._left():
                    raise
                # A read that was called off, or failed as it was: nothing of it is handled.
                self.close()
                return 0
            if not batch and end >= self.position:
                self.position = end + 1
                self._unrecorded += 1
                self._ask_end_at = time.monotonic() + _ASK_END
            handled = self._handle(batch)
            if handled < len(batch):
                # What was read and not handled has to be read again.
                self.close()
            if self._unrecorded >= self._options.position_update_interval:
                self.record()
        except BaseException:
            self._unit.rollback()
            self.close()
            # Where the next turn begins, should there be one.
            self.position = self.lease.position
            self._unrecorded = 0
            raise
        return handled

    def record(self) -> None:
        """Record what was handled, where that was not done with it."""
        if self.position != self.lease.position:
            self._members.record(self.lease, self.position)
        self._unrecorded = 0

    def close(self) -> None:
        """Read no further."""
        messages, self._messages = self._messages, None
        if messages is not None:
            messages.close()

    def _end_of_category(self) -> int:
        """The last position that the next read will have gone past, should it find nothing; -1
        where that is of no use. A member that gets few messages of a large category would look
        through all the others' at every look."""
        options = self._options
        filtered = self.lease.size > 1 or options.correlation is not None
        if not filtered or self._messages is not None or time.monotonic() < self._ask_end_at:
            return -1
        arguments = [options.source.name]
        rows = connections_of(self._store).rows("last_category_position", arguments)
        return int(rows[0][0])

    def _read(self) -> list[Message]:
        """The next messages, a batch at most: those of the read that is under way, or of a new
        one. It is never left waiting for messages that are not written yet."""
        batch: list[Message] = []
        if self._messages is None:
            self._messages = self._open()
        try:
            for message in self._messages:
                batch.append(message)
                if len(batch) >= self._options.batch_size:
                    return batch
        except (Archived, ArchiveUnavailable) as error:
            options = self._options
            raise type(error)(
                f"{options.name or 'The consumer'} is at {self.position} of {options.source}, "
                f"where history cannot be read: {error}",
                hint="Give the store its archive and the rights to read it, bring the range back "
                "with coldstream rehydrate, or reset the consumer to a later position.",
            ) from error
        self._messages = None
        return batch

    def _open(self) -> Generator[Message]:
        options, source = self._options, self._options.source
        if source.name is None:
            messages = self._store.get_all_messages(
                self.position, options.batch_size, tiers=self._tiers
            )
        elif source.is_stream:
            messages = self._store.get_stream_messages(
                source.name, self.position, options.batch_size, tiers=self._tiers
            )
        else:
            grouped = self.lease.size > 1
            messages = self._store.get_category_messages(
                source.name,
                self.position,
                options.batch_size,
                options.correlation,
                self.lease.member if grouped else None,
                self.lease.size if grouped else None,
                tiers=self._tiers,
            )
        return cast("Generator[Message]", messages)

    def _handle(self, batch: list[Message]) -> int:
        """Handle messages in order, until the consumer is to stop. Returns how many it went past.

        What a failure rolls back are the messages since the last commit. They are handled again,
        and each is committed alone until the one that failed is past: it alone is then at fault.
        """
        index = committed = alone = 0
        attempt = 1
        stopping = self._stopped()
        handling = False
        while index < len(batch) and not stopping:
            step = self._step(batch, index, single=index < alone)
            end = index + len(step)
            try:
                self._members.hold(self.lease)
                handling = True
                self._dispatch(step, attempt)
                handling = False
                stopping = self._stopped()
                if self._unit.is_open and (
                    end - committed >= self._options.transaction_size
                    or index < alone
                    or end == len(batch)
                    or stopping
                ):
                    self._commit(self._after(step[-1]))
            except LeaseLost:
                raise
            except Exception as error:
                self._unit.rollback()
                if self._failures.is_passing(error, of_handler=handling):
                    self._failures.wait(error)
                elif index > committed or len(step) > 1:
                    alone = end
                elif attempt < self._options.attempts and not isinstance(error, PayloadMismatch):
                    attempt += 1
                    self._failures.retry(step[-1], error, attempt)
                else:
                    self._give_up(step[-1], error, attempt)
                    committed = end
                    attempt = 1
                index = committed
                stopping = self._stopped()
                continue
            index = end
            attempt = 1
            if not self._unit.is_open:
                committed = index
        if index:
            self._failures.over()
            self.position = self._after(batch[index - 1])
            self._unrecorded += index
        return index

    def _step(self, batch: list[Message], index: int, *, single: bool) -> list[Message]:
        if self._handlers.batch is not None and not single:
            return batch[index:]
        return [batch[index]]

    def _dispatch(self, step: list[Message], attempt: int) -> None:
        message = step[-1]
        handler = self._handlers.batch or self._handlers.find(message.type)
        if handler is None:
            return
        payload = handler.decode(step if self._handlers.batch is not None else message)
        context = Context(
            self._store, self._unit, message, self._options.name, self.lease.member, attempt
        )
        arguments = (payload, context) if handler.with_context else (payload,)
        in_hand = UnitInHand.set(self._unit)
        try:
            with tracing.handler(self._options.name, step):
                settled_sync(handler.function(*arguments))
        finally:
            UnitInHand.reset(in_hand)

    def _commit(self, position: int) -> None:
        """Commit what handlers did, and that everything before a position is handled.

        Raises:
            LeaseLost: it was not committed, or nobody knows: the position in the database does.
        """
        self._members.record(self.lease, position, self._unit.connection())
        try:
            self._unit.commit()
        except Unavailable as error:
            if connection_lost(error):
                raise LeaseLost from error
            raise
        self.lease.position = position
        self._unrecorded = 0

    def _give_up(self, message: Message, error: Exception, attempts: int) -> None:
        """Go past a message that cannot be handled, as the consumer's policy says.

        Raises:
            HandlerFailed: it says to stop.
        """
        before = self._before(message)
        if before != self.lease.position:
            self._members.record(self.lease, before)
        self._failures.record(message, self.lease.member, error, attempts, self._unit)
        self._commit(self._after(message))

    def _after(self, message: Message) -> int:
        stream = self._options.source.is_stream
        return (message.position if stream else message.global_position) + 1

    def _before(self, message: Message) -> int:
        return self._after(message) - 1
