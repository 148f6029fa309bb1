# Generated from src/coldstream/consumers/_async/positions.py by `python tools/async_to_sync.py`.
# Do not edit: change the source and run the command (or `make generate`) again.

"""Positions elsewhere: in a stream, as Eventide keeps them, in an object of the user's, or nowhere.

There is one process then, and nobody to see to that: two handle everything twice.
"""

from __future__ import annotations

from typing import Protocol

from psycopg import Connection
from psycopg.rows import TupleRow

from coldstream.client._sync.client import Client
from coldstream.client._sync.statements import connections_of, rows_over
from coldstream.client.arguments import message_arguments
from coldstream.consumers.lease import Lease
from coldstream.consumers.options import Options
from coldstream.errors import ConsumerError, ExpectedVersionError


class Positions(Protocol):
    """Where a consumer keeps its position: where the next read begins, everything before it being
    handled."""

    def load(self) -> int | None:
        """The position; ``None`` where none was saved yet."""

    def save(self, position: int, connection: Connection[TupleRow] | None) -> None:
        """Keep it. ``connection``: in the transaction of what was handled, where there is one."""


class NoPositions:
    """None is kept: each run begins where it is told."""

    def load(self) -> int | None:
        return None

    def save(self, position: int, connection: Connection[TupleRow] | None) -> None:
        pass


class StreamPositions:
    """In a stream: ``account:position-balances`` of the category ``account`` and the identifier
    ``balances``, ``account:position`` without one. The last ``Recorded`` message holds the position
    of the last message that was handled, as Eventide's consumers write and read it
    (https://github.com/eventide-project/consumer-postgres)."""

    def __init__(self, store: Client, category: str, identifier: str | None) -> None:
        self._store = store
        types = category.partition(":")[2].split("+")
        if "position" not in types:
            category = f"{category}+position" if ":" in category else f"{category}:position"
        self.stream_name = category if identifier is None else f"{category}-{identifier}"
        self._version = -1
        # The position and the version of what was written last: perhaps it was rolled back.
        self._written: tuple[int, int] | None = None

    def confirm(self, position: int) -> None:
        """Say where the consumer is: so what was written last is there, or was rolled back."""
        if self._written is not None and self._written[0] == position:
            self._version = self._written[1]

    def load(self) -> int | None:
        message = self._store.get_last_stream_message(self.stream_name)
        if message is None:
            return None
        self._version = message.position
        position = message.data.get("position") if isinstance(message.data, dict) else None
        if not isinstance(position, int) or isinstance(position, bool):
            raise ConsumerError(
                f"No position in {self.stream_name} at {message.position}: {message.data_text}",
                hint='Its last message must be as {"position": 123}.',
            )
        return position + 1

    def save(self, position: int, connection: Connection[TupleRow] | None) -> None:
        arguments = (
            *message_arguments(
                None, self.stream_name, "Recorded", {"position": position - 1}, None
            ),
            self._version,
        )
        try:
            if connection is None:
                connections_of(self._store).rows("write_message", arguments)
            else:
                rows_over(connection, self._store.schema, "write_message", arguments)
        except ExpectedVersionError as error:
            raise ConsumerError(
                f"Another process has recorded a position in {self.stream_name}",
                hint="Run one, or keep positions in the database, where others wait.",
            ) from error
        self._written = (position, self._version + 1)


class Solo:
    """The one member there is, with its position in such a place."""

    def __init__(self, store: Client, options: Options, positions: Positions) -> None:
        self._store = store
        self._options = options
        self._positions = positions
        self._leases: list[Lease] = []

    def join(self) -> None:
        """Find the position to begin at.

        Raises:
            ConsumerError: what was kept is no position, or none that there can be.
        """
        options = self._options
        position = self._positions.load()
        if position is None and options.start == "end":
            position = self._end()
        elif position is None:
            position = 0 if options.start == "start" else int(options.start)
        elif not isinstance(position, int):
            raise ConsumerError(f"What was kept is no position: {position!r}")
        if position > 0:
            self._check(position)
        self._leases = [Lease(options.group_member or 0, options.group_size, max(position, 0))]

    def _check(self, position: int) -> None:
        """Raise ConsumerError where no message can have been handled before a position: all that
        gets a position below it would be passed over silently."""
        source = self._options.source
        if source.is_stream:
            version = self._store.stream_version(str(source.name))
            end = 0 if version is None else version + 1
        else:
            end = int((connections_of(self._store).rows("last_position"))[0][0]) + 1
        if position > end:
            raise ConsumerError(
                f"Position {position} of {source} is beyond the end: the next message gets {end}",
                hint="Was the store restored or truncated? Start at a position that exists.",
            )

    def _end(self) -> int:
        source = self._options.source
        if source.is_stream:
            version = self._store.stream_version(str(source.name))
            return 0 if version is None else version + 1
        return int((connections_of(self._store).rows("frontier"))[0][0]) + 1

    def leases(self) -> list[Lease]:
        """The one there is, for as long as the process runs."""
        return list(self._leases)

    def hold(self, lease: Lease) -> None:
        """It is this process's: nobody else is there."""

    def record(
        self, lease: Lease, position: int, connection: Connection[TupleRow] | None = None
    ) -> None:
        if isinstance(self._positions, StreamPositions):
            self._positions.confirm(lease.position)
        self._positions.save(position, connection)
        if connection is None:
            lease.position = position

    def reload(self, lease: Lease) -> None:
        """Find the position again, after a commit whose answer was lost."""
        self.join()

    def release(self, lease: Lease) -> None:
        self._leases = []

    def leave(self) -> None:
        self._leases = []
