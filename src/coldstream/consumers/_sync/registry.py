# Generated from src/coldstream/consumers/_async/registry.py by `python tools/async_to_sync.py`.
# Do not edit: change the source and run the command (or `make generate`) again.

"""The consumers of a store, from outside: where they are, and what an operator may do."""

from __future__ import annotations

from datetime import datetime

from coldstream.client._sync.client import Client
from coldstream.client._sync.statements import connections_of
from coldstream.client.arguments import check_batch_size, check_number, check_text
from coldstream.consumers.options import MAX_GROUP_SIZE
from coldstream.consumers.registered import ConsumerFailure, ConsumerMember
from coldstream.errors import InvalidInput


class Consumers:
    """What is known of the consumers that keep their positions in the database.

    Every method raises Unavailable when the server cannot be reached, and ConsumerError for a
    consumer that is not there.
    """

    def __init__(self, store: Client) -> None:
        self._store = store

    def get_consumers(self) -> list[ConsumerMember]:
        """Every consumer, an entry for each member, in the order of their names."""
        rows = connections_of(self._store).rows("get_consumers")
        return [ConsumerMember(*row) for row in rows]

    def get_failures(
        self, consumer: str | None = None, batch_size: int = 1000
    ) -> list[ConsumerFailure]:
        """What consumers, or one of them, went past without handling it, the newest first."""
        check_batch_size(batch_size)
        if consumer is not None:
            _check_name(consumer)
        rows = connections_of(self._store).rows("get_consumer_failures", [consumer, batch_size])
        return [ConsumerFailure(*row) for row in rows]

    def position_at(self, source: str | None, time: datetime | None) -> int:
        """Where to read a category, a stream or everything (``None``) from, for every message that
        was written at or after a time; ``None``, or a time to come: after the last message there
        is. What comes before that position is older, but of a chunk that is in the archive alone,
        which is gone back to the beginning of.

        Raises:
            InvalidInput: a time without a time zone.
        """
        if time is not None and time.tzinfo is None:
            raise InvalidInput(f"The time has no time zone: {time.isoformat()}")
        if source is not None:
            check_text("source", source)
        rows = connections_of(self._store).rows("position_at", [source or "", time])
        return int(rows[0][0])

    def reset(self, consumer: str, position: int | None) -> int:
        """Move every member of a consumer to a position; ``None``: after the last message there is.
        A process that works for it loses what it has in hand, and goes on from there. Returns how
        many members there are.

        Raises:
            ConsumerError: no such consumer, or no such position.
        """
        _check_name(consumer)
        if position is not None:
            check_number("position", position)
        rows = connections_of(self._store).rows("reset_consumer", [consumer, position])
        return int(rows[0][0])

    def pause(self, consumer: str) -> int:
        """Have a consumer stop after the message in hand, and wait until it is resumed."""
        return self._pause(consumer, paused=True)

    def resume(self, consumer: str) -> int:
        """Let a consumer go on."""
        return self._pause(consumer, paused=False)

    def _pause(self, consumer: str, *, paused: bool) -> int:
        _check_name(consumer)
        rows = connections_of(self._store).rows("pause_consumer", [consumer, paused])
        return int(rows[0][0])

    def delete(self, consumer: str) -> int:
        """Forget a consumer and its positions; what is recorded of its failures stays.

        Raises:
            ConsumerError: somebody works for it.
        """
        _check_name(consumer)
        rows = connections_of(self._store).rows("delete_consumer", [consumer])
        return int(rows[0][0])

    def resize(self, consumer: str, size: int, *, may_repeat: bool = False) -> int:
        """Divide a consumer among another number of members; its processes are started with that
        ``group_size`` then. Returns the position that all of them go on from, the least of the old
        ones.

        ``may_repeat``: also where the members are at different positions, so that messages between
        them are handled again.

        Raises:
            ConsumerError: somebody works for it, or messages would be handled again; or no such
                consumer, or one that cannot have that many members.
        """
        _check_name(consumer)
        if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= MAX_GROUP_SIZE:
            raise InvalidInput(f"The size must be 1 to {MAX_GROUP_SIZE}: {size!r}")
        arguments = [consumer, size, may_repeat]
        rows = connections_of(self._store).rows("resize_consumer", arguments)
        return int(rows[0][0])

    def notifies(self) -> bool:
        """Whether writes wake consumers by NOTIFY."""
        return bool((connections_of(self._store).rows("notifies"))[0][0])

    def set_notify(self, notify: bool) -> None:
        """Switch on, or off, that writes wake consumers; off is the default. For the store's owner.

        Raises:
            SetupError: the role may not do this.
        """
        connections_of(self._store).rows("set_notify", [notify])


def _check_name(consumer: str) -> None:
    check_text("name of a consumer", consumer)
