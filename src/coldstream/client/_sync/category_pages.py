# Generated from src/coldstream/client/_async/category_pages.py by `python tools/async_to_sync.py`.
# Do not edit: change the source and run the command (or `make generate`) again.

"""A category, or all of them, over every tier.

Global positions have gaps, so a hole cannot be seen in the messages. What is in the archive is
known from the ledger, at one epoch of it; each page of the database is read with that epoch, and
refused (LedgerChanged) once a range has left or come back. Then the list is read again, and the
read goes on after the last message it gave.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from coldstream.client._archived import ArchivedChunk, ArchivedChunks, Readers
from coldstream.client._calls import to_messages
from coldstream.client._concurrency import in_thread_sync
from coldstream.client._errors import LedgerChanged
from coldstream.client._filter import Filter
from coldstream.client._sync.connections import Connections
from coldstream.client._sync.retries import retried_rows
from coldstream.message import Message

_END = 2**63 - 1


def messages(
    connections: Connections,
    readers: Readers,
    filter: Filter,
    position: int,
    batch_size: int,
) -> Iterator[Message]:
    """The messages of a category from a global position to its end."""
    while True:
        arguments = {"category": filter.category, "position": position}
        archived = ArchivedChunks.from_rows(connections.rows("archived_chunks", arguments))
        archived.check_complete()
        try:
            for message in _at_epoch(connections, readers, filter, position, batch_size, archived):
                position = message.global_position + 1
                yield message
            return
        except LedgerChanged:
            continue


def _at_epoch(
    connections: Connections,
    readers: Readers,
    filter: Filter,
    position: int,
    batch_size: int,
    archived: ArchivedChunks,
) -> Iterator[Message]:
    """Both tiers in one order. Each archived stretch is given once the database has no message
    before it; what the database has inside the stretch is merged in."""
    frontier = _END
    if filter.category is None:
        frontier = (retried_rows(connections, "frontier"))[0][0]
    pending = list(archived.chunks)
    while position <= frontier:
        stretch, pending = _next_stretch(pending)
        end = min(c.first_global_position for c in stretch) - 1 if stretch else frontier
        for message in _in_database(connections, filter, position, end, batch_size, archived.epoch):
            position = message.global_position + 1
            yield message
        if not stretch:
            return
        position = max(position, end + 1)
        end = max(c.last_global_position for c in stretch)
        for message in _merged(
            connections, readers, filter, position, end, batch_size, archived.epoch, stretch
        ):
            position = message.global_position + 1
            yield message
        position = end + 1


def _next_stretch(
    chunks: list[ArchivedChunk],
) -> tuple[list[ArchivedChunk], list[ArchivedChunk]]:
    """The first chunks whose ranges of global positions touch one another, and the others."""
    ordered = sorted(chunks, key=lambda chunk: chunk.first_global_position)
    end = -1
    for index, chunk in enumerate(ordered):
        if index and chunk.first_global_position > end:
            return ordered[:index], ordered[index:]
        end = max(end, chunk.last_global_position)
    return ordered, []


def _in_database(
    connections: Connections,
    filter: Filter,
    position: int,
    end: int,
    batch_size: int,
    epoch: int,
) -> Iterator[Message]:
    while position <= end:
        rows = retried_rows(
            connections,
            "get_messages_in_database",
            [
                filter.category,
                position,
                batch_size,
                filter.correlation,
                filter.consumer_group_member,
                filter.consumer_group_size,
                epoch,
                end,
            ],
        )
        page = to_messages(rows)
        for message in page:
            yield message
        if len(page) < batch_size:
            return
        position = page[-1].global_position + 1


def _merged(
    connections: Connections,
    readers: Readers,
    filter: Filter,
    position: int,
    end: int,
    batch_size: int,
    epoch: int,
    stretch: list[ArchivedChunk],
) -> Iterator[Message]:
    reader = in_thread_sync(readers.reader, stretch)
    found = reader.read_category(
        stretch,
        filter.category,
        position,
        end,
        correlation=filter.correlation,
        consumer_group_member=filter.consumer_group_member,
        consumer_group_size=filter.consumer_group_size,
    )
    hot = _in_database(connections, filter, position, end, batch_size, epoch)
    waiting = next(hot, None)
    while batch := in_thread_sync(_take, found, batch_size):
        for message in batch:
            while waiting is not None and waiting.global_position < message.global_position:
                yield waiting
                waiting = next(hot, None)
            yield message
    while waiting is not None:
        yield waiting
        waiting = next(hot, None)


def _take(found: Iterator[Message], size: int) -> list[Message]:
    return list(islice(found, size))
