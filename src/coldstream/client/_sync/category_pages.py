# Generated from src/coldstream/client/_async/category_pages.py by `python tools/async_to_sync.py`.
# Do not edit: change the source and run the command (or `make generate`) again.

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
from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from operator import attrgetter

from coldstream.client._filter import Filter
from coldstream.client._ordered import SLICE
from coldstream.client._sizes import PageSize
from coldstream.client._sync.connections import Connections
from coldstream.client._sync.database_pages import database_pages, frontier_of
from coldstream.client._sync.retries import retried, retried_rows
from coldstream.client.archived import (
    LISTED,
    LISTED_GROWTH,
    ArchivedChunks,
    LedgerFile,
    Readers,
    gap_of,
)
from coldstream.client.arguments import to_messages
from coldstream.client.concurrency import in_thread_sync
from coldstream.client.errors import LedgerChanged
from coldstream.messages.message import Message


def messages(
    connections: Connections,
    readers: Readers,
    filter: Filter,
    position: int,
    batch_size: int,
) -> Iterator[Message]:
    """The messages of a category from a global position to its end."""
    asked = [filter.category, position, batch_size, *filter.wanted, LISTED]
    rows = retried(connections, "category_page", asked)
    size = PageSize.of(rows.pgresult)
    gap = None
    while some := connections.fetch(rows, SLICE):
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
            listed = (retried_rows(connections, "archived_chunks", arguments))[0][0]
            archived = ArchivedChunks.from_json(listed)
        archived.check_complete()
        frontier = end = frontier_of(connections, filter)
        if archived.next is not None:
            # From there on the list is not all that has left.
            end = min(frontier, archived.next - 1)
        try:
            with closing(
                _at_epoch(connections, readers, filter, position, end, batch_size, archived, after)
            ) as pages:
                after = None
                for page in pages:
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


def in_database(
    connections: Connections, filter: Filter, position: int, batch_size: int
) -> Iterator[Message]:
    """The same of the database alone. Raises Archived where it lacks some, or passes it over, as
    message_store.archived_reads says."""
    end = frontier_of(connections, filter)
    with closing(database_pages(connections, filter, position, end, batch_size, None)) as pages:
        for page in pages:
            for message in page:
                yield message


def _at_epoch(
    connections: Connections,
    readers: Readers,
    filter: Filter,
    position: int,
    last: int,
    batch_size: int,
    archived: ArchivedChunks,
    after: PageSize | None,
) -> Generator[list[Message]]:
    """Both tiers in one order up to a last position, in pages, ``after`` a page that was given.
    Each archived stretch is given once the database has no message before it; what the database has
    inside the stretch is merged in."""
    pending = list(archived.chunks)
    while position <= last:
        stretch, pending = _next_stretch(pending)
        end = min([last + 1, *(c.first_global_position for c in stretch)]) - 1
        with closing(
            database_pages(
                connections, filter, position, end, batch_size, archived.epoch, after=after
            )
        ) as pages:
            for page in pages:
                position = page[-1].global_position + 1
                yield page
        after = None
        position = max(position, end + 1)
        if not stretch or position > last:
            return
        end = min(last, max(c.last_global_position for c in stretch))
        with closing(
            _merged(
                connections, readers, filter, position, end, batch_size, archived.epoch, stretch
            )
        ) as pages:
            for page in pages:
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


def _merged(
    connections: Connections,
    readers: Readers,
    filter: Filter,
    position: int,
    end: int,
    batch_size: int,
    epoch: int,
    stretch: list[LedgerFile],
) -> Generator[list[Message]]:
    """An archived stretch, and what the database has inside it, in pages."""
    reader = in_thread_sync(readers.reader, stretch)
    found = reader.read_category_batches(
        stretch,
        filter.category,
        position,
        end,
        correlation=filter.correlation,
        consumer_group_member=filter.consumer_group_member,
        consumer_group_size=filter.consumer_group_size,
    )
    with closing(database_pages(connections, filter, position, end, batch_size, epoch)) as pages:
        waiting: list[Message] = next(pages, [])
        try:
            while batch := in_thread_sync(next, found, None):
                last = batch[-1].global_position
                if waiting and waiting[0].global_position < last:
                    while waiting and waiting[0].global_position < last:
                        count = bisect_left(waiting, last, key=attrgetter("global_position"))
                        batch += waiting[:count]
                        waiting = waiting[count:] or next(pages, [])
                    batch.sort(key=attrgetter("global_position"))
                yield batch
        finally:
            # It waits for its threads. Where this task is called off, it may be running, and is
            # closed when it has run.
            with suppress(ValueError):
                in_thread_sync(found.close)
        while waiting:
            yield waiting
            waiting = next(pages, [])
