"""What an archived range holds of each stream, sent to the database some thousand streams at a
time."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa

from coldstream.archive.manifest.manifest import Manifest
from coldstream.errors import LifecycleError
from coldstream.lifecycle.session import Session

_STREAMS = 10_000
_ROWS = 1_000_000


@dataclass
class _Stream:
    name: str
    first_time: datetime
    last_time: datetime
    in_order: bool = True
    positions: array[int] = field(default_factory=lambda: array("q"))


class RestoredStreams:
    """The heads and marks of the streams of one range, from its rows in the archive's order.

    ``in_database``: some of the rows are in the database already. A position that the database has
    in another range is refused: two histories went on from one backup.
    """

    def __init__(self, session: Session, manifest: Manifest, *, in_database: bool) -> None:
        self._session = session
        self._manifest = manifest
        self._in_database = in_database
        self._ended: list[_Stream] = []
        self._rows = 0
        self._stream: _Stream | None = None
        self._last: datetime | None = None
        self._taken = self._taken_global_positions()

    def add_batch(self, batch: pa.RecordBatch) -> None:
        """Rows as a record batch of the archive's columns."""
        names = ("stream_name", "position", "time", "global_position")
        self.add(zip(*(batch[name].to_pylist() for name in names), strict=True))

    def add(self, rows: Iterable[tuple[str, int, datetime, int]]) -> None:
        """Rows as (stream name, position, time, global position).

        Raises:
            LifecycleError: the database has one of them in another range.
        """
        for name, position, time, global_position in rows:
            if global_position in self._taken:
                raise _conflict(f"The global position {global_position}")
            stream = self._stream
            if stream is None or name != stream.name:
                self._end()
                self._stream = stream = _Stream(name, time, time)
            elif self._last is not None and time < self._last:
                stream.in_order = False
            stream.first_time = min(stream.first_time, time)
            stream.last_time = max(stream.last_time, time)
            stream.positions.append(position)
            self._last = time
            self._rows += 1

    def finish(self) -> None:
        """Send what is left."""
        self._end()
        self._send()

    def _end(self) -> None:
        if self._stream is not None:
            self._ended.append(self._stream)
            if len(self._ended) >= _STREAMS or self._rows >= _ROWS:
                self._send()
        self._stream = None

    def _send(self) -> None:
        streams, self._ended, self._rows = self._ended, [], 0
        if not streams:
            return
        names = [each.name for each in streams]
        firsts = [each.positions[0] for each in streams]
        lasts = [each.positions[-1] for each in streams]
        self._check(streams, names, firsts, lasts)
        range_start = self._manifest.range_start
        self._session.rows(
            "restore_heads",
            [
                names,
                firsts,
                lasts,
                [each.first_time for each in streams],
                [each.last_time for each in streams],
                [each.in_order for each in streams],
                range_start if self._in_database else None,
            ],
        )
        if not self._in_database:
            self._session.rows("restore_marks", [range_start, names, firsts])

    def _check(
        self, streams: list[_Stream], names: list[str], firsts: list[int], lasts: list[int]
    ) -> None:
        manifest = self._manifest
        arguments = [names, firsts, lasts, manifest.range_start, manifest.range_end]
        taken = self._session.rows("taken_positions", arguments)
        positions = {each.name: each.positions for each in streams} if taken else {}
        for name, position in taken:
            if position in positions[name]:
                raise _conflict(f"Position {position} of the stream {name}")

    def _taken_global_positions(self) -> frozenset[int]:
        manifest = self._manifest
        if manifest.first_global_position is None:
            return frozenset()
        rows = self._session.rows(
            "taken_global_positions",
            {
                "first": manifest.first_global_position,
                "last": manifest.last_global_position,
                "start": manifest.range_start,
                "end": manifest.range_end,
            },
        )
        return frozenset(position for (position,) in rows)


def _conflict(what: str) -> LifecycleError:
    return LifecycleError(
        f"{what} is in the archive, and others in the database",
        hint="The database was written to after it was restored. Restore it once more and rebuild "
        "before anybody writes, or make it a store of its own: coldstream archive fork.",
    )


def by_stream(rows: Iterable[tuple[object, ...]]) -> Iterator[tuple[str, int, datetime, int]]:
    """Archived rows as :meth:`RestoredStreams.add` takes them."""
    for global_position, position, time, name, *_ in rows:
        yield name, position, time, global_position  # type: ignore[misc]
