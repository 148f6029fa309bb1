"""Messages of a file into a store: the whole file is checked before anything is written."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import BinaryIO, Literal, TypeAlias

from coldstream.client._sync import Client
from coldstream.client.arguments import check_global_positions, import_arguments
from coldstream.errors import InvalidInput
from coldstream.files import places, tables
from coldstream.files.bring import BATCH, Bringing, Numbered
from coldstream.files.compression import lines_of
from coldstream.files.export import OnMessages, no_messages
from coldstream.files.lines import messages_of
from coldstream.files.seen import Seen
from coldstream.messages.message import Message

GlobalPositions: TypeAlias = Literal["new", "keep"]

_NUL = "\\u0000"
_POSITION, _DIGEST = 8, 16
"""Bytes of a key."""
_MOST = 100_000
"""Names that are kept in memory."""


@dataclass(frozen=True)
class Imported:
    """What a file holds, and the store has now. ``messages``: all of the file's, also those that
    were there before. Positions are the file's, ``None`` where it has none."""

    source: str
    messages: int
    first_global_position: int | None
    last_global_position: int | None
    first_time: datetime | None
    last_time: datetime | None


def import_file(
    store: Client,
    source: str,
    *,
    global_positions: GlobalPositions = "new",
    batch_size: int = BATCH,
    dry_run: bool = False,
    checking: OnMessages = no_messages,
    progress: OnMessages = no_messages,
) -> Imported:
    """Bring the messages of a file along; see ``Store.import_file``."""
    keep = check_global_positions(global_positions)
    with places.reading(source, store.archive_options) as file:
        read = partial(_messages, file, places.name_of(source))
        found = _check(read, source, keep, checking)
        if not dry_run:
            Bringing(store, keep, batch_size, progress).run(read())
    return found


def _messages(file: BinaryIO, name: str) -> Iterator[Numbered]:
    file.seek(0)
    if tables.is_parquet(file):
        return tables.messages_of(file, name)
    return messages_of(lines_of(file, name))


def _check(
    read: Callable[[], Iterator[Numbered]], source: str, keep: bool, progress: OnMessages
) -> Imported:
    """Read all of it and find what is wrong in it alone.

    Raises:
        InvalidInput: the first line that is wrong, and how.
    """
    count = 0
    first = last = 0
    first_time = last_time = datetime.max.replace(tzinfo=UTC)
    last_number = 0
    names: dict[str, bytes] = {}
    types: set[str] = set()
    with Seen() as ids, Seen(_POSITION + _DIGEST) as positions:
        for number, message in read():
            name = message.stream_name
            digest = names.get(name)
            if digest is None or message.type not in types:
                _check_message(number, message)
                if len(names) + len(types) > _MOST:
                    names.clear()
                    types.clear()
                types.add(message.type)
                digest = names[name] = hashlib.blake2b(name.encode(), digest_size=_DIGEST).digest()
            data, metadata = message.data_text, message.metadata_text
            if (data and _NUL in data) or (metadata and _NUL in metadata):
                _check_message(number, message)
            given = message.global_position
            if not given:
                if keep or first:
                    raise InvalidInput(
                        f"Line {number} has no global position",
                        hint="global positions can be kept where every line has one.",
                    )
            elif given <= last or (count and not first):
                raise InvalidInput(
                    f"Line {number} is out of order: global position {given} after {last}, "
                    f"on line {last_number}",
                    hint="The lines must be in the order of global positions. Was the file put "
                    "together of several, or sorted otherwise?",
                )
            if not count:
                first = given
                first_time = last_time = message.time
            last, last_number = given, number
            time = message.time
            if time < first_time:
                first_time = time
            elif time > last_time:
                last_time = time
            ids.add(message.id.bytes, number)
            positions.add(message.position.to_bytes(_POSITION, "little") + digest, number)
            count += 1
            if not count % 10_000:
                progress(count)
        progress(count)
        for what, seen in (("the id", ids), ("the stream and position", positions)):
            if twice := seen.twice():
                raise InvalidInput(
                    f"Line {twice[1]} has {what} of line {twice[0]}",
                    hint="Leave one of them out. Nothing was imported.",
                )
    if not count:
        return Imported(source, 0, None, None, None, None)
    return Imported(source, count, first or None, last or None, first_time, last_time)


def _check_message(number: int, message: Message) -> None:
    try:
        if not message.stream_name:
            raise InvalidInput("The stream name is empty")
        import_arguments([message])
    except InvalidInput as error:
        raise InvalidInput(f"Line {number}: {error}", hint=error.hint) from None
