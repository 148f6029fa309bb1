"""Messages on their way into one transaction: which can go in together, and what became of each.

Each has the outcome it would have had if they had been written one after another. One transaction
takes all or none and knows one expected version a stream, so a plan leaves out the messages that
are sure to fail once the others are written, and says so when they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from coldstream.client.arguments import (
    Idempotent,
    MessageArguments,
    check_idempotent,
    write_rows_arguments,
)
from coldstream.client.errors import duplicate_id, wrong_version
from coldstream.errors import ColdstreamError
from coldstream.messages.message import WriteResult
from coldstream.messages.names import category


class Entry:
    """A message that an appender has accepted.

    ``future``: what its caller waits for. ``number``: in the order of the calls. ``taken``: into a
    batch, so that it can no longer be withdrawn. ``size``: characters of JSON. ``new_id``: its id
    was made for it, so that nothing can have it yet.
    """

    __slots__ = (
        "arguments",
        "category",
        "expected_version",
        "future",
        "id",
        "idempotent",
        "new_id",
        "number",
        "outcome",
        "size",
        "stream_name",
        "taken",
    )

    def __init__(
        self,
        arguments: MessageArguments,
        expected_version: int | None = None,
        idempotent: Idempotent = False,
        *,
        new_id: bool = False,
    ) -> None:
        self.arguments = arguments
        self.id, self.stream_name, _, data, metadata = arguments
        self.category = category(self.stream_name)
        self.size = len(data or "") + len(metadata or "")
        self.expected_version = expected_version
        self.idempotent = check_idempotent(idempotent)
        self.new_id = new_id
        self.future: Any = None
        self.number = 0
        self.taken = False
        self.outcome: WriteResult | BaseException | None = None


@dataclass
class _Stream:
    """A stream in a plan. ``version`` is the one before the call, where it is known or expected."""

    version: int | None
    accepted: list[int] = field(default_factory=list)


class Plan:
    """What of a batch goes into one call of ``write_messages``.

    ``versions``: of streams, as the server gave them a moment ago. What relies on one makes the
    call expect it, so a plan made from a stale version writes nothing.
    """

    def __init__(self, entries: Iterable[Entry], versions: Mapping[str, int]) -> None:
        self.accepted: list[Entry] = []
        self._wrong_version: list[tuple[Entry, int | None, int | None]] = []
        self._streams: dict[str, _Stream] = {}
        for entry in entries:
            name = entry.stream_name
            stream = self._streams.get(name)
            if stream is None:
                stream = self._streams[name] = _Stream(versions.get(name))
            before = stream.version
            if entry.expected_version is not None:
                before = entry.expected_version - len(stream.accepted)
                # A first message's version is the server's to judge; one that follows others in
                # the batch cannot follow -1 of them.
                impossible = before < -1 and bool(stream.accepted)
                if impossible or stream.version not in (None, before):
                    last = stream.accepted[-1] if stream.accepted else None
                    self._wrong_version.append((entry, last, stream.version))
                    continue
            stream.version = before
            stream.accepted.append(len(self.accepted))
            self.accepted.append(entry)

    @property
    def statement(self) -> tuple[str, tuple[Any, ...]]:
        """The named statement that writes what was accepted, and its arguments."""
        versions = {
            name: stream.version
            for name, stream in self._streams.items()
            if stream.version is not None and stream.accepted
        }
        if len(self.accepted) == 1:
            [entry] = self.accepted
            return "write_message", (*entry.arguments, versions.get(entry.stream_name))
        rows = [entry.arguments for entry in self.accepted]
        return "write_messages", write_rows_arguments(rows, versions)

    def settle(self, results: Sequence[WriteResult]) -> None:
        """Give each its outcome. ``results``: of what was accepted, in order."""
        for entry, result in zip(self.accepted, results, strict=True):
            entry.outcome = result
        for entry, last, version in self._wrong_version:
            actual = version if last is None else results[last].position
            assert actual is not None
            assert entry.expected_version is not None
            entry.outcome = wrong_version(
                entry.stream_name, expected=entry.expected_version, actual=actual
            )


def runs(entries: Sequence[Entry]) -> list[list[Entry]]:
    """The entries in as many lists as it takes for no list to have an id twice.

    The second one is for the server to judge, once the first one is written or is not.
    """
    if len({entry.id for entry in entries}) == len(entries):
        return [list(entries)]
    found: list[list[Entry]] = [[]]
    ids: set[str] = set()
    for entry in entries:
        if entry.id in ids:
            found.append([])
            ids.clear()
        ids.add(entry.id)
        found[-1].append(entry)
    return found


def same_id(entry: Entry) -> ColdstreamError:
    return duplicate_id(f"Key (id)=({entry.id}) already exists.")


def expecting(entries: Iterable[Entry]) -> list[str]:
    """The streams of which a version is expected."""
    return list(dict.fromkeys(e.stream_name for e in entries if e.expected_version is not None))


def fail(entries: Sequence[Entry], error: BaseException) -> None:
    """Give each the error, as an exception of its own: raising one adds to its traceback."""
    for entry in entries:
        another = type(error).__new__(type(error), *error.args)
        another.__dict__.update(error.__dict__)
        another.__cause__ = error.__cause__
        entry.outcome = another
