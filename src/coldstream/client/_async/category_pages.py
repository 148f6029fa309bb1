"""A category, or all of them, over every tier.

One statement gives the first page, up to what has left the database, and what the ledger lists of
that. A reader that goes on gets the rest as follows.

Global positions have gaps, so a hole cannot be seen in the messages. What is in the archive is
known from the ledger, at one epoch of it; each page of the database is read with that epoch, and
refused (LedgerChanged) once a range has left or come back. Then the list is read again, and the
read goes on after the last message it gave.

The pages of the database, and how they grow, are in :mod:`database_pages`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from operator import attrgetter

from coldstream.client._async.connections import AsyncConnections
from coldstream.client._async.database_pages import database_pages, frontier_of
from coldstream.client._async.retries import retried, retried_rows
from coldstream.client._filter import Filter
from coldstream.client._ordered import SLICE
from coldstream.client._sizes import PageSize
from coldstream.client.archived import (
    LISTED,
    LISTED_GROWTH,
    ArchivedChunks,
    LedgerFile,
    Readers,
    gap_of,
)
from coldstream.client.arguments import to_messages
from coldstream.client.concurrency import in_thread
from coldstream.client.errors import LedgerChanged
from coldstream.messages.message import Message


async def messages(
    connections: AsyncConnections,
    readers: Readers,
    filter: Filter,
    position: int,
    batch_size: int,
) -> AsyncIterator[Message]:
    """The messages of a category from a global position to its end."""
    asked = [filter.category, position, batch_size, *filter.wanted, LISTED]
    rows = await retried(connections, "category_page", asked)
    size = PageSize.of(rows.pgresult)
    gap = None
    while some := await connections.fetch(rows, SLICE):
        gap = gap_of(some)
        for message in to_messages(some):
            position = message.global_position + 1
            yield message
    if gap is None and size.messages < batch_size:
        return
    count = LISTED
    archived: ArchivedChunks | None = None
    after = None if gap else size
    if gap:
        *_, position, listed, _, _ = gap
        archived = ArchivedChunks.from_json(listed)
    while True:
        if archived is None:
            arguments = [filter.category, position, count]
            listed = (await retried_rows(connections, "archived_chunks", arguments))[0][0]
            archived = ArchivedChunks.from_json(listed)
        archived.check_complete()
        frontier = end = await frontier_of(connections, filter)
        if archived.next is not None:
            # From there on the list is not all that has left.
            end = min(frontier, archived.next - 1)
        try:
            async with aclosing(
                _at_epoch(connections, readers, filter, position, end, batch_size, archived, after)
            ) as pages:
                after = None
                async for page in pages:
                    # Before the page is given: nothing moves under messages that are here.
                    position = page[-1].global_position + 1
                    for message in page:
                        yield message
        except LedgerChanged:
            archived = None
            continue
        if archived.next is None or archived.next > frontier:
            return
        position = max(position, archived.next)
        count *= LISTED_GROWTH
        archived = None


async def in_database(
    connections: AsyncConnections, filter: Filter, position: int, batch_size: int
) -> AsyncIterator[Message]:
    """The same of the database alone. Raises Archived where it lacks some, or passes it over, as
    message_store.archived_reads says."""
    end = await frontier_of(connections, filter)
    async with aclosing(
        database_pages(connections, filter, position, end, batch_size, None)
    ) as pages:
        async for page in pages:
            for message in page:
                yield message


async def _at_epoch(
    connections: AsyncConnections,
    readers: Readers,
    filter: Filter,
    position: int,
    last: int,
    batch_size: int,
    archived: ArchivedChunks,
    after: PageSize | None,
) -> AsyncGenerator[list[Message]]:
    """Both tiers in one order up to a last position, in pages, ``after`` a page that was given.
    Each archived stretch is given once the database has no message before it; what the database has
    inside the stretch is merged in."""
    pending = list(archived.chunks)
    while position <= last:
        stretch, pending = _next_stretch(pending)
        end = min([last + 1, *(c.first_global_position for c in stretch)]) - 1
        async with aclosing(
            database_pages(
                connections, filter, position, end, batch_size, archived.epoch, after=after
            )
        ) as pages:
            async for page in pages:
                position = page[-1].global_position + 1
                yield page
        after = None
        position = max(position, end + 1)
        if not stretch or position > last:
            return
        end = min(last, max(c.last_global_position for c in stretch))
        async with aclosing(
            _merged(
                connections, readers, filter, position, end, batch_size, archived.epoch, stretch
            )
        ) as pages:
            async for page in pages:
                yield page
        position = end + 1


def _next_stretch(
    chunks: list[LedgerFile],
) -> tuple[list[LedgerFile], list[LedgerFile]]:
    """The first chunks whose ranges of global positions touch one another, and the others."""
    ordered = sorted(chunks, key=lambda chunk: chunk.first_global_position)
    end = -1
    for index, chunk in enumerate(ordered):
        if index and chunk.first_global_position > end:
            return ordered[:index], ordered[index:]
        end = max(end, chunk.last_global_position)
    return ordered, []


async def _merged(
    connections: AsyncConnections,
    readers: Readers,
    filter: Filter,
    position: int,
    end: int,
    batch_size: int,
    epoch: int,
    stretch: list[LedgerFile],
) -> AsyncGenerator[list[Message]]:
    """An archived stretch, and what the database has inside it, in pages."""
    reader = await in_thread(readers.reader, stretch)
    found = reader.read_category_batches(
        stretch,
        filter.category,
        position,
        end,
        correlation=filter.correlation,
        consumer_group_member=filter.consumer_group_member,
        consumer_group_size=filter.consumer_group_size,
    )
    async with aclosing(
        database_pages(connections, filter, position, end, batch_size, epoch)
    ) as pages:
        waiting: list[Message] = await anext(pages, [])
        try:
            while batch := await in_thread(next, found, None):
                last = batch[-1].global_position
                if waiting and waiting[0].global_position < last:
                    while waiting and waiting[0].global_position < last:
                        count = bisect_left(waiting, last, key=attrgetter("global_position"))
                        batch += waiting[:count]
                        waiting = waiting[count:] or await anext(pages, [])
                    batch.sort(key=attrgetter("global_position"))
                yield batch
        finally:
            # It waits for its threads. Where this task is called off, it may be running, and is
            # closed when it has run.
            with suppress(ValueError):
                await in_thread(found.close)
        while waiting:
            yield waiting
            waiting = await anext(pages, [])
