"""One replay of an archived category in a process of its own, so that its memory is its own.

``python -m coldstream_bench.replayer`` reads a line of JSON that says what to read and answers with
what it took.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass

from coldstream_bench.arena import Arena
from coldstream_bench.child import ask, peak_bytes


@dataclass(frozen=True)
class Replay:
    """As :class:`coldstream_bench.exporter.Export`; what was idle has all libraries loaded."""

    messages: int
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    idle_bytes: int


def replay(arena: Arena, category: str) -> Replay:
    """Read a category of an arena from its start to its end, in a child process.

    Raises:
        OSError: the child failed; its error is on stderr.
    """
    order = {
        "dsn": arena.place.dsn,
        "schema": arena.store.schema,
        "archive": arena.archive_url,
        "archive_options": arena.archive_options,
        "category": category,
    }
    return Replay(**ask(__name__, order))


def main() -> None:
    """Do it, and say what it took."""
    import coldstream
    import coldstream.archive.read.reader

    order = json.load(sys.stdin)
    category = order.pop("category")
    with coldstream.connect(order.pop("dsn"), **order) as store:
        store.stream_version("none-1")
        idle = peak_bytes()
        started, worked = time.perf_counter(), time.process_time()
        messages = sum(1 for _ in store.get_category_messages(category))
        took, worked = time.perf_counter() - started, time.process_time() - worked
    answer = {
        "messages": messages,
        "seconds": took,
        "cpu_seconds": worked,
        "peak_bytes": peak_bytes(),
        "idle_bytes": idle,
    }
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
