"""Writers, readers and the lifecycle, all at once, for a few seconds."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.fix_store import InstalledStore
from tests.history import END, START, WEEK, history, insert, rows_of

import coldstream
from coldstream import Message

pytestmark = pytest.mark.native

OLD = datetime(2025, 12, 1, tzinfo=UTC)
WRITERS = 6
WRITES = 60


def at_once(*calls: Callable[[], object]) -> list[object]:
    """Run every call in a thread of its own; the first error is raised."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


@pytest.mark.parametrize("categories", [1, 3])
def test_many_writers(store_schema: InstalledStore, categories: int) -> None:
    with coldstream.connect(store_schema.dsn, max_size=WRITERS) as store:

        def write(writer: int) -> None:
            for number in range(WRITES):
                name = f"many{writer % categories}-{number % 4}"
                if number % 10:
                    store.write_message(name, "T", [writer, number])
                else:
                    store.write_messages(
                        [coldstream.NewMessage(name, "T", [writer, number, n]) for n in range(3)]
                    )

        at_once(*(lambda writer=writer: write(writer) for writer in range(WRITERS)))
        messages = list(store.get_all_messages())

    assert len(messages) == WRITERS * (WRITES + 2 * WRITES // 10)
    by_stream: dict[str, list[Message]] = {}
    for message in messages:
        by_stream.setdefault(message.stream_name, []).append(message)
    for found in by_stream.values():
        assert [m.position for m in found] == list(range(len(found)))
        assert [m.time for m in found] == sorted(m.time for m in found)


@pytest.mark.parametrize("read", ["get_category_messages", "get_all_messages"])
def test_a_poller_misses_nothing(store_schema: InstalledStore, read: str) -> None:
    """It continues after the last global position that it saw, while writers are at work."""
    with coldstream.connect(store_schema.dsn, max_size=WRITERS + 1) as store:
        done = threading.Event()

        def write(writer: int) -> None:
            category = "one" if read == "get_category_messages" else f"cat{writer}"
            for number in range(WRITES):
                store.write_message(f"{category}-{writer}", "T", number)

        def poll() -> list[Message]:
            found: list[Message] = []
            while True:
                last = done.is_set()
                position = found[-1].global_position + 1 if found else 1
                arguments = ["one"] if read == "get_category_messages" else []
                found += getattr(store, read)(*arguments, position, batch_size=50)
                if last:
                    return found

        def write_all() -> None:
            at_once(*(lambda writer=writer: write(writer) for writer in range(WRITERS)))
            done.set()

        polled, _ = at_once(poll, write_all)
        assert polled == list(store.get_all_messages())
        assert isinstance(polled, list)
        assert len(polled) == WRITERS * WRITES


def test_readers_and_writers_beside_the_whole_lifecycle(
    quiet_store: InstalledStore, tmp_path: Path
) -> None:
    insert(quiet_store, history())
    truth = rows_of(quiet_store)
    border = truth[-1].global_position
    streams = ["account-1", "border-9"]
    done = threading.Event()
    reads: Counter[str] = Counter()

    with coldstream.connect(
        quiet_store.dsn,
        schema=quiet_store.schema,
        archive=tmp_path.as_uri(),
        max_size=8,
        timeout=30,
    ) as store:

        def lifecycle() -> None:
            try:
                for weeks in (2, 4, 6):
                    until = START + weeks * WEEK
                    store.lifecycle.compress(until)
                    store.lifecycle.archive(until)
                    assert all(v.problem is None for v in store.lifecycle.verify())
                    store.lifecycle.drop(until)
                store.lifecycle.rehydrate(START, END)
                store.lifecycle.drop(START + 3 * WEEK)
            finally:
                done.set()

        def write(name: str) -> int:
            number = 0
            while not done.is_set():
                store.write_message(name, "New", number)
                number += 1
                done.wait(0.02)
            return number

        def read(name: str) -> None:
            old = sorted((m for m in truth if m.stream_name == name), key=lambda m: m.position)
            while not done.is_set():
                found = list(store.get_stream_messages(name, batch_size=5))
                assert found[: len(old)] == old
                assert [m.position for m in found] == list(range(len(found)))
                reads["stream"] += 1
                done.wait(0.05)

        def read_category() -> None:
            old = [m for m in truth if m.category == "account"]
            while not done.is_set():
                found = list(store.get_category_messages("account", batch_size=7))
                assert found[: len(old)] == old
                reads["category"] += 1
                done.wait(0.05)

        def read_all() -> None:
            while not done.is_set():
                found = list(store.get_all_messages(batch_size=20))
                assert [m for m in found if m.global_position <= border] == truth
                reads["all"] += 1
                done.wait(0.05)

        results = at_once(
            lifecycle,
            lambda: write("account-1"),
            lambda: write("order-1"),
            *(lambda name=name: read(name) for name in streams),
            read_category,
            read_all,
        )
        messages = list(store.get_all_messages())

    assert messages[: len(truth)] == truth
    written = Counter(m.stream_name for m in messages[len(truth) :])
    assert written == {"account-1": results[1], "order-1": results[2]}
    assert min(reads[kind] for kind in ("stream", "category", "all")) > 0
