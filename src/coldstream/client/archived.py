"""What the ledger says of chunks that have left the database."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeAlias

from coldstream.client.errors import no_store_row
from coldstream.errors import Archived
from coldstream.messages.message import Message, WriteResult
from coldstream.settings import ArchiveReads

if TYPE_CHECKING:
    from coldstream.archive.read.reader import ArchiveReader
    from coldstream.archive.storage.block_cache import BlockCache
    from coldstream.archive.storage.budget import Budget


LISTED = 8
"""Chunks that a read asks the ledger for at first: most want a page or two."""
LISTED_GROWTH = 4
"""Each later time the read asks for this many times more, and so soon for all of them."""
ALL = 2**31
"""More chunks than there can be."""


Range: TypeAlias = tuple[datetime, datetime]
"""From a time to another, which it excludes."""


@dataclass(frozen=True)
class LedgerFile:
    """A chunk's object in the archive: what :class:`~coldstream.archive.read.reader.ArchivedFile`
    needs. ``first_global_position`` and ``last_global_position`` are those of the category that
    was asked for. ``has_stream``: the stream that was asked for begins or ends in it; otherwise it
    may be in it. ``is_elsewhere``: not in the store's own archive, but in that of the store which
    this one was forked from."""

    range_start: datetime
    range_end: datetime
    url: str | None
    is_elsewhere: bool | None
    key: str
    format: str
    bytes: int
    sha256: str
    footer_bytes: int | None
    footer_sha256: str | None
    first_global_position: int
    last_global_position: int
    has_stream: bool = False


@dataclass(frozen=True)
class ArchivedChunks:
    """What has left the database, or the first of it. ``epoch`` changes whenever a range leaves or
    comes back; ``gone`` are ranges (start, end) that were dropped by force and are not in an
    archive. ``next``: there are more than these; of a category it is the first global position that
    may be in one of them."""

    epoch: int
    next: int | None
    chunks: list[LedgerFile]
    gone: list[Range]

    @classmethod
    def from_json(cls, text: str | None) -> ArchivedChunks:
        """From what ``archived_chunks`` gives."""
        listed = _listed(text)
        return cls(listed["epoch"], listed["next"], *_chunks(listed["files"]))

    def check_complete(self) -> None:
        """Raise Archived where a range is nowhere."""
        for range_start, range_end in self.gone:
            raise Archived(
                f"Messages from {range_start} to {range_end} were dropped by force "
                "and are not in an archive",
                hint="Start after them.",
            )


@dataclass(frozen=True)
class ArchivedStream(ArchivedChunks):
    """The same of one stream. ``in_order``: its positions follow the order of the chunks.
    ``version``: its own when they were listed; ``None`` where it has no messages."""

    in_order: bool
    version: int | None

    @classmethod
    def from_json(cls, text: str | None) -> ArchivedStream:
        """From what ``archived_chunks_of_stream`` gives."""
        listed = _listed(text)
        return cls(
            listed["epoch"],
            listed["next"],
            *_chunks(listed["files"]),
            listed["in_order"] is not False,
            listed["version"],
        )

    def hidden(self, before: Message | None, after: Message | None) -> Range | None:
        """A range that is nowhere and may have had messages between these two of the stream, which
        are neighbours in what was found; ``None``: before its first, after its last."""
        for start, end in self.gone:
            is_later = before is None or end > before.time
            is_earlier = after is None or start <= after.time
            # Where positions do not follow time, the times of the two say nothing.
            if (is_later and is_earlier) or not self.in_order:
                return start, end
        return None


def gap_of(rows: list[Any]) -> Any:
    """The last row of a page where it is no message but what the ledger lists: it is taken away."""
    return rows.pop() if rows and rows[-1][0] is None else None


def _listed(text: str | None) -> dict[str, Any]:
    if text is None:
        raise no_store_row()
    listed: dict[str, Any] = json.loads(text)
    return listed


def _chunks(files: Iterable[Sequence[Any]] | None) -> tuple[list[LedgerFile], list[Range]]:
    """The archived ones, and the ranges that are nowhere."""
    chunks: list[LedgerFile] = []
    gone: list[Range] = []
    for start, end, url, is_elsewhere, key, *rest in files or ():
        range_start, range_end = datetime.fromisoformat(start), datetime.fromisoformat(end)
        if key is None:
            gone.append((range_start, range_end))
        else:
            chunks.append(LedgerFile(range_start, range_end, url, is_elsewhere, key, *rest))
    return chunks, gone


class ArchivedIds:
    """Where the messages of streams are in the archive, by their ids: of those that were asked for
    last, at one epoch. So whoever writes to a stream again and again reads its archive once."""

    MOST = 100_000

    def __init__(self) -> None:
        self._epoch = -1
        self._streams: dict[str, dict[str, WriteResult]] = {}
        self._count = 0
        self._lock = Lock()

    def of(self, stream_name: str, epoch: int) -> dict[str, WriteResult] | None:
        with self._lock:
            return self._streams.get(stream_name) if epoch == self._epoch else None

    def keep(self, stream_name: str, epoch: int, ids: dict[str, WriteResult]) -> None:
        """Keep all ids of a stream, in place of other streams' where they are too many."""
        with self._lock:
            if epoch != self._epoch:
                self._epoch, self._streams, self._count = epoch, {}, 0
            self._count -= len(self._streams.pop(stream_name, ()))
            while self._streams and self._count + len(ids) > self.MOST:
                self._count -= len(self._streams.pop(next(iter(self._streams))))
            self._streams[stream_name] = ids
            self._count += len(ids)


class Readers:
    """Archive readers by location: the one the caller names, or else the one in the ledger. They
    share one budget and one cache; each has a memory of its own."""

    def __init__(
        self,
        archive: str | None,
        options: Mapping[str, str] | None,
        reads: ArchiveReads | None = None,
    ) -> None:
        self.reads = ArchiveReads() if reads is None else reads
        self._archive = archive
        self._options = options
        self._readers: dict[tuple[str, ...], ArchiveReader] = {}
        self._shared: tuple[BlockCache | None, Budget] | None = None
        self.ids = ArchivedIds()
        self._lock = Lock()

    def reader(self, chunks: Sequence[LedgerFile]) -> ArchiveReader:
        """The reader for these chunks.

        Raises:
            ArchiveUnavailable: the location cannot be opened.
        """
        from coldstream.archive.read.reader import ArchiveReader
        from coldstream.archive.storage.block_cache import BlockCache
        from coldstream.archive.storage.budget import Budget
        from coldstream.archive.storage.location import ArchiveLocation
        from coldstream.archive.storage.several import SeveralLocations

        urls = {chunk.key: self._url(chunk) for chunk in chunks}
        places = tuple(sorted(set(urls.values())))
        # Two readers of one location would have twice the memory.
        with self._lock:
            if self._shared is None:
                reads = self.reads
                folder = Path(reads.cache).expanduser() if reads.cache else None
                self._shared = (
                    BlockCache(folder, reads.cache_bytes) if folder else None,
                    Budget(reads.requests, reads.bytes_per_second),
                )
            if places not in self._readers:
                cache, budget = self._shared
                opened = {url: ArchiveLocation.open(url, self._options) for url in places}
                self._readers[places] = ArchiveReader(
                    opened[places[0]] if len(places) == 1 else SeveralLocations(opened),
                    memory_bytes=self.reads.memory_bytes,
                    cache=cache,
                    budget=budget,
                )
            reader = self._readers[places]
            if isinstance(reader.location, SeveralLocations):
                reader.location.learn(urls)
            return reader

    def _url(self, chunk: LedgerFile) -> str:
        """The caller's archive stands for the store's own, and for no other."""
        url = chunk.url if chunk.is_elsewhere else self._archive or chunk.url
        assert url is not None
        return url
