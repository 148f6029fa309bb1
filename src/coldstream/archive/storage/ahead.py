"""Results made before their user asks for them: one of a function, or those of an iterator."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Condition, Event, Thread
from typing import Generic, TypeVar

A = TypeVar("A")
T = TypeVar("T")


def one_ahead(function: Callable[[A], T], arguments: Iterable[A]) -> Generator[T]:
    """What a function gives for one argument after another, in a thread: the next call is under
    way while the caller is at the result before it. Two results are in memory at most. Closing the
    iterator waits for the call that is under way."""
    with ThreadPoolExecutor(1, "coldstream-ahead") as pool:
        running = None
        for argument in arguments:
            following = pool.submit(function, argument)
            if running is not None:
                yield running.result()
            running = following
        if running is not None:
            yield running.result()


class Stopped(Exception):
    """Raised in an iterator that looks at its flag, when nobody wants what it would give."""


class RunAhead(Generic[T]):
    """The values of an iterator, which is made with a flag that says when to stop.

    Until :meth:`start` it runs in the caller's thread. From then on it runs in one of its own,
    and has one value ready, and never more, before it is asked for. For one user at a time.
    """

    def __init__(self, make: Callable[[Event], Generator[T]]) -> None:
        self._stop = Event()
        self._source = make(self._stop)
        self._thread: Thread | None = None
        self._changed = Condition()
        self._ready: list[T] = []
        self._ended = False
        self._error: BaseException | None = None

    def start(self) -> None:
        if self._thread is None:
            # A daemon, because who leaves the iterator open may end the process.
            self._thread = Thread(target=self._run, name="coldstream-ahead", daemon=True)
            self._thread.start()

    def next(self) -> T | None:
        """The next value; ``None`` after the last one. Raises what the iterator raised."""
        if self._thread is None:
            return next(self._source, None)
        with self._changed:
            self._changed.wait_for(lambda: self._ready or self._ended)
            if self._ready:
                self._changed.notify_all()
                return self._ready.pop()
        if self._error is not None:
            raise self._error
        return None

    def close(self) -> None:
        """Close the iterator, when it has come to look at its flag."""
        with self._changed:
            self._stop.set()
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
        self._source.close()

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            for value in self._source:
                with self._changed:
                    self._changed.wait_for(lambda: not self._ready or self._stop.is_set())
                    if self._stop.is_set():
                        break
                    self._ready.append(value)
                    self._changed.notify_all()
                # It would be in memory while the next one is made.
                del value
        except BaseException as raised:
            error = raised
        with self._changed:
            self._error, self._ended = error, True
            self._changed.notify_all()
