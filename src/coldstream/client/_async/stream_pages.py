"""One stream over every tier.

Positions of a stream have no gaps. So whatever moves between the tiers during a read, the next
message is the one at the next position, and where it is found does not matter: a page that does
not start there, or that has a hole, is not used beyond the hole. Where neither tier has the next
position, at one epoch of the ledger, there is no such message (a plain INSERT left a gap, or a
DELETE did), and the read goes on after the gap.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from itertools import count, islice, takewhile

from coldstream.client._archived import ArchivedChunks, Readers
from coldstream.client._async import category_pages
from coldstream.client._async.connections import AsyncConnections
from coldstream.client._async.retries import retried_rows
from coldstream.client._calls import to_messages
from coldstream.client._concurrency import in_thread
from coldstream.client._filter import Filter
from coldstream.errors import Archived
from coldstream.message import Message, is_category


async def messages(
    connections: AsyncConnections,
    readers: Readers,
    stream_name: str,
    position: int,
    batch_size: int,
) -> AsyncIterator[Message]:
    """The messages of a stream from a position to its end."""
    while True:
        try:
            page = await _page(
                connections, "get_stream_messages", stream_name, position, batch_size
            )
        except Archived as error:
            start = position
            async for message in _archived(connections, readers, stream_name, position, batch_size):
                position = message.position + 1
                yield message
            if position == start:
                position = await _after_gap(
                    connections, readers, stream_name, position, batch_size, error
                )
            continue
        for message in page:
            position = message.position + 1
            yield message
        if len(page) < batch_size:
            return


async def last(
    connections: AsyncConnections, readers: Readers, stream_name: str, type: str | None
) -> Message | None:
    """The last message of a stream, or the last one of a type."""
    try:
        rows = await retried_rows(connections, "get_last_stream_message", [stream_name, type])
        return next(iter(to_messages(rows)), None)
    except Archived:
        # It lies in the archive, or in the database below a range that does.
        found = None
        if is_category(stream_name):
            # A stream may bear the name of its category alone; only a category read finds it then.
            pages = category_pages.messages(connections, readers, Filter(stream_name), 1, 1000)
        else:
            pages = messages(connections, readers, stream_name, 0, 1000)
        async for message in pages:
            if message.stream_name == stream_name and type in (None, message.type):
                found = message
        return found


async def _page(
    connections: AsyncConnections, name: str, stream_name: str, position: int, batch_size: int
) -> list[Message]:
    return to_messages(await retried_rows(connections, name, [stream_name, position, batch_size]))


async def _archived(
    connections: AsyncConnections,
    readers: Readers,
    stream_name: str,
    position: int,
    batch_size: int,
) -> AsyncIterator[Message]:
    """The messages from a position on, as far as they go without a hole: those the database has,
    then those of the archive. None where the position itself is in neither."""
    page = await _page(
        connections, "get_stream_messages_in_database", stream_name, position, batch_size
    )
    for message in _without_hole(iter(page), position):
        position = message.position + 1
        yield message

    rows = await connections.rows("archived_chunks_of_stream", {"stream_name": stream_name})
    chunks = ArchivedChunks.from_rows(rows).chunks
    if not chunks:
        return
    reader = await in_thread(readers.reader, chunks)
    found = _without_hole(reader.read_stream(chunks, stream_name, position), position)
    while batch := await in_thread(_take, found, batch_size):
        for message in batch:
            yield message


async def _after_gap(
    connections: AsyncConnections,
    readers: Readers,
    stream_name: str,
    position: int,
    batch_size: int,
    error: Archived,
) -> int:
    """The first position after one that no tier has; the same one again when a chunk moved
    meanwhile. Raises the error where a range is nowhere: then the gap may be what was in it."""
    arguments = {"stream_name": stream_name}
    before = ArchivedChunks.from_rows(
        await connections.rows("archived_chunks_of_stream", arguments)
    )
    page = await _page(
        connections, "get_stream_messages_in_database", stream_name, position, batch_size
    )
    found = [page[0].position] if page else []
    if before.chunks:
        reader = await in_thread(readers.reader, before.chunks)
        archived = reader.read_stream(before.chunks, stream_name, position)
        found += [message.position for message in await in_thread(_take, archived, 1)]
    after = ArchivedChunks.from_rows(await connections.rows("archived_chunks_of_stream", arguments))
    if before.epoch != after.epoch:
        return position
    if before.gone or not found:
        raise error
    return min(found)


def _without_hole(found: Iterator[Message], position: int) -> Iterator[Message]:
    expected = count(position)
    return takewhile(lambda message: message.position == next(expected), found)


def _take(found: Iterator[Message], size: int) -> list[Message]:
    return list(islice(found, size))
