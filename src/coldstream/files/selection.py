"""Which messages an export is of, and how they are read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile

from coldstream.client._sync import Client
from coldstream.client._sync.statements import connections_of
from coldstream.client.arguments import check_category, check_number, check_stream
from coldstream.errors import InvalidInput
from coldstream.messages.message import Message
from coldstream.messages.names import category

_PAGE = 1000


@dataclass(frozen=True)
class Selection:
    """Everything, or what every field that is given allows.

    ``position`` and ``last_position``: the first and the last one; of one stream its positions,
    else global ones. ``start`` and ``end``: times, the end not included.

    Raises:
        InvalidInput: no category or stream, or a range that ends before it starts.
    """

    categories: tuple[str, ...] = ()
    streams: tuple[str, ...] = ()
    position: int | None = None
    last_position: int | None = None
    start: datetime | None = None
    end: datetime | None = None

    def __post_init__(self) -> None:
        for each in self.categories:
            check_category(each)
        for each in self.streams:
            check_stream(each)
        for number in (self.position, self.last_position):
            if number is not None and check_number("position", number) < 0:
                raise InvalidInput(f"A position before the first one: {number}")
        for time in (self.start, self.end):
            if time is not None and time.tzinfo is None:
                raise InvalidInput(f"A time without a time zone: {time}")
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise InvalidInput(f"The range ends before it starts: {self.start} to {self.end}")
        if (
            self.position is not None
            and self.last_position is not None
            and self.position > self.last_position
        ):
            raise InvalidInput(f"The positions end before they start: {self.position}")

    @property
    def one_stream(self) -> str | None:
        """Where it is of one stream and nothing else."""
        return self.streams[0] if len(self.streams) == 1 and not self.categories else None

    @property
    def one_category(self) -> str | None:
        """The category that all of it is in."""
        found = {*self.categories, *map(category, self.streams)}
        return found.pop() if len(found) == 1 else None


def selected(store: Client, selection: Selection) -> Iterator[Message]:
    """The messages, from every tier: of one stream in its order, of anything else in that of global
    positions. What several categories or streams share is read once."""
    rows = connections_of(store).rows
    stream, one = selection.one_stream, selection.one_category
    source = stream or one or ""
    first = selection.position or 0
    if selection.start is not None:
        first = max(first, rows("position_at", [source, selection.start])[0][0])
    last = selection.last_position
    if selection.end is not None and stream is None:
        # Where every chunk of that time is closed, nothing of it comes later.
        bound = rows("last_position_before", [selection.end])[0][0]
        last = bound if last is None else last if bound is None else min(last, bound)
    if stream is not None:
        found = store.get_stream_messages(stream, first, _PAGE)
    elif one is not None:
        found = store.get_category_messages(one, max(first, 1), _PAGE)
    else:
        found = store.get_all_messages(max(first, 1), _PAGE)
    if last is not None:
        end = last
        found = (
            takewhile(lambda m: m.position <= end, found)
            if stream is not None
            else takewhile(lambda m: m.global_position <= end, found)
        )
    if (stream is None and selection.streams) or len(selection.categories) > 1:
        categories, streams = frozenset(selection.categories), frozenset(selection.streams)
        found = (m for m in found if m.stream_name in streams or m.category in categories)
    if selection.start is not None or selection.end is not None:
        start = selection.start or datetime.min.replace(tzinfo=UTC)
        stop = selection.end or datetime.max.replace(tzinfo=UTC)
        found = (m for m in found if start <= m.time < stop)
    return iter(found)
