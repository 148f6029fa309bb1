"""The messages that an appender has accepted and not answered yet. No I/O, no waiting.

A category is in one batch at a time, and its messages leave in the order they came: its writers
would only wait for each other's lock, and a batch that fails must not be overtaken.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from coldstream.client._entries import Entry
from coldstream.client.arguments import check_number
from coldstream.errors import InvalidInput

# A call of write_messages is in memory whole, on both sides.
_MAX_BATCH_CHARACTERS = 8_000_000


@dataclass(frozen=True)
class Options:
    """See ``Store.appender``."""

    max_batch_size: int = 1000
    max_pending: int = 10_000
    max_flushes: int = 4
    linger: float = 0.0

    def __post_init__(self) -> None:
        for name in ("max_batch_size", "max_pending", "max_flushes"):
            if check_number(name, getattr(self, name)) < 1:
                raise InvalidInput(f"{name} must be at least 1: {getattr(self, name)}")
        if not 0 <= self.linger <= 60:
            raise InvalidInput(f"linger must be 0 to 60 seconds: {self.linger}")


@dataclass(frozen=True)
class Batch:
    """Messages of one category or several, in the order of the calls."""

    entries: Sequence[Entry]
    categories: Sequence[str]


class Statistics:
    """How many messages went into how many transactions."""

    def __init__(self) -> None:
        self.batches = 0
        """Transactions committed."""
        self.messages = 0
        """Messages written by them."""

    @property
    def mean_batch(self) -> float:
        """Messages a transaction, 0.0 before the first one."""
        return self.messages / self.batches if self.batches else 0.0

    def _count(self, written: Sequence[int]) -> None:
        self.batches += len(written)
        self.messages += sum(written)


class Pending:
    """Queues by category. ``claim`` says whether an entry's caller still wants it written."""

    def __init__(
        self, options: Options, max_flushes: Callable[[], int], claim: Callable[[Entry], bool]
    ) -> None:
        self._options = options
        self._max_flushes = max_flushes
        self._claim = claim
        self._queues: dict[str, deque[Entry]] = {}
        self._ready: deque[str] = deque()
        self._starting = 0
        self._flushing = 0
        self._number = 0
        self._hurried = 0
        self._waiting = 0
        self.count = 0
        """Accepted and neither answered nor withdrawn."""

    @property
    def full(self) -> bool:
        """Whether no more may be accepted now."""
        return self.count >= self._options.max_pending

    @property
    def worth_a_flush(self) -> bool:
        """Whether the next batch gains nothing from waiting for more messages."""
        if not self._ready:
            return True
        queue = self._queues[self._ready[0]]
        return not queue or queue[0].number <= self._hurried

    def start(self) -> bool:
        """Whether to begin another flush, which is to :meth:`take` its batch."""
        # What is nearly always so comes first: a category waits for the batch it is in.
        if self._starting >= len(self._ready):
            return False
        if self._starting + self._flushing >= self._max_flushes():
            return False
        self._starting += 1
        return True

    def add(self, entry: Entry) -> None:
        self._number += 1
        entry.number = self._number
        self.count += 1
        self._waiting += 1
        if self._waiting >= self._options.max_batch_size or self.full:
            # Nobody waits longer for the sake of a larger batch, whatever category it is in.
            self._hurried = self._number
        queue = self._queues.get(entry.category)
        if queue is None:
            queue = self._queues[entry.category] = deque()
            self._ready.append(entry.category)
        queue.append(entry)

    def withdraw(self, entry: Entry) -> None:
        """The caller has given up an entry that was not taken."""
        self.count -= 1
        self._waiting -= 1

    def take(self) -> Batch | None:
        """The batch of a flush that was begun, to be given to :meth:`finish`; ``None``: no more.

        Where more categories are ready than flushes are free, they share a transaction.
        """
        self._starting -= 1
        free = max(1, self._max_flushes() - self._flushing)
        share = -(-len(self._ready) // free)
        entries: list[Entry] = []
        categories: list[str] = []
        size = 0
        while len(categories) < share and len(entries) < self._options.max_batch_size:
            category = self._ready.popleft()
            categories.append(category)
            queue = self._queues[category]
            while queue and len(entries) < self._options.max_batch_size:
                if entries and size + queue[0].size > _MAX_BATCH_CHARACTERS:
                    break
                entry = queue.popleft()
                if self._claim(entry):
                    entry.taken = True
                    entries.append(entry)
                    size += entry.size
        if len(categories) > 1:
            entries.sort(key=attrgetter("number"))
        batch = Batch(entries, categories)
        self._flushing += 1
        self._waiting -= len(entries)
        if entries:
            return batch
        self.finish(batch)
        return None

    def finish(self, batch: Batch) -> None:
        """The batch has been answered: its categories may go into the next."""
        self._flushing -= 1
        self.count -= len(batch.entries)
        for category in batch.categories:
            if self._queues[category]:
                # Behind the others, or a busy category would keep a quiet one waiting.
                self._ready.append(category)
            else:
                del self._queues[category]

    def abandon(self) -> list[Entry]:
        """Every entry that is in no batch: no flush will take them, and all are to be withdrawn."""
        entries = [entry for queue in self._queues.values() for entry in queue]
        for category in self._ready:
            del self._queues[category]
        self._ready.clear()
        for queue in self._queues.values():
            queue.clear()
        return entries
