# Generated from src/coldstream/client/_async/written.py by `python tools/async_to_sync.py`.
# Do not edit: change the source and run the command (or `make generate`) again.

"""Finds messages that were written before, by their ids: what an idempotent write does first.

The database says where an id is in its stream, whatever form it is in. What has left the database
is looked for in the archive: in the files that may have the stream, to its end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from coldstream.client._arrays import varchar_array
from coldstream.client._sync.connections import Connections
from coldstream.client._sync.retries import connection_lost, retried_rows
from coldstream.client._sync.stream_merge import listed_of
from coldstream.client.archived import ALL, ArchivedIds, Readers
from coldstream.client.arguments import Idempotent, Key, MessageArguments, write_rows_arguments
from coldstream.client.concurrency import in_thread_sync
from coldstream.errors import (
    ArchiveUnavailable,
    DuplicateMessageId,
    ExpectedVersionError,
    Unavailable,
)
from coldstream.messages.message import Message, WriteResult

_PAGE = 1000
_TRIES = 3


def find_written(
    connections: Connections, readers: Readers | None, keys: Collection[Key]
) -> dict[Key, WriteResult]:
    """Where messages with these ids are in these streams; those that are. Without readers, what
    has left the database is not looked at.

    Raises:
        ArchiveUnavailable: a part of the stream is in the archive, and that cannot be read.
    """
    if not keys:
        return {}
    while True:
        found, archived = _in_database(connections, keys)
        if readers is None:
            return found
        for (stream_name, epoch), ids in archived.items():
            moved = _in_archive(connections, readers, stream_name, ids, epoch, found)
            if moved:
                # What was in the archive may be in the database by now, and was looked for there
                # before.
                break
        else:
            return found


def _in_database(
    connections: Connections, keys: Collection[Key]
) -> tuple[dict[Key, WriteResult], dict[tuple[str, int], set[str]]]:
    """What is found; and by stream, and the epoch of the archive that this is true of, the ids that
    may be in that."""
    names, ids = zip(*keys, strict=True)
    arguments = [varchar_array(names), varchar_array(ids)]
    found: dict[Key, WriteResult] = {}
    archived: dict[tuple[str, int], set[str]] = defaultdict(set)
    for name, id, position, global_position, epoch in retried_rows(
        connections, "find_messages", arguments
    ):
        if position is None:
            archived[name, epoch].add(id)
        else:
            found[name, id] = WriteResult(position, global_position)
    return found, archived


def _in_archive(
    connections: Connections,
    readers: Readers,
    stream_name: str,
    ids: set[str],
    epoch: int,
    found: dict[Key, WriteResult],
) -> bool:
    """Add those of these ids that are in the archive. Whether something has moved since the
    epoch."""
    listed = listed_of(connections, stream_name, 0, ALL)
    if listed.epoch != epoch:
        return True
    if not listed.chunks:
        return False
    known = readers.ids.of(stream_name, epoch)
    if known is not None:
        found |= {(stream_name, id): known[id] for id in ids if id in known}
        return False
    archived: dict[str, WriteResult] = {}
    is_whole = True
    try:
        reader = in_thread_sync(readers.reader, listed.chunks)
        messages = reader.read_stream(listed.chunks, stream_name, in_order=listed.in_order)
        while page := in_thread_sync(_page, messages):
            for message in page:
                archived[str(message.id)] = WriteResult(message.position, message.global_position)
            found |= {(stream_name, id): archived[id] for id in ids if id in archived}
            if all((stream_name, id) in found for id in ids):
                return False
            if len(archived) > ArchivedIds.MOST:
                archived.clear()
                is_whole = False
        if is_whole:
            readers.ids.keep(stream_name, epoch, archived)
    except ArchiveUnavailable as error:
        raise ArchiveUnavailable(
            f"Whether the message was written before cannot be found out: {error}",
            hint="A part of its stream is in the archive alone. Give the store its archive; or "
            "pass idempotent='database' where what may be repeated is younger than that.",
        ) from error
    return False


def _page(messages: Iterator[Message]) -> list[Message]:
    return list(islice(messages, _PAGE))


def readers_for(idempotent: Idempotent, readers: Readers) -> Readers | None:
    """What to look into beside the database."""
    return None if idempotent == "database" else readers


def write_once(
    connections: Connections,
    readers: Readers | None,
    rows: Sequence[MessageArguments],
    expected_versions: Mapping[str, int],
    *,
    new_ids: bool = False,
) -> list[WriteResult]:
    """Write those of the messages that are not in their streams already, in one transaction, and
    give the positions of all. Repeated when the connection is lost: that cannot write twice.
    ``new_ids``: they were made for this call, so that nothing can have them yet.

    Raises:
        ExpectedVersionError: of a stream that something is new for.
        DuplicateMessageId: the id is in another stream.
    """
    keys = list(dict.fromkeys((row[1], row[0]) for row in rows))
    results: dict[Key, WriteResult] = {}
    tries = 1
    while True:
        missing = [key for key in keys if key not in results]
        if not new_ids:
            results |= find_written(connections, readers, missing)
        new_ids = False
        new = [(key, row) for key, row in _by_key(rows) if key not in results]
        if not new:
            return [results[row[1], row[0]] for row in rows]
        names = {stream_name for (stream_name, _), _ in new}
        versions = {name: v for name, v in expected_versions.items() if name in names}
        statement, arguments = _statement([row for _, row in new], versions)
        try:
            written = connections.rows(statement, arguments)
        except (DuplicateMessageId, ExpectedVersionError):
            # Another did the same meanwhile; or this one, whose answer was lost.
            if not find_written(connections, readers, [key for key, _ in new]):
                raise
        except Unavailable as error:
            if tries == _TRIES or not connection_lost(error):
                raise
            tries += 1
        else:
            for (key, _), row in zip(new, written, strict=True):
                results[key] = WriteResult(*row)


def _by_key(rows: Sequence[MessageArguments]) -> Iterator[tuple[Key, MessageArguments]]:
    seen: set[Key] = set()
    for row in rows:
        key = row[1], row[0]
        if key not in seen:
            seen.add(key)
            yield key, row


def _statement(
    rows: Sequence[MessageArguments], versions: Mapping[str, int]
) -> tuple[str, tuple[Any, ...]]:
    if len(rows) == 1:
        [row] = rows
        return "write_message", (*row, versions.get(row[1]))
    return "write_messages", write_rows_arguments(rows, versions)


def not_imported(
    connections: Connections, readers: Readers | None, messages: Sequence[Message]
) -> list[Message]:
    """Those of the messages that are not in their streams already.

    Raises:
        DuplicateMessageId: one is, at another position.
    """
    found = find_written(
        connections, readers, [(each.stream_name, str(each.id)) for each in messages]
    )
    rest = []
    for each in messages:
        result = found.get((each.stream_name, str(each.id)))
        if result is None:
            rest.append(each)
        elif result.position != each.position:
            raise DuplicateMessageId(
                f"The message {each.id} of {each.stream_name} is at position {result.position}, "
                f"not {each.position}",
                hint="It was not brought along by this import. Was it written anew?",
            )
    return rest
