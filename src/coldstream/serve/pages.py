"""Pages of archived messages, and readings that go on.

A category page brings the files of a stretch in order of global position; a reader that comes back
for the next page would pay for that again. So what a page leaves unread is kept for whoever asks
for what follows it, for a while and for a few readers: a cache, which holds nothing that cannot be
read again.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Generator, Hashable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from threading import Lock

from coldstream.archive.storage.memory import give_back
from coldstream.client.archived import LedgerFile, Readers
from coldstream.errors import InvalidInput
from coldstream.messages.message import Message
from coldstream.serve.requests import CategoryRequest, Request, StreamRequest

_END = 2**63


@dataclass
class _Reading:
    """Messages of a category up to ``upto``, which it includes, of these files. ``waiting``: read,
    and not given."""

    found: Generator[list[Message]]
    upto: int
    files: Sequence[LedgerFile]
    waiting: list[Message] = field(default_factory=list)
    used_at: float = 0.0

    def close(self) -> None:
        self.found.close()


class Pages:
    """Answers requests; safe to share between threads.

    ``most``: readings that are kept; ``seconds``: how long one is kept that nobody asks for."""

    def __init__(self, readers: Readers, *, most: int = 16, seconds: float = 30.0) -> None:
        self._readers = readers
        self._most = most
        self._seconds = seconds
        self._readings: OrderedDict[Hashable, _Reading] = OrderedDict()
        self._lock = Lock()

    def page(self, request: Request) -> list[Message]:
        """
        Raises:
            ArchiveUnavailable, ArchiveCorrupt: the files cannot be read, or are not what was
                written.
            InvalidInput: no such page.
        """
        if request.limit < 1 or request.position < 0:
            raise InvalidInput("A page has a limit of at least 1, and a position of at least 0")
        if not request.files:
            return []
        if isinstance(request, StreamRequest):
            return self._of_stream(request)
        return self._of_category(request)

    def tidy(self) -> None:
        """Close the readings that nobody came back for, and give free memory back."""
        latest = time.monotonic() - self._seconds
        with self._lock:
            old = [key for key, each in self._readings.items() if each.used_at < latest]
            closing = [self._readings.pop(key) for key in old]
        for each in closing:
            each.close()
        give_back()

    def close(self) -> None:
        with self._lock:
            closing = list(self._readings.values())
            self._readings.clear()
        for each in closing:
            each.close()

    def _of_stream(self, request: StreamRequest) -> list[Message]:
        reader = self._readers.reader(request.files)
        certain = {file.key for file in request.files if file.has_stream}
        found = reader.read_stream(
            request.files,
            request.stream_name,
            request.position,
            certain=certain,
            in_order=request.in_order,
        )
        return list(islice(found, request.limit))

    def _of_category(self, request: CategoryRequest) -> list[Message]:
        page: list[Message] = []
        position = request.position
        while position <= request.last:
            reading = self._going_on(request, position) or self._begin(request, position)
            following: int | None = None
            try:
                following = _fill(page, reading, request)
            finally:
                if following is None:
                    reading.close()
            if following is not None:
                self._keep(_key(request, following), reading)
                return page
            position = reading.upto + 1
        return page

    def _begin(self, request: CategoryRequest, position: int) -> _Reading:
        files: Sequence[LedgerFile] = [
            file for file in request.files if file.last_global_position >= position
        ]
        if not files:
            return _Reading(_nothing(), request.last, files)
        found = self._readers.reader(files).read_category_batches(
            files,
            request.category,
            position,
            None if request.last >= _END - 1 else request.last,
            correlation=request.correlation,
            consumer_group_member=request.consumer_group_member,
            consumer_group_size=request.consumer_group_size,
            head=request.limit,
        )
        return _Reading(found, request.last, files)

    def _going_on(self, request: CategoryRequest, position: int) -> _Reading | None:
        """A reading that was left here, if it is of the same files: a copy of the database asks
        with the same epoch, and need not have archived the same since."""
        with self._lock:
            reading = self._readings.pop(_key(request, position), None)
        if reading is None:
            return None
        end = min(reading.upto, request.last)
        if _between(reading.files, position, end) == _between(request.files, position, end):
            return reading
        reading.close()
        return None

    def _keep(self, key: Hashable, reading: _Reading) -> None:
        reading.used_at = time.monotonic()
        closing = []
        with self._lock:
            # Two that are at the same place: one is enough.
            if (same := self._readings.pop(key, None)) is not None:
                closing.append(same)
            self._readings[key] = reading
            while len(self._readings) > self._most:
                closing.append(self._readings.popitem(last=False)[1])
        for each in closing:
            each.close()


def _fill(page: list[Message], reading: _Reading, request: CategoryRequest) -> int | None:
    """Add to a page what belongs to it. Where the next page begins; ``None`` where the reading
    ended before this one was full."""
    while True:
        if not reading.waiting:
            batch = next(reading.found, None)
            if batch is None:
                return None
            reading.waiting = batch
        some = reading.waiting[: request.limit - len(page)]
        # A reading may have been begun for more than this request's.
        within = [each for each in some if each.global_position <= request.last]
        page += within
        reading.waiting = reading.waiting[len(within) :]
        if len(page) == request.limit:
            return page[-1].global_position + 1
        if len(within) < len(some):
            return request.last + 1


def _between(files: Sequence[LedgerFile], first: int, last: int) -> set[tuple[str, str]]:
    """Which files may have messages of these positions."""
    return {
        (file.key, file.sha256)
        for file in files
        if file.last_global_position >= first and file.first_global_position <= last
    }


def _nothing() -> Generator[list[Message]]:
    yield from ()


def _key(request: CategoryRequest, position: int) -> Hashable:
    return (
        request.epoch,
        request.category,
        request.correlation,
        request.consumer_group_member,
        request.consumer_group_size,
        position,
    )
