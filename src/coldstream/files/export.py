"""Messages of a store into a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeAlias, get_args

from coldstream.client._sync import Client
from coldstream.errors import InvalidInput
from coldstream.files import places, tables
from coldstream.files.compression import Counting, compressing, compression_of
from coldstream.files.lines import WRITERS, LineFormat
from coldstream.files.scrub import Scrub
from coldstream.files.selection import Selection, selected
from coldstream.messages.message import Message

FileFormat: TypeAlias = Literal["ndjson", "eventodb", "parquet"]
FORMATS: tuple[FileFormat, ...] = get_args(FileFormat)

_AT_ONCE = 1_000

OnMessages: TypeAlias = Callable[[int], object]
"""Called as an export or an import goes on, with how many messages are done."""


def no_messages(done: int, /) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class Exported:
    """What was written. ``bytes``: of the file, compressed; of a dry run ``None``.
    ``unused_rules``: the paths of scrub rules that changed nothing."""

    target: str
    format: FileFormat
    messages: int
    bytes: int | None
    first_global_position: int | None
    last_global_position: int | None
    unused_rules: tuple[str, ...] = ()


def export(
    store: Client,
    target: str,
    selection: Selection,
    *,
    format: FileFormat | None = None,
    scrub: Scrub | None = None,
    overwrite: bool = False,
    dry_run: bool = False,
    progress: OnMessages = no_messages,
) -> Exported:
    """Write the messages of a selection to a file; see ``Store.export``."""
    format = checked_format(format, target)
    options = store.archive_options
    places.check_target(target, options, overwrite=overwrite)
    summing = _Summing(progress)
    messages: Iterable[Message] = selected(store, selection)
    if scrub is not None:
        messages = scrub(messages)
    messages = summing(messages)
    size = None
    if dry_run:
        for _ in messages:
            pass
    else:
        with places.writing(target, options) as file:
            size = _write(file, messages, format, target)
    return Exported(
        target,
        format,
        summing.count,
        size,
        summing.first,
        summing.last,
        tuple(rule.text for rule in scrub.unused) if scrub and summing.count else (),
    )


def checked_format(format: str | None, place: str) -> FileFormat:
    """The format that was asked for, or that the name says.

    Raises:
        InvalidInput: there is no such format, or it cannot be compressed so.
    """
    name = place.removesuffix(".gz").removesuffix(".zst").removesuffix(".zstd")
    if format is None:
        format = "parquet" if name.endswith(".parquet") else "ndjson"
    if format not in FORMATS:
        raise InvalidInput(f"No file format {format!r}: choose {', '.join(FORMATS)}")
    if format == "parquet" and compression_of(place):
        raise InvalidInput(
            f"{place}: a Parquet file is compressed inside", hint="Name it .parquet."
        )
    return format


def _write(file: BinaryIO, messages: Iterable[Message], format: FileFormat, target: str) -> int:
    """The bytes that it took."""
    sink = Counting(file)
    if format == "parquet":
        tables.write_messages(sink, messages)
    else:
        with compressing(sink, compression_of(target)) as out:
            _write_lines(out, messages, format)
    return sink.bytes


def _write_lines(out: Any, messages: Iterable[Message], format: LineFormat) -> None:
    line = WRITERS[format]
    rest = iter(messages)
    while some := "".join(map(line, islice(rest, _AT_ONCE))):
        out.write(some.encode())


class _Summing:
    """Counts what passes."""

    def __init__(self, progress: OnMessages) -> None:
        self.count = 0
        self.first: int | None = None
        self.last: int | None = None
        self._progress = progress

    def __call__(self, messages: Iterable[Message]) -> Iterator[Message]:
        for message in messages:
            if self.first is None:
                self.first = message.global_position
            self.last = message.global_position
            self.count += 1
            if self.count % _AT_ONCE == 0:
                self._progress(self.count)
            yield message
        self._progress(self.count)


def scrub_of(rules: str | Path | None) -> Scrub | None:
    """The rules in a file of this name.

    Raises:
        InvalidInput: it cannot be read, or has no rules.
    """
    if rules is None:
        return None
    try:
        text = Path(rules).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"The scrub rules {rules} cannot be read: {error}") from None
    return Scrub(text)
