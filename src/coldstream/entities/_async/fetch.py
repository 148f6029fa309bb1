"""An entity: a stream folded into a state, from a snapshot or a cached state where there is one.

Both are shortcuts and never the truth: what they claim is compared with the stream's head, and a
state that is ahead of the stream, or made by another version of the projection, is not used.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Protocol, TypeVar

from coldstream.client.arguments import check_batch_size, check_stream
from coldstream.entities.cache import EntityCache, Kept
from coldstream.entities.entity import Entity
from coldstream.entities.projection import Projection
from coldstream.entities.snapshots import RECORDED, Snapshots, is_newer, record, recorded
from coldstream.errors import Archived, InvalidInput
from coldstream.messages.message import Message, WriteResult

S = TypeVar("S")


class AsyncStreams(Protocol):
    """What an entity needs of a store."""

    dsn: str
    schema: str

    def get_stream_messages(
        self, stream_name: str, position: int = 0, batch_size: int = 1000
    ) -> AsyncIterator[Message]: ...

    async def get_last_stream_message(
        self, stream_name: str, type: str | None = None
    ) -> Message | None: ...

    async def stream_version(self, stream_name: str) -> int | None: ...

    async def write_message(self, stream_name: str, type: str, data: Any = None) -> WriteResult: ...


class AsyncFetching:
    """What makes a store one that gives entities."""

    async def fetch(
        self: AsyncStreams,
        stream_name: str,
        projection: Projection[S],
        *,
        snapshots: Snapshots | None = None,
        cache: EntityCache | None = None,
        batch_size: int = 1000,
    ) -> Entity[S]:
        """The state that the messages of a stream add up to, from every tier, and its version.

        One page of the stream (``batch_size`` messages) is in memory at a time. ``snapshots``: go
        on from the last snapshot, and write one where enough has been folded since. ``cache``: go
        on from what was fetched last. To write what was decided on the state and on no other, pass
        the version as ``expected_version``, and fetch again on ExpectedVersionError.

        Raises:
            NotAStream, InvalidInput: nothing was read; and for a state that a snapshot cannot hold.
            PayloadMismatch: the data of a message do not fit the model.
            Archived, ArchiveUnavailable, ArchiveCorrupt: as :meth:`get_stream_messages`; what a
                snapshot or the cache has is not read.
            And what a function of the projection raises, with a note that names the message.
        """
        check_stream(stream_name)
        check_batch_size(batch_size)
        _check_kind(projection, Projection)
        if snapshots is not None:
            _check_kind(snapshots, Snapshots)
        if cache is not None:
            _check_kind(cache, EntityCache)

        # Before anything is read: the read finds all that there is up to here. It may be past the
        # last message, where that was deleted, and a write has to expect it.
        head = await self.stream_version(stream_name)
        head = -1 if head is None else head

        key = (self.dsn, self.schema, stream_name, projection)
        cached = None if cache is None else cache.get(key, projection)
        # A state that is ahead of its stream (a TRUNCATE, or a restored backup) would give a
        # version that the stream does not have.
        if cache is not None and cached and cached.version > head:
            cache.discard(key)
            cached = None
        start = cached
        if start is None and snapshots is not None:
            start = await _from_snapshot(self, stream_name, projection, snapshots, head)
        if start is None:
            start = Kept(projection.initial(), -1)

        state, version = start.state, start.version
        async for message in self.get_stream_messages(stream_name, version + 1, batch_size):
            state = projection.apply(state, message)
            version = message.position
        version = max(version, head)

        end = Kept(state, version, start.recorded)
        if snapshots is not None and not snapshots.read_only and _is_due(end, snapshots):
            end = await _recorded(self, stream_name, projection, snapshots, end)
        known = cached and (cached.version, cached.recorded)
        if cache is not None and version >= 0 and known != (version, end.recorded):
            cache.put(key, projection, end)
        return Entity(stream_name, state, version)


async def _from_snapshot(
    store: AsyncStreams,
    stream_name: str,
    projection: Projection[Any],
    snapshots: Snapshots,
    head: int,
) -> Kept | None:
    message = await _last(store, stream_name, snapshots)
    kept = recorded(projection, message) if message else None
    return None if kept is None or kept.version > head else kept


async def _recorded(
    store: AsyncStreams,
    stream_name: str,
    projection: Projection[Any],
    snapshots: Snapshots,
    end: Kept,
) -> Kept:
    """Write a snapshot, unless another process has; the state with the version of the last one."""
    message = await _last(store, stream_name, snapshots)
    if message:
        if is_newer(projection, message):
            return end
        there = recorded(projection, message)
        if there and end.recorded < there.version <= end.version:
            end = Kept(end.state, end.version, there.version)
            if not _is_due(end, snapshots):
                return end
    data = record(projection, end.state, end.version)
    await store.write_message(snapshots.stream_name(stream_name), RECORDED, data)
    return Kept(end.state, end.version, end.version)


def _is_due(end: Kept, snapshots: Snapshots) -> bool:
    return end.version - end.recorded >= snapshots.every


async def _last(store: AsyncStreams, stream_name: str, snapshots: Snapshots) -> Message | None:
    try:
        return await store.get_last_stream_message(snapshots.stream_name(stream_name), RECORDED)
    except Archived:
        # A snapshot that is nowhere to be read saves no time, and is no reason not to answer.
        return None


def _check_kind(value: Any, kind: type) -> None:
    if not isinstance(value, kind):
        raise InvalidInput(f"Not a coldstream.{kind.__name__}: {value!r}")
