"""Values that are made ahead of who uses them."""

from __future__ import annotations

import threading
from collections.abc import Generator
from threading import Event

import pytest

from coldstream.archive.storage.ahead import RunAhead, Stopped

WAIT = 10


class Numbers:
    """Numbers from 0 on, and who asked for them. ``reached`` is released for each that is made."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.made: list[int] = []
        self.threads: set[threading.Thread] = set()
        self.reached = threading.Semaphore(0)
        self.closed = False

    def __call__(self, stop: Event) -> Generator[int]:
        try:
            for number in range(self.count):
                if stop.is_set():
                    raise Stopped
                self.threads.add(threading.current_thread())
                self.made.append(number)
                self.reached.release()
                yield number
        finally:
            self.closed = True


def taken(ahead: RunAhead[int]) -> list[int]:
    found = []
    while (value := ahead.next()) is not None:
        found.append(value)
    return found


def test_before_it_is_started_nothing_is_made_that_was_not_asked_for() -> None:
    numbers = Numbers(3)
    ahead = RunAhead(numbers)
    assert (ahead.next(), ahead.next(), numbers.made) == (0, 1, [0, 1])
    assert numbers.threads == {threading.current_thread()}
    assert (ahead.next(), ahead.next(), numbers.closed) == (2, None, True)


def test_one_value_is_ready_and_another_is_being_made() -> None:
    numbers = Numbers(10)
    ahead = RunAhead(numbers)
    assert ahead.next() == 0
    ahead.start()
    ahead.start()
    for _ in range(3):
        assert numbers.reached.acquire(timeout=WAIT)
    # The third would be more than may be in memory: 1 waits to be taken, 2 for 1.
    assert not numbers.reached.acquire(timeout=0.1)
    assert numbers.made == [0, 1, 2]
    assert taken(ahead) == list(range(1, 10))
    assert len(numbers.threads) == 2
    assert ahead.next() is None


def test_closing_stops_it_and_closes_what_it_reads() -> None:
    numbers = Numbers(10**9)
    ahead = RunAhead(numbers)
    ahead.start()
    assert ahead.next() == 0
    ahead.close()
    ahead.close()
    assert numbers.closed
    assert len(numbers.made) < 10
    assert not any(thread.is_alive() for thread in numbers.threads)


def test_what_is_never_started_is_closed_too() -> None:
    numbers = Numbers(10)
    ahead = RunAhead(numbers)
    ahead.next()
    ahead.close()
    assert numbers.closed


@pytest.mark.parametrize("started", [True, False])
def test_an_error_comes_after_the_values_before_it(started: bool) -> None:
    def failing(stop: Event) -> Generator[int]:
        yield 1
        raise KeyError("no such thing")

    ahead = RunAhead(failing)
    if started:
        ahead.start()
    assert ahead.next() == 1
    with pytest.raises(KeyError, match="no such thing"):
        ahead.next()
    ahead.close()
