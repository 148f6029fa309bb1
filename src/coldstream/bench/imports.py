"""Bringing history along: messages with times and positions of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from coldstream.bench.arena import Arena, columns, insert_plain
from coldstream.bench.workload import Event
from coldstream.sql import query
from coldstream.store import Store

_BATCH = 1000


def import_into_store(arena: Arena, store: Store, events: Sequence[Event]) -> None:
    """As a script does it that knows the table: rows into ``messages``, as the store's owner."""
    statement = query("import_messages", arena.store.schema).encode()
    for batch in _batches(events):
        rows = [
            (e.position, e.time, e.stream_name, e.type, e.data, e.metadata, e.id) for e in batch
        ]
        given = [list(column) for column in zip(*rows, strict=True)]
        with store.connection() as connection:
            connection.execute(statement, given).fetchall()


def import_into_plain(arena: Arena, store: Store, events: Sequence[Event]) -> None:
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
