# Generated from src/coldstream/client/_async/category_pages.py by `python tools/async_to_sync.py`.
# Do not edit: change the source and run the command (or `make generate`) again.

"""A category, or all of them, over every tier.

Global positions have gaps, so a hole cannot be seen in the messages. What is in the archive is
known from the ledger, at one epoch of it; each page of the database is read with that epoch, and
refused (LedgerChanged) once a range has left or come back. Then the list is read again, and the
read goes on after the last message it gave.

Who reads on after the first page is catching up: pages become larger, because a bucket of the
columnstore costs the same for a thousand of its messages as for all of them, and the next one is
read while the consumer is at this one. Both are bounded in bytes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from operator import attrgetter

from psycopg import Cursor
from psycopg.rows import TupleRow

from coldstream.client._archived import ArchivedChunk, ArchivedChunks, Readers
from coldstream.client._calls import to_messages
from coldstream.client._concurrency import Ahead, in_thread_sync
from coldstream.client._errors import LedgerChanged
from coldstream.client._filter import Filter
from coldstream.client._sizes import PageSize
from coldstream.client._sync.connections import Connections
from coldstream.client._sync.retries import retried, retried_rows
from coldstream.message import Message

_END = 2**63 - 1

# A bucket of the columnstore has 2**14 positions.
_BUCKET_BITS = 14

# A page of a read that catches up: messages at most, bytes of JSON at most, and how many times as
# many messages as the one before it.
_PAGE_MESSAGES = 1 << _BUCKET_BITS
_PAGE_BYTES = 16_000_000
_GROWTH = 4


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
            with closing(
                _at_epoch(connections, readers, filter, position, batch_size, archived)
            ) as pages:
                for page in pages:
                    # Before the page is given: nothing moves under messages that are here.
                    position = page[-1].global_position + 1
                    for message in page:
                        yield message
            return
        except LedgerChanged:
            continue


def in_database(
    connections: Connections, filter: Filter, position: int, batch_size: int
) -> Iterator[Message]:
    """The same of the database alone. Raises Archived where it lacks some, or passes it over, as
    message_store.archived_reads says."""
    end = _frontier(connections, filter)
    with closing(_in_database(connections, filter, position, end, batch_size, None)) as pages:
        for page in pages:
            for message in page:
                yield message


def _frontier(connections: Connections, filter: Filter) -> int:
    if filter.category is not None:
        return _END
    frontier: int = (retried_rows(connections, "frontier"))[0][0]
    return frontier


def _at_epoch(
    connections: Connections,
    readers: Readers,
    filter: Filter,
    position: int,
    batch_size: int,
    archived: ArchivedChunks,
) -> Generator[list[Message]]:
    """Both tiers in one order, in pages. Each archived stretch is given once the database has no
    message before it; what the database has inside the stretch is merged in."""
    frontier = _frontier(connections, filter)
    pending = list(archived.chunks)
    while position <= frontier:
        stretch, pending = _next_stretch(pending)
        end = min(c.first_global_position for c in stretch) - 1 if stretch else frontier
        with closing(
            _in_database(connections, filter, position, end, batch_size, archived.epoch)
        ) as pages:
            for page in pages:
                position = page[-1].global_position + 1
                yield page
        if not stretch:
            return
        position = max(position, end + 1)
        end = max(c.last_global_position for c in stretch)
        with closing(
            _merged(
                connections, readers, filter, position, end, batch_size, archived.epoch, stretch
            )
        ) as pages:
            for page in pages:
                yield page
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
    epoch: int | None,
) -> Generator[list[Message]]:
    """The database's share, in pages that are never empty.

    First a page as asked for. Who reads on gets ranges of positions as long as they give messages;
    where one gives few, the next page is one as asked for again: it finds what follows a gap, and
    says where the end is."""

    def fetch(position: int, range_end: int | None) -> Cursor[TupleRow]:
        arguments = {
            "category": filter.category,
            "position": position,
            "batch_size": batch_size,
            "correlation": filter.correlation,
            "consumer_group_member": filter.consumer_group_member,
            "consumer_group_size": filter.consumer_group_size,
            "archive_epoch": epoch,
            "last_position": end if range_end is None else range_end,
            "max_bytes": _PAGE_BYTES,
        }
        name = "get_messages_in_database" if range_end is None else "get_range_in_database"
        return retried(connections, name, arguments)

    range_end: int | None = None
    reading_on = False
    ahead: Ahead[Cursor[TupleRow]] | None = None
    try:
        while position <= end:
            if ahead is None:
                rows = fetch(position, range_end)
            else:
                running, ahead = ahead, None
                rows = running.result()
            size = PageSize.of(rows.pgresult)
            ended = range_end is None and size.messages < batch_size
            range_end = _range_end(size, batch_size, end) if size.messages >= batch_size else None
            if size.messages:
                position = size.last + 1
                # Before the rows are made into messages, so that the server works meanwhile. Not
                # while the consumer is at the first page, which may be all it wants.
                if reading_on and not ended and position <= end:
                    ahead = Ahead(fetch, position, range_end)
                page = to_messages(rows.fetchall())
                page.sort(key=attrgetter("global_position"))
                yield page
                reading_on = True
            if ended:
                return
    finally:
        if ahead is not None:
            ahead.drop()


def _range_end(size: PageSize, batch_size: int, end: int) -> int | None:
    """The last position of the next range: as many messages as a page may have, should they lie as
    densely and be as large as those of this one, and rather whole buckets. ``None`` where a page as
    asked for is as large."""
    messages = min(
        _PAGE_MESSAGES,
        size.messages * _GROWTH,
        # Half of what would be refused: sizes differ.
        _PAGE_BYTES // (2 * size.bytes + 1),
    )
    if messages <= batch_size:
        return None
    range_end = size.last + messages * (size.last - size.first + 1) // size.messages
    whole = ((range_end + 1) >> _BUCKET_BITS << _BUCKET_BITS) - 1
    return min(end, whole if whole > size.last + (range_end - size.last) // 2 else range_end)


def _merged(
    connections: Connections,
    readers: Readers,
    filter: Filter,
    position: int,
    end: int,
    batch_size: int,
    epoch: int,
    stretch: list[ArchivedChunk],
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
    with closing(_in_database(connections, filter, position, end, batch_size, epoch)) as pages:
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
