"""The database's share of a category, or of all of them, in pages.

A reader that goes on after the first page is catching up: pages become larger, because a bucket of
the columnstore costs the same for a thousand of its messages as for all of them, and the next ones
are read while the consumer is at this one. All are bounded in bytes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator
from typing import NamedTuple

from psycopg import AsyncCursor
from psycopg.rows import TupleRow

from coldstream.client._async.connections import AsyncConnections
from coldstream.client._async.retries import retried, retried_rows
from coldstream.client._filter import Filter
from coldstream.client._ordered import ordered
from coldstream.client._sizes import PageSize
from coldstream.client.concurrency import AsyncAhead, sleep
from coldstream.messages.message import Message

_END = 2**63 - 1

# A bucket of the columnstore has 2**14 positions.
_BUCKET_BITS = 14

# A page of a read that catches up: messages at most, bytes of JSON at most, and how many times as
# many messages as the one before it.
_PAGE_MESSAGES = 1 << _BUCKET_BITS
_PAGE_BYTES = 16_000_000
_GROWTH = 4

# Pages that are read ahead, each on a connection of its own: unpacking JSON keeps one backend busy
# longer than one client. One where a pool is so small that its other users would wait.
_AHEAD, _AHEAD_IN_SMALL_POOL, _SMALL_POOL = 2, 1, 3


class _Asked(NamedTuple):
    """The positions of a page. Without a ``last`` it has as many messages as were asked for."""

    first: int
    last: int | None = None


async def frontier_of(connections: AsyncConnections, filter: Filter) -> int:
    """The last position that is not waiting for a writer. A category has no such positions."""
    if filter.category is not None:
        return _END
    frontier: int = (await retried_rows(connections, "frontier"))[0][0]
    return frontier


async def database_pages(
    connections: AsyncConnections,
    filter: Filter,
    position: int,
    end: int,
    batch_size: int,
    epoch: int | None,
    *,
    after: PageSize | None = None,
) -> AsyncGenerator[list[Message]]:
    """The database's share in order, in parts that are never empty.

    First a page as asked for, unless they come ``after`` one. A reader that goes on gets ranges of
    positions while they give messages; where one gives few, the next page is one as asked for
    again: it finds what follows a gap, and says where the end is."""

    known_end = 0  # Nothing is known to be complete yet.

    async def fetch(asked: _Asked) -> AsyncCursor[TupleRow]:
        nonlocal known_end
        if asked.last is not None and not known_end:
            # Before any range is read: what is written after that read may be before this end.
            known_end = await _known_end(connections, filter, end)
        arguments = {
            "category": filter.category,
            "position": asked.first,
            "batch_size": batch_size,
            "correlation": filter.correlation,
            "consumer_group_member": filter.consumer_group_member,
            "consumer_group_size": filter.consumer_group_size,
            "archive_epoch": epoch,
            "last_position": end if asked.last is None else asked.last,
            "max_bytes": _PAGE_BYTES,
        }
        name = "get_messages_in_database" if asked.last is None else "get_range_in_database"
        return await retried(connections, name, arguments)

    asked = _following(position, after, batch_size, end) if after else _Asked(position)
    reading_on = after is not None
    ahead: deque[tuple[_Asked, AsyncAhead[AsyncCursor[TupleRow]]]] = deque()
    try:
        while asked.first <= end:
            if ahead:
                asked, running = ahead.popleft()
                rows = await running.result()
            else:
                rows = await fetch(asked)
            if asked.last is not None and asked.last <= known_end:
                size = PageSize.of(rows.pgresult, whole=(asked.first, asked.last))
            else:
                size = PageSize.of(rows.pgresult)
            if not size.messages:
                if asked.last is None:
                    return
                # Empty, or cut off: what was read ahead would come too early.
                await _drop(ahead)
                asked = _Asked(asked.first)
                continue
            ended = asked.last is None and size.messages < batch_size
            if not ahead:
                asked = _following(size.last + 1, size, batch_size, end)
            # Before the rows are made into messages, so that the server works meanwhile. Not
            # while the consumer is at the first page, which may be all it wants.
            if reading_on and not ended:
                if not ahead and asked.first <= end:
                    ahead.append((asked, AsyncAhead(fetch, asked)))
                while ahead and len(ahead) < _depth(connections):
                    latest = ahead[-1][0].last
                    if latest is None or latest >= known_end:
                        break
                    following = _following(latest + 1, size, batch_size, known_end)
                    if following.last is None:
                        break
                    ahead.append((following, AsyncAhead(fetch, following)))
            for messages in ordered(rows, connections.schema):
                yield messages
                # What is read ahead is taken in by then: the server does not wait to send it.
                await sleep(0)
            reading_on = True
            if ended:
                return
    finally:
        await _drop(ahead)


async def _known_end(connections: AsyncConnections, filter: Filter, end: int) -> int:
    """Up to here all that will ever be is there already: a range that ends before it is left behind
    whole, and who reads it need not look where its last message is."""
    if filter.category is None:
        return end
    last: int = (await retried_rows(connections, "last_category_position", [filter.category]))[0][0]
    return min(end, last)


def _depth(connections: AsyncConnections) -> int:
    return _AHEAD if connections.max_size > _SMALL_POOL else _AHEAD_IN_SMALL_POOL


async def _drop(ahead: deque[tuple[_Asked, AsyncAhead[AsyncCursor[TupleRow]]]]) -> None:
    while ahead:
        _, running = ahead.popleft()
        await running.drop()


def _following(first: int, size: PageSize, batch_size: int, end: int) -> _Asked:
    """What to ask for from a position on: as many messages as a page may have, should they lie as
    densely and be as large as those of the page before, and rather whole buckets. Where a page as
    asked for is as large, or the one before was not full, one as asked for."""
    messages = min(
        _PAGE_MESSAGES,
        size.messages * _GROWTH,
        # Half of what would be refused: sizes differ.
        _PAGE_BYTES // (2 * size.bytes + 1),
    )
    if messages <= batch_size or size.messages < batch_size:
        return _Asked(first)
    last = first - 1 + messages * (size.last - size.first + 1) // size.messages
    whole = ((last + 1) >> _BUCKET_BITS << _BUCKET_BITS) - 1
    return _Asked(first, min(end, whole if whole > first + (last - first) // 2 else last))
