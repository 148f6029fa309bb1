"""Who may ask the object store for something, and when.

Two kinds of reads share it: of one stream, which somebody is waiting for, and of a category, which
may be the whole history. The second never uses the last requests that are allowed, gives way to
every waiting one of the first kind, and is alone in waiting for its bytes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Clock:
    """The time in seconds, and waiting for a condition."""

    def now(self) -> float:
        return time.monotonic()

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        condition.wait(seconds)


class Budget:
    """``requests`` at the same time at most, and ``bytes_per_second`` (``None``: any number).
    Safe to share between threads; who asks for a request waits in its thread."""

    def __init__(
        self, requests: int, bytes_per_second: int | None = None, *, clock: Clock | None = None
    ) -> None:
        self._requests = requests
        # A replay leaves a quarter free, where there is more than one.
        self._replays = max(1, requests - max(1, requests // 4))
        self._rate = bytes_per_second
        self._clock = clock or Clock()
        self._condition = threading.Condition()
        self._running = self._replaying = self._waiting = self._waiting_replays = 0
        self._paid_at = self._clock.now()  # when the bytes that were asked for are paid for

    @property
    def waiting(self) -> tuple[int, int]:
        """Requests of streams, and of replays, that wait for others to end."""
        with self._condition:
            return self._waiting, self._waiting_replays

    @contextmanager
    def request(self, size: int, *, replay: bool) -> Iterator[None]:
        """One request for ``size`` bytes. ``replay``: for a category, and not for a stream."""
        with self._condition:
            if replay:
                self._wait_for_replay()
            else:
                self._wait_for_stream()
            self._running += 1
            self._replaying += replay
            if self._rate:
                self._paid_at = max(self._paid_at, self._clock.now()) + size / self._rate
        try:
            yield
        finally:
            with self._condition:
                self._running -= 1
                self._replaying -= replay
                self._condition.notify_all()

    def _wait_for_stream(self) -> None:
        self._waiting += 1
        try:
            while self._running >= self._requests:
                self._clock.wait(self._condition, None)
        finally:
            # Replays that gave way may go on, if there is a place left.
            self._waiting -= 1
            self._condition.notify_all()

    def _wait_for_replay(self) -> None:
        while True:
            unpaid = self._paid_at - self._clock.now() if self._rate else 0.0
            if self._waiting or self._running >= self._requests or self._replaying >= self._replays:
                self._waiting_replays += 1
                try:
                    self._clock.wait(self._condition, None)
                finally:
                    self._waiting_replays -= 1
            elif unpaid > 0:
                self._clock.wait(self._condition, unpaid)
            else:
                return
