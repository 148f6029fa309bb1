"""Objects whose rows are in global order, read as one.

Mostly their positions follow one another. Where they overlap (a transaction that took its positions
before a chunk ended, and committed after) they are merged. A reader that goes on has the next
table of an object, and the next object, brought in order meanwhile: one of each, for the memory.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Callable, Generator, Iterable
from functools import partial
from operator import attrgetter
from threading import Event
from typing import TypeVar

import pyarrow as pa

from coldstream.archive.format.rows import to_messages
from coldstream.archive.read.ordering import pieces
from coldstream.archive.storage.ahead import RunAhead
from coldstream.archive.storage.memory import give_back
from coldstream.errors import ArchiveCorrupt
from coldstream.messages.message import Message

A = TypeVar("A")
_Filter = Callable[[pa.RecordBatch], pa.RecordBatch]


def merged(
    objects: Iterable[tuple[int, A]],
    tables: Callable[[A, bool, Event], Generator[pa.Table]],
    matching: _Filter,
    first: int,
) -> Generator[list[Message]]:
    """Messages by global position, in lists of some thousands at most, never empty.

    Each object comes with a position before which it has none; it is opened when the order reaches
    that, or a table or two earlier. ``tables`` gives an object's rows in order; it is told whether
    all of them are wanted, and when to stop. ``matching`` leaves out what is not wanted.

    Raises:
        ArchiveCorrupt: a global position twice, or one before ``first``.
    """
    waiting = [(low, number, each) for number, (low, each) in enumerate(objects)]
    waiting.sort(key=lambda each: each[:2], reverse=True)
    # (global position, object's number, messages, the rest): numbers differ, so nothing after them
    # is ever compared.
    heads: list[tuple[int, int, list[Message], _Object]] = []
    before = first - 1
    reading_on = False
    following: _Object | None = None
    opened: list[_Object] = []

    def open_next() -> _Object:
        *_, each = waiting[-1]
        opened.append(_Object(partial(tables, each, reading_on), matching))
        if reading_on:
            opened[-1].start()
        return opened[-1]

    try:
        while heads or waiting:
            # An object comes in as soon as it could hold the next position.
            while waiting and (not heads or waiting[-1][0] <= heads[0][0]):
                rest, following = following or open_next(), None
                _, number, _ = waiting.pop()
                _push(heads, number, rest)
            if not heads:
                break
            _, number, messages, rest = heapq.heappop(heads)
            # All that comes before what any other object has, or may have.
            others = [head[0] for head in heads[:1]] + [low for low, *_ in waiting[-1:]]
            count = _before(messages, min(others)) if others else len(messages)
            if messages[0].global_position <= before or not count:
                position = messages[0].global_position
                raise ArchiveCorrupt(f"The global position {position} is archived twice")
            before = messages[count - 1].global_position
            yield messages[:count]
            # A caller that asks again wants more than a page. Where many objects overlap, all that
            # they have ready would be too much.
            reading_on = True
            if not heads:
                rest.start()
                if waiting and following is None:
                    following = open_next()
            if count < len(messages):
                left = messages[count:]
                heapq.heappush(heads, (left[0].global_position, number, left, rest))
            else:
                _push(heads, number, rest)
            opened = [each for each in opened if not each.ended]
    finally:
        for each in opened:
            each.close()


def _push(heads: list[tuple[int, int, list[Message], _Object]], number: int, rest: _Object) -> None:
    """Put an object's next messages among those of the others."""
    if (messages := rest.next()) is not None:
        heapq.heappush(heads, (messages[0].global_position, number, messages, rest))


def _before(messages: list[Message], position: int) -> int:
    """How many of these come before a global position."""
    return bisect_left(messages, position, key=attrgetter("global_position"))


class _Object:
    """One object's messages in global order, in lists; see :class:`RunAhead`."""

    def __init__(self, make: Callable[[Event], Generator[pa.Table]], matching: _Filter) -> None:
        self._tables = RunAhead(make)
        self._matching = matching
        self._pieces: list[pa.RecordBatch] = []
        self._given = False
        self.ended = False

    def start(self) -> None:
        self._tables.start()

    def next(self) -> list[Message] | None:
        """Messages, or ``None`` after the last one."""
        while True:
            while self._pieces:
                if (batch := self._matching(self._pieces.pop())).num_rows:
                    return to_messages(batch)
            if self._given:
                give_back()
            self._given = True
            if (table := self._tables.next()) is None:
                self.close()
                return None
            self._pieces = pieces(table)[::-1]

    def close(self) -> None:
        self._tables.close()
        self.ended = True
