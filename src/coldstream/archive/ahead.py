"""One result ahead of who uses them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

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
