"""What was decoded, kept in memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any, Protocol

import pyarrow as pa


class Sized(Protocol):
    """A value that knows about how many bytes it takes."""

    @property
    def nbytes(self) -> int: ...


class MemoryCache:
    """The values that were used last, ``limit`` bytes of them at most. Safe to share between
    threads. A value larger than the limit is not kept."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.nbytes = 0
        self._values: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Any:
        """The value, or ``None``."""
        with self._lock:
            found = self._values.get(key)
            if found is None:
                return None
            self._values.move_to_end(key)
            return found[0]

    def put(self, key: Hashable, value: Sized) -> None:
        size = value.nbytes
        with self._lock:
            self._forget(key)
            if size > self.limit:
                return
            self._values[key] = value, size
            self.nbytes += size
            while self.nbytes > self.limit:
                self._forget(next(iter(self._values)))

    def _forget(self, key: Hashable) -> None:
        if (found := self._values.pop(key, None)) is not None:
            self.nbytes -= found[1]


def give_back() -> None:
    """Give free memory back to the system. Arrow's allocator keeps what each thread has freed, and
    where several threads take turns that comes to more than what is in use."""
    pa.default_memory_pool().release_unused()
