# Generated from src/coldstream/consumers/_async/leases.py by `python tools/async_to_sync.py`.
# Do not edit: change the source and run the command (or `make generate`) again.

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
from datetime import timedelta
from uuid import uuid4

from psycopg import Connection
from psycopg.rows import TupleRow

from coldstream.client._concurrency import Lock, Repeated
from coldstream.client._errors import mapped
from coldstream.client._sync.store import Store
from coldstream.consumers.lease import Lease, LeaseLost
from coldstream.consumers.options import Options
from coldstream.errors import ColdstreamError, Unavailable
from coldstream.sql import query

_log = logging.getLogger("coldstream.consumers")

# A lease is renewed so many times before it would end: one lost answer is no hand-over.
_RENEWALS = 3


class Leases:
    """The members of a consumer that this process may handle messages of."""

    def __init__(self, store: Store, options: Options) -> None:
        assert options.name is not None
        self._store = store
        self._options = options
        self._name = options.name
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
        self._granted: dict[int, Lease] = {}
        # One question at a time: an older answer must not come after a newer one.
        self._asking = Lock()
        self._renewals: Repeated | None = None
        self._error: ColdstreamError | None = None

    def join(self) -> None:
        """Make the consumer known and ask for leases, now and from now on.

        Raises:
            ConsumerError: it is known as something else, or is at no position there can be.
        """
        options = self._options
        start = {"start": 0, "end": None}.get(str(options.start), options.start)
        arguments = [self._name, options.source.name or "", options.group_size, start]
        self._store._connections.rows("join_consumer", arguments)
        self._renew()
        self._renewals = Repeated(self._renew_in_background, options.lease / _RENEWALS)

    def leases(self) -> list[Lease]:
        """What may be handled now.

        Raises:
            ConsumerError: the consumer was deleted, or is at no position there can be.
        """
        if self._error is not None:
            raise self._error
        now = time.monotonic()
        return [lease for lease in self._granted.values() if lease.deadline > now]

    def record(
        self, lease: Lease, position: int, connection: Connection[TupleRow] | None = None
    ) -> None:
        """Record that everything before a position is handled; in the connection's transaction,
        where there is one.

        Raises:
            LeaseLost: it is another's to say. The transaction must be rolled back.
        """
        arguments = [self._name, lease.member, lease.token, lease.position, position]
        name = "record_consumer_position"
        if connection is None:
            rows = self._store._connections.rows(name, arguments)
        else:
            with mapped(self._store.schema):
                statement = query(name, self._store.schema).encode()
                rows = (connection.execute(statement, arguments)).fetchall()
        if not rows[0][0]:
            raise LeaseLost
        if connection is None:
            lease.position = position

    def reload(self, lease: Lease) -> None:
        """Ask again whose a member is, and where it is: also after a commit whose answer was lost.
        Such a transaction holds the member's row, and the answer waits for it."""
        with self._asking:
            self._granted.pop(lease.member, None)
            self._ask()

    def release(self, lease: Lease) -> None:
        """Give a member up, so that another process need not wait for the lease to end."""
        with self._asking:
            self._granted.pop(lease.member, None)
            arguments = [self._name, lease.member, lease.token]
            self._store._connections.rows("release_consumer_lease", arguments)

    def leave(self) -> None:
        """Give everything up. Where the database cannot be reached, leases end by themselves."""
        if self._renewals is not None:
            self._renewals.close()
            self._renewals = None
        self._granted = {}
        try:
            self._store._connections.rows("leave_consumer", [self._name, self.owner])
        except Unavailable as error:
            _log.warning("Consumer %s could not say that it stops: %s", self._name, error)

    def _renew_in_background(self) -> None:
        try:
            self._renew()
        except Unavailable as error:
            _log.warning("Consumer %s could not renew its leases: %s", self._name, error)
        except ColdstreamError as error:
            self._error = error

    def _renew(self) -> None:
        with self._asking:
            self._ask()

    def _ask(self) -> None:
        asked = time.monotonic()
        options = self._options
        rows = self._store._connections.rows(
            "renew_consumer_leases",
            [self._name, self.owner, timedelta(seconds=options.lease), options.group_member],
        )
        granted: dict[int, Lease] = {}
        for member, size, position, token, keep in rows:
            lease = self._granted.get(member)
            if lease is None or lease.token != token:
                lease = Lease(member, size, position, token)
            lease.deadline = asked + options.lease
            lease.keep = keep
            granted[member] = lease
        self._granted = granted
