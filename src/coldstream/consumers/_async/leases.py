"""Positions in the database: who handles the messages of which member, and from where on.

A process renews its leases in the background. What it may handle is what the last answer said,
until the lease's deadline; whoever records a position names the lease's token, so that a process
that was thought dead cannot commit what another has begun to handle.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from coldstream.client._async.client import AsyncClient
from coldstream.client._async.statements import connections_of, rows_over
from coldstream.client.concurrency import AsyncLock, AsyncRepeated, in_thread
from coldstream.consumers.keeper import Keeper, Rows
from coldstream.consumers.lease import Lease, LeaseLost
from coldstream.consumers.options import Options
from coldstream.errors import ColdstreamError, Unavailable

_log = logging.getLogger("coldstream.consumers")

# How often a lease is renewed before it would end: one lost answer is no hand-over.
_RENEWALS = 3


class AsyncLeases:
    """The members of a consumer that this process may handle messages of. ``changed`` is called, by
    any thread, when these are others than before."""

    def __init__(self, store: AsyncClient, options: Options, changed: Callable[[], None]) -> None:
        assert options.name is not None
        self._store = store
        self._options = options
        self._changed = changed
        self._name = options.name
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
        # Never changed, only replaced: the keeper's thread does that while others look at it.
        self._granted: dict[int, Lease] = {}
        self._keeper: Keeper | None = None
        # Where the server takes one connection and no more, it is the store's that asks. One
        # question at a time, as by the keeper: an older answer must not come after a newer one.
        self._asking = AsyncLock()
        self._renewals: AsyncRepeated | None = None
        self._error: ColdstreamError | None = None

    async def join(self) -> None:
        """Make the consumer known and ask for leases, now and from now on.

        Raises:
            ConsumerError: it is known as something else, or is at no position there can be.
        """
        options, connections = self._options, connections_of(self._store)
        start = {"start": 0, "end": None}.get(str(options.start), options.start)
        arguments = [self._name, options.source.name or "", options.group_size, start]
        await connections.rows("join_consumer", arguments)
        interval = options.lease / _RENEWALS
        if not connections.takes_one:
            dsn, schema, timeout = connections.dsn, connections.schema, connections.timeout
            self._keeper = Keeper(dsn, schema, timeout, self._renew_in_background, interval)
        await self._renew()
        if self._keeper is None:
            self._renewals = AsyncRepeated(self._renew_over_the_one, interval)

    async def leases(self) -> list[Lease]:
        """What may be handled now.

        Raises:
            ConsumerError: the consumer was deleted, or is at no position there can be.
        """
        if self._error is not None:
            raise self._error
        if any(lease.deadline <= time.monotonic() for lease in self._granted.values()):
            # Nobody need have taken them over.
            await self._renew()
        now = time.monotonic()
        return [lease for lease in self._granted.values() if lease.deadline > now]

    async def hold(self, lease: Lease) -> None:
        """See to it that a member is still this process's; where it was silent for too long, by
        asking.

        Raises:
            LeaseLost: it is another's. Nothing of this one may be committed.
        """
        late = time.monotonic() - lease.deadline
        if late < 0:
            return
        await self._renew()
        held = self._granted.get(lease.member) is lease
        _log.warning(
            "Consumer %s, member %d, was silent for %.1f s, longer than its lease of %.1f s: %s. "
            "Make the lease longer than anything that keeps the whole process from running.",
            *(self._name, lease.member, late + self._options.lease, self._options.lease),
            "nobody has taken it over meanwhile"
            if held
            else "it has been taken over, and what was handled since is handled again",
        )
        if not held:
            raise LeaseLost

    async def record(
        self, lease: Lease, position: int, connection: AsyncConnection[TupleRow] | None = None
    ) -> None:
        """Record that everything before a position is handled; in the connection's transaction,
        where there is one.

        Raises:
            LeaseLost: it is another's to say. The transaction must be rolled back.
        """
        arguments = [self._name, lease.member, lease.token, lease.position, position]
        name = "record_consumer_position"
        if connection is None:
            rows = await connections_of(self._store).rows(name, arguments)
        else:
            rows = await rows_over(connection, self._store.schema, name, arguments)
        if not rows[0][0]:
            raise LeaseLost
        if connection is None:
            lease.position = position

    async def reload(self, lease: Lease) -> None:
        """Ask again whose a member is, and where it is: also after a commit whose answer was lost.
        Such a transaction holds the member's row, and the answer waits for it."""

        def reload(rows: Rows) -> None:
            self._forget(lease)
            self._renew_in_thread(rows)

        if self._keeper is not None:
            await in_thread(self._keeper.ask(reload).result)
            return
        async with self._asking:
            self._forget(lease)
            await self._ask()

    async def release(self, lease: Lease) -> None:
        """Give a member up, so that another process need not wait for the lease to end."""
        name, arguments = "release_consumer_lease", [self._name, lease.member, lease.token]

        def release(rows: Rows) -> None:
            self._forget(lease)
            rows(name, arguments)

        if self._keeper is not None:
            await in_thread(self._keeper.ask(release).result)
            return
        async with self._asking:
            self._forget(lease)
            await connections_of(self._store).rows(name, arguments)

    async def leave(self) -> None:
        """Give everything up. Where the database cannot be reached, leases end by themselves."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            await in_thread(keeper.close)
        if self._renewals is not None:
            await self._renewals.close()
            self._renewals = None
        self._granted = {}
        try:
            await connections_of(self._store).rows("leave_consumer", [self._name, self.owner])
        except Unavailable as error:
            _log.warning("Consumer %s could not say that it stops: %s", self._name, error)

    async def _renew(self) -> None:
        if self._keeper is not None:
            await in_thread(self._keeper.ask(self._renew_in_thread).result)
            return
        async with self._asking:
            await self._ask()

    async def _renew_over_the_one(self) -> None:
        try:
            await self._renew()
        except ColdstreamError as error:
            self._not_renewed(error)

    async def _ask(self) -> None:
        asked = time.monotonic()
        name, arguments = self._question()
        self._grant(asked, await connections_of(self._store).rows(name, arguments))

    def _renew_in_background(self, rows: Rows) -> None:
        try:
            self._renew_in_thread(rows)
        except ColdstreamError as error:
            self._not_renewed(error)

    def _renew_in_thread(self, rows: Rows) -> None:
        asked = time.monotonic()
        self._grant(asked, rows(*self._question()))

    def _question(self) -> tuple[str, list[Any]]:
        lease = timedelta(seconds=self._options.lease)
        return "renew_consumer_leases", [self._name, self.owner, lease, self._options.group_member]

    def _not_renewed(self, error: ColdstreamError) -> None:
        if isinstance(error, Unavailable):
            _log.warning("Consumer %s could not renew its leases: %s", self._name, error)
        else:
            self._error = error
            self._changed()

    def _grant(self, asked: float, rows: Sequence[Sequence[Any]]) -> None:
        granted: dict[int, Lease] = {}
        has_changed = len(rows) != len(self._granted)
        for member, size, position, token, keep in rows:
            lease = self._granted.get(member)
            if lease is None or lease.token != token:
                lease = Lease(member, size, position, token)
                has_changed = True
            lease.deadline = asked + self._options.lease
            has_changed = has_changed or lease.keep != keep
            lease.keep = keep
            granted[member] = lease
        self._granted = granted
        if has_changed:
            self._changed()

    def _forget(self, lease: Lease) -> None:
        self._granted = {m: held for m, held in self._granted.items() if m != lease.member}
