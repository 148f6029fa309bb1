# Generated from src/coldstream/client/_async/entities.py by `python tools/async_to_sync.py`.
# Do not edit: change the source and run the command (or `make generate`) again.

"""An entity: a stream folded into a state, from a snapshot or a cached state where there is one.

Both are shortcuts and never the truth: what they claim is compared with the stream's head, and a
state that is ahead of the stream, or made by another version of the projection, is not used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from coldstream.client._calls import check_batch_size, check_stream
from coldstream.entities import Entity, EntityCache, Projection, Snapshots
from coldstream.entities.cache import Kept
from coldstream.entities.snapshots import RECORDED, is_newer, record, recorded
from coldstream.errors import Archived, InvalidInput
from coldstream.messages.message import Message

if TYPE_CHECKING:
    from coldstream.client._sync.store import Store

S = TypeVar("S")


def fetch(
    store: Store,
    stream_name: str,
    projection: Projection[S],
    snapshots: Snapshots | None,
    cache: EntityCache | None,
    batch_size: int,
) -> Entity[S]:
    """See :meth:`Store.fetch`."""
    check_stream(stream_name)
    check_batch_size(batch_size)
    _check_kind(projection, Projection)
    if snapshots is not None:
        _check_kind(snapshots, Snapshots)
    if cache is not None:
        _check_kind(cache, EntityCache)

    key = (store.dsn, store.schema, stream_name, projection)
    cached = None if cache is None else cache.get(key, projection)
    if cache is not None and cached and _is_ahead(store, stream_name, cached):
        cache.discard(key)
        cached = None
    start = cached
    if start is None and snapshots is not None:
        start = _from_snapshot(store, stream_name, projection, snapshots)
    if start is None:
        start = Kept(projection.initial(), -1)

    state, version = start.state, start.version
    for message in store.get_stream_messages(stream_name, version + 1, batch_size):
        state = projection.apply(state, message)
        version = message.position

    end = Kept(state, version, start.recorded)
    if snapshots is not None and not snapshots.read_only and _is_due(end, snapshots):
        end = _recorded(store, stream_name, projection, snapshots, end)
    known = cached and (cached.version, cached.recorded)
    if cache is not None and version >= 0 and known != (version, end.recorded):
        cache.put(key, projection, end)
    return Entity(stream_name, state, version)


def _from_snapshot(
    store: Store, stream_name: str, projection: Projection[Any], snapshots: Snapshots
) -> Kept | None:
    message = _last(store, stream_name, snapshots)
    kept = recorded(projection, message) if message else None
    if kept is None or _is_ahead(store, stream_name, kept):
        return None
    return kept


def _recorded(
    store: Store,
    stream_name: str,
    projection: Projection[Any],
    snapshots: Snapshots,
    end: Kept,
) -> Kept:
    """Write a snapshot, unless another process has; the state with the version of the last one."""
    message = _last(store, stream_name, snapshots)
    if message:
        if is_newer(projection, message):
            return end
        there = recorded(projection, message)
        if there and end.recorded < there.version <= end.version:
            end = Kept(end.state, end.version, there.version)
            if not _is_due(end, snapshots):
                return end
    data = record(projection, end.state, end.version)
    store.write_message(snapshots.stream_name(stream_name), RECORDED, data)
    return Kept(end.state, end.version, end.version)


def _is_due(end: Kept, snapshots: Snapshots) -> bool:
    return end.version - end.recorded >= snapshots.every


def _last(store: Store, stream_name: str, snapshots: Snapshots) -> Message | None:
    try:
        return store.get_last_stream_message(snapshots.stream_name(stream_name), RECORDED)
    except Archived:
        # A snapshot that is nowhere to be read saves no time, and is no reason not to answer.
        return None


def _is_ahead(store: Store, stream_name: str, kept: Kept) -> bool:
    """Whether the stream ends before the state does: a TRUNCATE, or a restored backup. A state that
    is ahead would give a version that the stream does not have."""
    version = store.stream_version(stream_name)
    return version is None or version < kept.version


def _check_kind(value: Any, kind: type) -> None:
    if not isinstance(value, kind):
        raise InvalidInput(f"Not a coldstream.{kind.__name__}: {value!r}")
