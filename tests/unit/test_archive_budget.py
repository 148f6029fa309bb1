"""Reads of a stream go before replays, and replays alone wait for bytes. The clock is ours."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack

import pytest
from tests.archive_files import export_rows, read_category
from tests.archive_rows import END, START, batches, make_rows

from coldstream import ArchiveReads, InvalidInput
from coldstream.archive.read.reader import ArchiveReader
from coldstream.archive.storage.budget import Budget, Clock
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.settings import Settings


class Still(Clock):
    """A clock that moves only when somebody waits for a number of seconds."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        if seconds is None:
            condition.wait()
        else:
            self.time += seconds


class Started:
    """A request in a thread of its own that holds its place until it is let go."""

    def __init__(self, budget: Budget, *, replay: bool, order: list[str], name: str) -> None:
        self.inside, self.go = threading.Event(), threading.Event()

        def run() -> None:
            with budget.request(1, replay=replay):
                order.append(name)
                self.inside.set()
                self.go.wait(30)

        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()

    def end(self) -> None:
        self.go.set()
        self.thread.join(30)


def until(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(3_000):
        if condition():
            return
        pause.wait(0.01)
    pytest.fail("It never came to that")


def test_replays_leave_a_place_for_a_stream() -> None:
    budget, order = Budget(4), list[str]()
    replays = [Started(budget, replay=True, order=order, name=f"replay {n}") for n in range(5)]
    until(lambda: len(order) == 3)
    stream = Started(budget, replay=False, order=order, name="stream")
    until(stream.inside.is_set)
    assert order[3:] == ["stream"]
    assert sum(each.inside.is_set() for each in replays) == 3
    stream.end()
    for each in replays:
        each.go.set()
    for each in replays:
        each.end()
    assert len(order) == 6


def test_a_stream_that_waits_goes_before_a_replay_that_waited_longer() -> None:
    budget, order = Budget(1), list[str]()
    first = Started(budget, replay=True, order=order, name="first")
    until(first.inside.is_set)
    replay = Started(budget, replay=True, order=order, name="replay")
    stream = Started(budget, replay=False, order=order, name="stream")
    until(lambda: budget.waiting == (1, 1))
    first.end()
    until(stream.inside.is_set)
    assert order == ["first", "stream"]
    assert not replay.inside.is_set()
    stream.end()
    replay.end()
    assert order == ["first", "stream", "replay"]


def test_there_are_never_more_requests_than_allowed() -> None:
    budget = Budget(3)
    running, most, lock = 0, 0, threading.Lock()

    def work(replay: bool) -> None:
        nonlocal running, most
        for _ in range(50):
            with budget.request(1, replay=replay):
                with lock:
                    running += 1
                    most = max(most, running)
                with lock:
                    running -= 1

    threads = [threading.Thread(target=work, args=(n % 2 == 0,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= most <= 3


def test_a_replay_takes_its_bytes_a_second_and_a_stream_does_not_wait() -> None:
    clock = Still()
    budget = Budget(4, 1_000, clock=clock)
    for _ in range(5):
        with budget.request(2_000, replay=True):
            pass
    assert clock.time == 8  # the fifth began when four had been paid for
    for _ in range(3):
        with budget.request(1_000, replay=False):
            pass
    assert clock.time == 8
    with budget.request(1, replay=True):
        pass
    assert clock.time == 13  # what the stream took counts


def test_time_that_nobody_used_is_not_saved_up() -> None:
    clock = Still()
    budget = Budget(4, 1_000, clock=clock)
    clock.time = 3_600
    for _ in range(3):
        with budget.request(1_000, replay=True):
            pass
    assert clock.time == 3_602


def test_a_failed_request_gives_its_place_back() -> None:
    budget = Budget(1)
    for replay in (True, False, True):
        with pytest.raises(OSError, match="lost"), budget.request(1, replay=replay):
            raise OSError("lost")
    with budget.request(1, replay=True):
        pass


def test_a_reader_asks_for_streams_and_replays() -> None:
    """Two places, both taken, one by a replay: the reader's replay waits, and its stream waits."""
    location = ArchiveLocation.open("memory://")
    rows = make_rows(3_000)
    manifest = export_rows(
        location, batches(rows), schema="s", chunk_name="c", range_start=START, range_end=END
    )
    clock = Still()
    budget = Budget(2, 1_000, clock=clock)
    # Without memory: what the stream decoded would do for the replay.
    reader = ArchiveReader(location, budget=budget, memory_bytes=0)
    assert list(reader.read_stream([manifest], rows[0][3]))
    assert clock.time == 0
    assert sum(1 for _ in read_category(reader, [manifest], None)) == 3_000
    assert clock.time >= manifest.bytes / 1_000 / 2
    with ExitStack() as stack:
        stack.enter_context(budget.request(1, replay=False))
        stack.enter_context(budget.request(1, replay=False))
        fresh = ArchiveReader(location, budget=budget)
        found: list[int] = []
        thread = threading.Thread(
            target=lambda: found.extend(
                m.position for m in fresh.read_stream([manifest], rows[0][3])
            ),
            daemon=True,
        )
        thread.start()
        until(lambda: budget.waiting == (1, 0))
        assert found == []
    thread.join(30)
    assert found


def test_settings_of_the_environment() -> None:
    assert Settings.from_environment({}).archive_reads == ArchiveReads()
    given = Settings.from_environment(
        {
            "COLDSTREAM_ARCHIVE_CACHE": "/tmp/cache",
            "COLDSTREAM_ARCHIVE_CACHE_BYTES": "1000",
            "COLDSTREAM_ARCHIVE_MEMORY_BYTES": "0",
            "COLDSTREAM_ARCHIVE_REQUESTS": "3",
            "COLDSTREAM_ARCHIVE_BYTES_PER_SECOND": "5000",
            "COLDSTREAM_ARCHIVE_FILE_ROWS": "7",
            "COLDSTREAM_ICEBERG": "database",
        }
    )
    assert given == Settings(ArchiveReads(0, "/tmp/cache", 1000, 3, 5000), 7, "database")
    defaults = ArchiveReads(memory_bytes=5, requests=2)
    given = Settings.from_environment({"COLDSTREAM_ARCHIVE_REQUESTS": "3"}, archive_reads=defaults)
    assert given.archive_reads == ArchiveReads(memory_bytes=5, requests=3)
    with pytest.raises(InvalidInput, match="COLDSTREAM_ARCHIVE_FILE_ROWS is not a whole number"):
        Settings.from_environment({"COLDSTREAM_ARCHIVE_FILE_ROWS": "0"})
    with pytest.raises(InvalidInput, match="COLDSTREAM_ARCHIVE_REQUESTS is not a whole number"):
        Settings.from_environment({"COLDSTREAM_ARCHIVE_REQUESTS": "many"})


@pytest.mark.parametrize(
    "wrong", [{"requests": 0}, {"cache_bytes": -1}, {"bytes_per_second": 0}, {"memory_bytes": -1}]
)
def test_settings_that_nothing_could_be_read_with(wrong: dict[str, int]) -> None:
    with pytest.raises(InvalidInput, match=f"{next(iter(wrong))} must be a whole number"):
        ArchiveReads(**wrong)  # type: ignore[arg-type]
