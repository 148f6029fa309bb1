"""What is recorded about an archive file's rows, and the order they must come in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from coldstream.archive.format.digest import RowsDigest
from coldstream.archive.format.rows import check_ids, storage
from coldstream.archive.format.times import from_microseconds
from coldstream.archive.storage.sink import HashingSink
from coldstream.errors import ArchiveCorrupt


@dataclass(frozen=True)
class CategorySummary:
    """One category's messages in one range, and the range of their global positions."""

    category: str
    messages: int
    first_global_position: int
    last_global_position: int


@dataclass(frozen=True)
class RowsSummary:
    """What rows come to, of one file or of all of a range. The ranges of no rows are ``None``."""

    rows: int
    streams: int
    digest: str
    first_global_position: int | None
    last_global_position: int | None
    first_time: datetime | None
    last_time: datetime | None
    categories: tuple[CategorySummary, ...]


@dataclass(frozen=True)
class FileStats(RowsSummary):
    """A written file: its rows' summary, the first and the last name of their streams, its bytes,
    and the SHA-256 of them all (hexadecimal).

    ``footer_bytes`` at the end of a Parquet file are its footer, with a SHA-256 of its own; both
    are ``None`` for CSV.
    """

    first_stream_name: str | None
    last_stream_name: str | None
    bytes: int
    sha256: str
    footer_bytes: int | None = None
    footer_sha256: str | None = None


class Summing:
    """Sums up rows as they pass and refuses rows that are out of order.

    The order is ``stream_name`` by its UTF-8 bytes (PostgreSQL's ``COLLATE "C"``), then
    ``position``: a reader finds one stream by row-group ranges only while it holds.
    """

    def __init__(self) -> None:
        self._digest = RowsDigest()
        self._streams = 0
        self._first: tuple[str, int] | None = None
        self._last: tuple[str, int] | None = None
        self._positions: tuple[int, int] | None = None
        self._times: tuple[int, int] | None = None
        self._categories: dict[str, tuple[int, int, int]] = {}

    def add(self, batch: pa.RecordBatch) -> None:
        """Add a record batch of :data:`coldstream.archive.format.rows.SCHEMA`.

        Raises:
            ArchiveCorrupt: out of order, a category that is not its stream's, or an id that is
                no UUID. Nothing of the batch was added.
        """
        if batch.num_rows == 0:
            return
        names, positions = batch.column("stream_name"), batch.column("position")
        self._check_order(names, positions)
        self._check_categories(names, batch.column("category"))
        self._check_ids(batch.column("id"))
        self._digest.update_batch(batch)
        self._streams += len(pc.run_end_encode(names).values)
        if self._last is not None and self._last[0] == names[0].as_py():
            self._streams -= 1
        self._first = self._first or (names[0].as_py(), positions[0].as_py())
        self._last = names[-1].as_py(), positions[-1].as_py()
        self._positions = _widen(self._positions, batch.column("global_position"))
        self._times = _widen(self._times, batch.column("time").cast(pa.int64()))
        grouped = (
            pa.table(
                {"c": batch.column("category"), "g": batch.column("global_position")},
            )
            .group_by("c", use_threads=False)
            .aggregate([("g", "count"), ("g", "min"), ("g", "max")])
        )
        for name, count, low, high in zip(
            *(grouped.column(n).to_pylist() for n in ("c", "g_count", "g_min", "g_max")),
            strict=True,
        ):
            self._add_category(name, count, low, high)

    def add_file(self, following: Summing) -> None:
        """Add what another has summed up: a file's rows, which follow those of the files before.

        Raises:
            ArchiveCorrupt: out of order. Nothing was added.
        """
        if following._first is None:
            return
        if self._last is not None and self._last > following._first:
            raise _disorder(*self._last, *following._first)
        self._digest += following._digest
        self._streams += following._streams
        if self._last is not None and self._last[0] == following._first[0]:
            self._streams -= 1
        self._first = self._first or following._first
        self._last = following._last
        self._positions = _together(self._positions, following._positions)
        self._times = _together(self._times, following._times)
        for name, counted in following._categories.items():
            self._add_category(name, *counted)

    def _add_category(self, name: str, count: int, low: int, high: int) -> None:
        messages, first, last = self._categories.get(name, (0, low, high))
        self._categories[name] = messages + count, min(first, low), max(last, high)

    def _check_order(self, names: Any, positions: Any) -> None:
        if self._last is not None and self._last > (names[0].as_py(), positions[0].as_py()):
            raise _disorder(*self._last, names[0].as_py(), positions[0].as_py())
        if len(names) < 2:
            return
        before, after = names[:-1], names[1:]
        disorder = pc.or_(
            pc.greater(before, after),
            pc.and_(pc.equal(before, after), pc.greater(positions[:-1], positions[1:])),
        )
        at = pc.index(disorder, True).as_py()
        if at >= 0:
            pairs = (names[at], positions[at], names[at + 1], positions[at + 1])
            raise _disorder(*(value.as_py() for value in pairs))

    @staticmethod
    def _check_categories(names: Any, categories: Any) -> None:
        expected = pc.list_element(pc.split_pattern(names, "-", max_splits=1), 0)
        at = pc.index(pc.not_equal(expected, categories), True).as_py()
        if at >= 0:
            raise ArchiveCorrupt(
                f"The stream {names[at].as_py()!r} has the category {categories[at].as_py()!r}"
            )

    @staticmethod
    def _check_ids(ids: Any) -> None:
        # Two texts for one id would be two messages to whoever joins by it.
        try:
            check_ids(ids)
        except ValueError as error:
            raise ArchiveCorrupt(str(error)) from None

    def summary(self) -> RowsSummary:
        """What was added so far."""
        return RowsSummary(**self._fields())

    def stream_names(self) -> dict[str, Any]:
        """The least and the greatest, by their UTF-8 bytes, as fields of :class:`FileStats`."""
        return {
            "first_stream_name": self._first[0] if self._first else None,
            "last_stream_name": self._last[0] if self._last else None,
        }

    def file_stats(self, sink: HashingSink, footer: bytes | None = None) -> FileStats:
        """The same with what the file is: ``footer`` is a Parquet file's own."""
        return FileStats(
            **self._fields(),
            **self.stream_names(),
            bytes=sink.bytes,
            sha256=sink.sha256,
            footer_bytes=None if footer is None else len(footer),
            footer_sha256=None if footer is None else sha256(footer).hexdigest(),
        )

    def _fields(self) -> dict[str, Any]:
        positions, times = self._positions or (None, None), self._times
        return {
            "rows": self._digest.count,
            "streams": self._streams,
            "digest": self._digest.hexdigest(),
            "first_global_position": positions[0],
            "last_global_position": positions[1],
            "first_time": from_microseconds(times[0]) if times else None,
            "last_time": from_microseconds(times[1]) if times else None,
            "categories": tuple(
                CategorySummary(name, *counted)
                for name, counted in sorted(self._categories.items())
            ),
        }


def _widen(so_far: tuple[int, int] | None, column: Any) -> tuple[int, int]:
    low, high = (value.as_py() for value in pc.min_max(storage(column)).values())
    return _together(so_far, (low, high)) or (low, high)


def _together(one: tuple[int, int] | None, other: tuple[int, int] | None) -> tuple[int, int] | None:
    """The range that holds both."""
    if one is None or other is None:
        return one or other
    return min(one[0], other[0]), max(one[1], other[1])


def _disorder(name: str, position: int, next_name: str, next_position: int) -> ArchiveCorrupt:
    return ArchiveCorrupt(
        f"Rows out of order: {name!r} at {position}, then {next_name!r} at {next_position}",
        hint='Give the rows ordered by stream_name COLLATE "C", position.',
    )


def check_range(summary: RowsSummary, range_start: datetime, range_end: datetime) -> None:
    """Prove that the rows lie in a range.

    Raises:
        ArchiveCorrupt: some do not.
    """
    if summary.first_time is None or summary.last_time is None:
        return
    if summary.first_time < range_start or summary.last_time >= range_end:
        raise ArchiveCorrupt(
            f"Messages from {summary.first_time} to {summary.last_time} do not lie in the range"
            f" from {range_start} to {range_end}"
        )
