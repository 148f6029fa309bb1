"""Streams and categories over many archive files, in one order."""

from __future__ import annotations

import os
from collections.abc import Container, Generator, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from hashlib import sha256
from heapq import merge
from itertools import islice
from pathlib import Path
from threading import Event
from typing import BinaryIO, Protocol, TypeAlias

import pyarrow as pa

from coldstream.archive.format.csv import CsvRows
from coldstream.archive.format.footers import Footer, parse_footer
from coldstream.archive.format.parquet_rows import ParquetRows, open_parquet
from coldstream.archive.format.summary import CategorySummary
from coldstream.archive.manifest.manifest import Manifest
from coldstream.archive.read.files_in_order import FilesInOrder
from coldstream.archive.read.matching import Matching
from coldstream.archive.read.merge import merged
from coldstream.archive.read.ordering import RowSource, tables_in_global_order
from coldstream.archive.storage.block_cache import BlockCache, FileBlocks
from coldstream.archive.storage.budget import Budget
from coldstream.archive.storage.faults import reported
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.archive.storage.memory import MemoryCache
from coldstream.archive.storage.remote_file import RemoteFile
from coldstream.archive.storage.several import SeveralLocations
from coldstream.archive.storage.spool import hash_of, spool_file
from coldstream.errors import ArchiveCorrupt
from coldstream.messages.message import Message

_PART = 8 * 1024 * 1024

# Messages of a stream that are brought in order of position at a time: at first, and at most.
_LOWEST, _GROWTH, _LOWEST_AT_MOST = 1_000, 4, 16_000
_NO_END = 2**63

# The key of an object, and a message of it.
_Found: TypeAlias = tuple[str, Message]


class ArchivedFile(Protocol):
    """What the reader must know of a file. Files of one range come in their order, and have its
    start; their positions may be those of the category that is asked for."""

    @property
    def key(self) -> str: ...
    @property
    def format(self) -> str: ...
    @property
    def bytes(self) -> int: ...
    @property
    def sha256(self) -> str: ...
    @property
    def footer_bytes(self) -> int | None: ...
    @property
    def footer_sha256(self) -> str | None: ...
    @property
    def range_start(self) -> datetime: ...
    @property
    def first_global_position(self) -> int | None: ...
    @property
    def last_global_position(self) -> int | None: ...


class ArchiveReader:
    """Reads messages of archived objects from one location. Safe to share between threads.

    ``spool_dir`` (the system's temporary folder by default) takes what does not fit in memory
    while a category is brought in order. Footers of Parquet files, and the decoded row groups of
    streams that were asked for, are kept: the last used, ``memory_bytes`` of them at most. So
    asking for them again costs no request; ``cache`` keeps what was fetched for them in a folder.
    ``budget`` is asked before every request. Every method raises ArchiveUnavailable when an object
    cannot be read, and ArchiveCorrupt when it is not what was written.
    """

    def __init__(
        self,
        location: ArchiveLocation | SeveralLocations,
        *,
        spool_dir: Path | None = None,
        memory_bytes: int = 64 * 1024 * 1024,
        cache: BlockCache | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.location = location
        self._cache = cache
        self._budget = budget
        self._spool_dir = spool_dir
        self.memory = MemoryCache(memory_bytes)

    def read_stream(
        self,
        objects: Iterable[ArchivedFile | Manifest],
        stream_name: str,
        position: int = 0,
        *,
        certain: Container[str] = (),
        in_order: bool = False,
    ) -> Iterator[Message]:
        """One stream's messages from ``position`` on, in position order.

        Positions need not follow time: history may be imported in any order. So every object is
        looked at before the first message is given. ``in_order``: the stream's positions do follow
        the order of the ranges; then objects are opened one after another, each when the one before
        has been read. ``certain``: keys of objects that have the stream; a request less is made for
        them.

        Raises:
            ArchiveCorrupt: a position twice; and one that does not follow although ``in_order``
                says so.
        """
        files = sorted(_files_of_stream(objects, stream_name), key=lambda each: each.range_start)
        if in_order or len({each.range_start for each in files}) < 2:
            found = self._one_after_another(files, stream_name, position, certain)
        else:
            found = self._by_position(files, stream_name, position, certain)
        last = position - 1
        for key, message in found:
            # Out of order, or twice, an answer would be wrong silently.
            if message.position <= last:
                raise ArchiveCorrupt(
                    f"The stream {stream_name!r} has position {message.position} after"
                    f" {last} in {self.location.url_of(key)}"
                )
            last = message.position
            yield message

    def _one_after_another(
        self,
        files: list[ArchivedFile],
        stream_name: str,
        position: int,
        certain: Container[str],
    ) -> Iterator[_Found]:
        for each in files:
            with self._opened(each, replay=False) as rows:
                for message in rows.stream(stream_name, position, certain=each.key in certain):
                    yield each.key, message

    def _by_position(
        self,
        files: list[ArchivedFile],
        stream_name: str,
        position: int,
        certain: Container[str],
    ) -> Iterator[_Found]:
        """The lowest positions of all files, some thousands at a time: only they are in memory,
        and one file is open."""
        size = _LOWEST
        while files:
            lowest: list[_Found] = []
            going_on: list[tuple[ArchivedFile, int]] = []
            for each in files:
                with self._opened(each, replay=False) as rows:
                    messages = rows.stream(stream_name, position, certain=each.key in certain)
                    found = [(each.key, message) for message in islice(messages, size + 1)]
                if found:
                    # One more than is taken: so the last one of a file is known to be its last.
                    end = found[-1][1].position if len(found) <= size else _NO_END
                    going_on.append((each, end))
                    lowest = list(islice(merge(lowest, found, key=_position), size))
            if not lowest:
                return
            yield from lowest
            position = lowest[-1][1].position + 1
            files = [each for each, end in going_on if end >= position]
            size = min(size * _GROWTH, _LOWEST_AT_MOST)

    def read_category_batches(
        self,
        objects: Iterable[ArchivedFile | Manifest],
        category: str | None,
        position: int = 0,
        to_position: int | None = None,
        *,
        correlation: str | None = None,
        consumer_group_member: int | None = None,
        consumer_group_size: int | None = None,
        head: int | None = None,
    ) -> Generator[list[Message]]:
        """A category's messages (``None``: all) in global order from ``position`` on: in lists as
        they come from the files, of some thousands at most, never empty.

        ``to_position`` is inclusive. The files of one range are read as one; ranges that overlap
        are merged, and each is opened when the order first reaches it. The filters are
        ``get_category_messages``' own; see :mod:`coldstream.archive.read.filters`. ``head``: how
        many messages the caller wants first, and may be content with.
        """
        ranges: dict[datetime, list[ArchivedFile]] = {}
        for each in _files(objects, category):
            low, high = each.first_global_position, each.last_global_position
            if low is None or high is None or high < position:
                continue
            if to_position is None or low <= to_position:
                ranges.setdefault(each.range_start, []).append(each)
        found = [
            (min(each.first_global_position or 0 for each in files), files)
            for files in ranges.values()
        ]

        def tables(files: list[ArchivedFile], on: bool, stop: Event) -> Generator[pa.Table]:
            return self._tables(files, category, position, to_position, on, rows, stop)

        # A member's streams are a part of all.
        rows = head and head * (consumer_group_size or 1)
        matching = Matching(correlation, consumer_group_member, consumer_group_size)
        return merged(found, tables, matching, position)

    def _tables(
        self,
        files: list[ArchivedFile],
        category: str | None,
        first: int,
        last: int | None,
        reading_on: bool,
        head: int | None,
        stop: Event,
    ) -> Generator[pa.Table]:
        with ExitStack() as stack:
            if len(files) == 1:
                rows: RowSource = stack.enter_context(self._opened(files[0], replay=True))
            else:
                open_file = partial(self._opened, replay=True)
                csv = files[0].format == "csv"
                in_order = FilesInOrder(files, open_file, keep=csv)
                rows = stack.enter_context(closing(in_order))
            yield from tables_in_global_order(
                rows,
                category,
                first,
                last,
                spool_dir=self._spool_dir,
                reading_on=reading_on,
                head=head,
                stop=stop,
            )

    @contextmanager
    def _opened(self, each: ArchivedFile, *, replay: bool) -> Iterator[ParquetRows | CsvRows]:
        if each.format == "csv":
            with self._downloaded(each, replay) as spool:
                yield CsvRows(spool)
            return
        file = RemoteFile(
            lambda start, length: self._fetch(each, start, length, replay),
            each.bytes,
            self.location.url_of(each.key),
            FileBlocks(self._cache, each.sha256) if self._cache else None,
        )
        footer = self._footer(each, file)
        rows = open_parquet(file, footer, _Groups(self.memory, each.sha256))
        try:
            yield rows
        finally:
            rows.close()

    def _footer(self, each: ArchivedFile, file: RemoteFile) -> Footer:
        # By what it must be, not by the object's key alone: a footer that was proved for one
        # manifest says nothing of another.
        key = ("footer", each.key, each.footer_sha256)
        footer: Footer | None = self.memory.get(key)
        if footer is None:
            size = each.footer_bytes or 0
            file.hold([(each.bytes - size, size)])
            file.seek(-size, os.SEEK_END)
            tail = file.read(size)
            file.release()
            # Ranges in a damaged footer would skip messages silently, or worse.
            if sha256(tail).hexdigest() != each.footer_sha256:
                raise ArchiveCorrupt(f"{self.location.url_of(each.key)} has another footer")
            footer = parse_footer(tail)
            self.memory.put(key, footer)
        return footer

    @contextmanager
    def _downloaded(self, each: ArchivedFile, replay: bool) -> Iterator[BinaryIO]:
        # CSV has no checksums of its own: only the whole object's hash tells a changed byte, and
        # it must tell before the first message is given.
        with spool_file(self._spool_dir) as spool:
            for start in range(0, each.bytes, _PART):
                data = self._fetch(each, start, min(_PART, each.bytes - start), replay)
                with reported("write the downloaded object"):
                    spool.write(data)
            found, _ = hash_of(spool)
            if found != each.sha256:
                url = self.location.url_of(each.key)
                raise ArchiveCorrupt(f"{url} has the SHA-256 {found}, not {each.sha256}")
            yield spool

    def _fetch(self, each: ArchivedFile, start: int, length: int, replay: bool) -> bytes:
        if self._budget is None:
            return self.location.get_range(each.key, start, length)
        with self._budget.request(length, replay=replay):
            return self.location.get_range(each.key, start, length)


class _Groups:
    """One object's decoded row groups in the memory of all."""

    def __init__(self, memory: MemoryCache, sha256: str) -> None:
        self._memory = memory
        self._sha256 = sha256

    @property
    def limit(self) -> int:
        return self._memory.limit

    def get(self, number: int) -> pa.Table | None:
        table: pa.Table | None = self._memory.get((self._sha256, number))
        return table

    def put(self, number: int, table: pa.Table) -> None:
        self._memory.put((self._sha256, number), table)


def _position(found: _Found) -> int:
    return found[1].position


def _files_of_stream(
    objects: Iterable[ArchivedFile | Manifest], stream_name: str
) -> Iterator[ArchivedFile]:
    """The files, and of a manifest's those that the stream may be in."""
    for each in objects:
        if not isinstance(each, Manifest):
            yield each
            continue
        for file in each.archived_files:
            first, last = file.first_stream_name, file.last_stream_name
            # Code points order as UTF-8 bytes do.
            if first is None or last is None or first <= stream_name <= last:
                yield file


def _files(
    objects: Iterable[ArchivedFile | Manifest], category: str | None
) -> Iterator[ArchivedFile]:
    """The files, and of a manifest's those that the category may be in, where it may be."""
    for each in objects:
        if not isinstance(each, Manifest):
            yield each
            continue
        if category is None:
            yield from each.archived_files
            continue
        for known in each.categories:
            if known.category == category:
                yield from _narrowed(each, known)


def _narrowed(manifest: Manifest, known: CategorySummary) -> Iterator[ArchivedFile]:
    for file in manifest.archived_files:
        if file.first_global_position is None or file.last_global_position is None:
            continue
        low = max(file.first_global_position, known.first_global_position)
        high = min(file.last_global_position, known.last_global_position)
        if low <= high:
            yield replace(file, first_global_position=low, last_global_position=high)
