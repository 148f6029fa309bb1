"""Messages of a file into a store: the whole file is checked before anything is written."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from typing import BinaryIO, Literal, TypeAlias

from coldstream.client._sync import Client
from coldstream.client._sync.statements import connections_of, rows_over
from coldstream.client.arguments import check_global_positions, import_arguments
from coldstream.client.concurrency import Ahead
from coldstream.errors import ColdstreamError, InvalidInput, Unavailable
from coldstream.files import places, tables
from coldstream.files.compression import lines_of
from coldstream.files.export import OnMessages, no_messages
from coldstream.files.lines import messages_of
from coldstream.files.seen import Seen
from coldstream.messages.message import Message

GlobalPositions: TypeAlias = Literal["new", "keep"]
Numbered: TypeAlias = tuple[int, Message]

BATCH = 20_000
_BATCH_BYTES = 16_000_000
"""Of JSON: a batch is in memory, here and at the server."""


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
            _write(store, read, keep, batch_size, progress)
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
    first_time: datetime | None = None
    last_time: datetime | None = None
    last_number = 0
    names: set[str] = set()
    with Seen() as ids, Seen() as positions:
        for number, message in read():
            name = message.stream_name
            if name not in names:
                _check_message(number, message)
                if len(names) > 100_000:
                    names.clear()
                names.add(name)
            if "\\u0000" in (message.data_text or "") or "\\u0000" in (message.metadata_text or ""):
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
            last, last_number = given, number
            time = message.time
            if first_time is None or time < first_time:
                first_time = time
            if last_time is None or time > last_time:
                last_time = time
            ids.add(message.id.bytes, number)
            key = f"{message.position} {name}".encode()
            positions.add(hashlib.blake2b(key, digest_size=16).digest(), number)
            count += 1
            if count % 10_000 == 0:
                progress(count)
        progress(count)
        for what, seen in (("the id", ids), ("the stream and position", positions)):
            if twice := seen.twice():
                raise InvalidInput(
                    f"Line {twice[1]} has {what} of line {twice[0]}",
                    hint="Leave one of them out. Nothing was imported.",
                )
    return Imported(source, count, first or None, last or None, first_time, last_time)


def _check_message(number: int, message: Message) -> None:
    try:
        if not message.stream_name:
            raise InvalidInput("The stream name is empty")
        import_arguments([message])
    except InvalidInput as error:
        raise InvalidInput(f"Line {number}: {error}", hint=error.hint) from None


def _write(
    store: Client,
    read: Callable[[], Iterator[Numbered]],
    keep: bool,
    batch_size: int,
    progress: OnMessages,
) -> None:
    """A transaction for each batch. The next one is read while the server is at one."""
    connections = connections_of(store)
    messages = read()
    done = 0
    progress(done)
    sent: tuple[Ahead[object], list[Numbered]] | None = None
    try:
        while True:
            batch = _batch(messages, batch_size)
            arguments = import_arguments([each for _, each in batch], keep) if batch else ()
            if sent is not None:
                before, sent = sent, None
                _settle(store, *before, done, keep)
                done += len(before[1])
                progress(done)
            if not batch:
                return
            sent = Ahead(connections.rows, "import_messages", arguments), batch
    finally:
        if sent is not None:
            sent[0].drop()


def _batch(messages: Iterator[Numbered], most: int) -> list[Numbered]:
    batch: list[Numbered] = []
    size = 0
    for each in islice(messages, most):
        batch.append(each)
        size += len(each[1].data_text or "") + len(each[1].metadata_text or "")
        if size >= _BATCH_BYTES:
            break
    return batch


def _settle(
    store: Client, sent: Ahead[object], batch: Sequence[Numbered], done: int, keep: bool
) -> None:
    """
    Raises:
        ColdstreamError: what the server refused, with the number of its line.
    """
    try:
        sent.result()
    except Unavailable:
        raise
    except ColdstreamError as error:
        number = _first_wrong(store, batch, keep)
        # It stays the error that it is, whatever that is made of.
        error.args = (f"Line {number}: {error}",)
        error.hint = (
            f"{error.hint or ''} The {done} messages of the batches before are in the store. Mend "
            "the file and import it again: what is there is left as it is."
        ).strip()
        raise


def _first_wrong(store: Client, batch: Sequence[Numbered], keep: bool) -> int:
    """The number of the first message that the store refuses. Halves are tried and taken back."""
    low, high = 0, len(batch) - 1
    while low < high:
        middle = (low + high) // 2
        if _is_refused(store, [each for _, each in batch[: middle + 1]], keep):
            high = middle
        else:
            low = middle + 1
    return batch[low][0]


class _TakenBack(Exception):
    """Ends a transaction whose work is not to stay."""


def _is_refused(store: Client, messages: list[Message], keep: bool) -> bool:
    with connections_of(store).connection() as connection:
        try:
            with connection.transaction():
                arguments = import_arguments(messages, keep)
                rows_over(connection, store.schema, "import_messages", arguments)
                raise _TakenBack
        except _TakenBack:
            return False
        except Unavailable:
            raise
        except ColdstreamError:
            return True
