"""Bringing history along: messages with times and positions of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from uuid import UUID

from coldstream.messages.message import Message
from coldstream.store import Store
from coldstream_bench.arena import Arena, columns, insert_plain
from coldstream_bench.workload import Event

_BATCH = 1000


def to_message(event: Event) -> Message:
    """The event as a client reads it from another store."""
    return Message(
        UUID(event.id),
        event.stream_name,
        event.type,
        event.position,
        0,
        event.data,
        event.metadata,
        event.time,
    )


def copy_into_plain(arena: Arena, store: Store, events: Sequence[Event]) -> None:
    """COPY, or INSERT where the server takes no COPY from a client."""
    with store.connection() as connection:
        if arena.place.server.embedded:
            for batch in _batches(events):
                insert_plain(arena, connection, batch)
            return
        with connection.cursor() as cursor, cursor.copy(arena.query("copy_plain")) as copy:
            for row in columns(events):
                copy.write_row(row)


def _batches(events: Sequence[Event]) -> Iterator[list[Event]]:
    rest = iter(events)
    while batch := list(islice(rest, _BATCH)):
        yield batch
