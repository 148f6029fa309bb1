"""One stream over every tier, brought in order of position whatever the order of its times.

For what cannot be read as :mod:`stream_pages` reads nearly all streams: one whose positions do not
follow time (history that was imported late, or in another order), one with a gap (a plain INSERT,
or a DELETE), and ranges that overlap. What is in the archive is known from the ledger at one epoch;
a page of the database counts only where the epoch is the same after it. So the two together are all
there is, and a position that neither has is nowhere.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from itertools import islice

from coldstream.client._async.connections import AsyncConnections
from coldstream.client._async.retries import archive_epoch, retried_rows
from coldstream.client.archived import ALL, ArchivedStream, Readers
from coldstream.client.arguments import to_messages
from coldstream.client.concurrency import in_thread
from coldstream.client.errors import LedgerChanged
from coldstream.errors import Archived
from coldstream.messages.message import Message

_END = 2**63


async def listed_of(
    connections: AsyncConnections, stream_name: str, position: int, count: int
) -> ArchivedStream:
    """The first chunks that have left the database and may have a stream from a position on."""
    arguments = [stream_name, position, count]
    rows = await retried_rows(connections, "archived_chunks_of_stream", arguments)
    return ArchivedStream.from_json(rows[0][0])


async def merged(
    connections: AsyncConnections,
    readers: Readers,
    stream_name: str,
    position: int,
    batch_size: int,
) -> AsyncGenerator[list[Message]]:
    """The messages of a stream from a position to its end, in pages that are never empty.

    Raises:
        LedgerChanged: a range left or came back. What was given is right; read on after it.
        Archived: the next position may have been in a range that was dropped by force.
    """
    listed = await listed_of(connections, stream_name, position, ALL)
    found: Iterator[Message] = iter(())
    # The message before tells whether a range that is nowhere comes after it.
    at = max(position - 1, 0) if listed.gone else position
    if listed.chunks:
        reader = await in_thread(readers.reader, listed.chunks)
        found = reader.read_stream(listed.chunks, stream_name, at, in_order=listed.in_order)
    holes = _Holes(listed, stream_name, position)
    archived: list[Message] = []
    more = True
    while True:
        arguments = [stream_name, at, batch_size]
        rows = await retried_rows(connections, "get_stream_messages_in_database", arguments)
        page = to_messages(rows)
        if await archive_epoch(connections) != listed.epoch:
            raise LedgerChanged
        is_last = len(page) < batch_size
        end = _END if is_last else page[-1].position
        while page or archived or more:
            if more and not archived:
                archived = await in_thread(_take, found, batch_size)
                more = bool(archived)
                continue
            # Up to here both tiers are known.
            upto = min(end, archived[-1].position) if more else end
            # A part of a range that came back is in both.
            known = {m.position: m for m in (*archived, *page) if m.position <= upto}
            archived = [m for m in archived if m.position > upto]
            page = [m for m in page if m.position > upto]
            batch = holes.before_one([known[each] for each in sorted(known)])
            if batch := [m for m in batch if m.position >= position]:
                yield batch
            holes.check()
            if not is_last and upto == end:
                break
        if is_last:
            holes.check_end()
            return
        at = end + 1


class _Holes:
    """Holes in what was found of a stream that a range may explain which is nowhere."""

    def __init__(self, listed: ArchivedStream, stream_name: str, position: int) -> None:
        self._listed = listed
        self._stream_name = stream_name
        self._expected = position
        self._before: Message | None = None
        self._after: Message | None = None

    def before_one(self, messages: list[Message]) -> list[Message]:
        """The messages that come before such a hole, which the next check raises."""
        for number, message in enumerate(messages):
            if message.position > self._expected and self._listed.hidden(self._before, message):
                self._after = message
                return messages[:number]
            self._expected = max(self._expected, message.position + 1)
            self._before = message
        return messages

    def check(self) -> None:
        if self._after:
            self._raise(self._after)

    def check_end(self) -> None:
        version = self._listed.version
        if version is not None and version >= self._expected:
            self._raise(None)

    def _raise(self, after: Message | None) -> None:
        if hidden := self._listed.hidden(self._before, after):
            raise Archived(
                f"Messages of {self._stream_name} from position {self._expected} on may have been"
                f" in {hidden[0]} to {hidden[1]}, which was dropped by force and is not in an"
                " archive",
                hint="Start after them.",
            )


def _take(found: Iterator[Message], size: int) -> list[Message]:
    return list(islice(found, size))
