# Generated from src/coldstream/client/_async/stream_pages.py by `python tools/async_to_sync.py`.
# Do not edit: change the source and run the command (or `make generate`) again.

"""One stream over every tier.

One statement gives the rows, and where they begin or end at what has left the database, what the
ledger lists of that; then comes the archive's turn, and then the next statement's.

Positions of a stream have no gaps. So whatever moves between the tiers during a read, the next
message is the one at the next position, and where it is found does not matter: a page that does
not start there, or that has a hole, is not used beyond the hole. Where it is not found like that
(a plain INSERT left a gap, or a DELETE did; or positions do not follow time), both tiers are read
together: see :mod:`stream_merge`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import islice

from coldstream.client._filter import Filter
from coldstream.client._sync import category_pages
from coldstream.client._sync.connections import Connections
from coldstream.client._sync.retries import retried_rows
from coldstream.client._sync.stream_merge import listed_of, merged
from coldstream.client.archived import LISTED, LISTED_GROWTH, ArchivedStream, Readers, gap_of
from coldstream.client.arguments import to_messages
from coldstream.client.concurrency import in_thread_sync
from coldstream.client.errors import LedgerChanged
from coldstream.errors import Archived
from coldstream.messages.message import Message
from coldstream.messages.names import is_category

# Where a row that is no message has what the ledger lists.
_LISTED_IN = 5


def messages(
    connections: Connections,
    readers: Readers,
    stream_name: str,
    position: int,
    batch_size: int,
    *,
    listed: ArchivedStream | None = None,
) -> Iterator[Message]:
    """The messages of a stream from a position to its end. ``listed``: what the ledger lists from
    there on, where the caller knows that the database does not have the first of them."""
    while True:
        is_last = False
        if listed is None:
            rows = retried_rows(
                connections, "stream_page", [stream_name, position, batch_size, LISTED]
            )
            if gap := gap_of(rows):
                listed = ArchivedStream.from_json(gap[_LISTED_IN])
            page = to_messages(rows)
            is_last = len(page) < batch_size
            # What comes after a hole may be in the archive's turn.
            for message in page if listed is None else _Following(iter(page), position):
                position = message.position + 1
                yield message
        if listed is not None:
            start, version = position, listed.version
            for message in _archived(
                connections, readers, stream_name, position, batch_size, listed
            ):
                position = message.position + 1
                yield message
            listed = None
            if position == start:
                try:
                    with closing(
                        merged(connections, readers, stream_name, position, batch_size)
                    ) as pages:
                        for batch in pages:
                            for message in batch:
                                position = message.position + 1
                                yield message
                except LedgerChanged:
                    continue
                return
            is_last = version is not None and position > version
        if is_last:
            return


def in_database(
    connections: Connections, stream_name: str, position: int, batch_size: int
) -> Iterator[Message]:
    """The same of the database alone. Raises Archived where it lacks some."""
    while True:
        page = _page(connections, "get_stream_messages", stream_name, position, batch_size)
        for message in page:
            position = message.position + 1
            yield message
        if len(page) < batch_size:
            return


def last_in_database(
    connections: Connections, stream_name: str, type: str | None
) -> Message | None:
    """The last message in the database alone; Archived as :func:`in_database`."""
    arguments = [stream_name, type]
    rows = retried_rows(connections, "get_last_stream_message", arguments)
    return next(iter(to_messages(rows)), None)


def last(
    connections: Connections, readers: Readers, stream_name: str, type: str | None
) -> Message | None:
    """The last message of a stream, or the last one of a type."""
    rows = retried_rows(connections, "last_message", [stream_name, type, LISTED])
    gap = gap_of(rows)
    if gap is None:
        return next(iter(to_messages(rows)), None)
    # It lies in the archive, or in the database below a range that does.
    if not is_category(stream_name):
        listed = ArchivedStream.from_json(gap[_LISTED_IN])
        return _last_before(connections, readers, stream_name, type, listed)
    # A stream may bear the name of its category alone; only a category read finds it then.
    found = None
    pages = category_pages.messages(connections, readers, Filter(stream_name), 1, 1000)
    for message in pages:
        if message.stream_name != stream_name or type not in (None, message.type):
            continue
        # Global positions need not follow those of the stream.
        if found is None or message.position > found.position:
            found = message
    return found


def _last_before(
    connections: Connections,
    readers: Readers,
    stream_name: str,
    type: str | None,
    at_end: ArchivedStream,
) -> Message | None:
    """The last message of a stream that has left the database: backwards from its end, each time
    sixteen times as far, so that a long stream is not read from its start. Where a hole that cannot
    be explained is in the way, half as far: what comes after it may do. ``at_end``: what the ledger
    lists from its last position on."""
    # From here on there is none.
    end = 0 if at_end.version is None else at_end.version + 1
    count = 1 if type is None else 256
    while end > 0:
        position = max(0, end - count)
        found = None
        listed = at_end if position == at_end.version else None
        try:
            for message in messages(
                connections, readers, stream_name, position, 1000, listed=listed
            ):
                if type in (None, message.type):
                    found = message
        except Archived:
            count = (end - position) // 2
            if count == 0:
                raise
            continue
        if found is not None:
            return found
        end = position
        count *= 16
    return None


def _page(
    connections: Connections, name: str, stream_name: str, position: int, batch_size: int
) -> list[Message]:
    return to_messages(retried_rows(connections, name, [stream_name, position, batch_size]))


def _archived(
    connections: Connections,
    readers: Readers,
    stream_name: str,
    position: int,
    batch_size: int,
    listed: ArchivedStream,
) -> Iterator[Message]:
    """The archive's messages from a position on, as far as they go without a hole. None where it
    lacks the first one, and where positions do not follow the order of the archive's ranges."""
    count = LISTED
    while listed.in_order:
        hole = False
        if listed.chunks:
            reader = in_thread_sync(readers.reader, listed.chunks)
            certain = {chunk.key for chunk in listed.chunks if chunk.has_stream}
            archived = reader.read_stream(
                listed.chunks, stream_name, position, certain=certain, in_order=True
            )
            found = _Following(archived, position)
            while batch := in_thread_sync(_take, found, batch_size):
                for message in batch:
                    position = message.position + 1
                    yield message
            hole = found.hole
        # Where it was not among these, it may be in a later one still: marks say where it is not.
        if hole or listed.next is None:
            return
        count *= LISTED_GROWTH
        listed = listed_of(connections, stream_name, position, count)


class _Following(Iterator[Message]):
    """Messages from a position on, as far as they go without a ``hole``."""

    def __init__(self, found: Iterator[Message], position: int) -> None:
        self._found = found
        self._expected = position
        self.hole = False

    def __next__(self) -> Message:
        if self.hole:
            raise StopIteration
        message = next(self._found)
        if message.position != self._expected:
            self.hole = True
            raise StopIteration
        self._expected += 1
        return message


def _take(found: Iterator[Message], size: int) -> list[Message]:
    return list(islice(found, size))
