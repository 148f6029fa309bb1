"""One archiving run in a process of its own, so that its memory is its own.

``python -m coldstream_bench.exporter`` reads a line of JSON that says what to archive and answers
with what it took.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from datetime import datetime

from coldstream_bench.arena import Arena
from coldstream_bench.child import ask, peak_bytes


@dataclass(frozen=True)
class Export:
    """``peak_bytes``: the most memory the process had, the Python interpreter and all libraries
    included; ``idle_bytes``: what it had before it began; ``cpu_seconds``: of the process, all
    threads, not of the server."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    idle_bytes: int


def export(arena: Arena, until: datetime) -> Export:
    """Archive an arena's chunks that ended before ``until``, in a child process.

    Raises:
        OSError: the child failed; its error is on stderr.
    """
    order = {
        "dsn": arena.place.dsn,
        "schema": arena.store.schema,
        "archive": arena.archive_url,
        "until": until.isoformat(),
    }
    return Export(**ask(__name__, order))


def main() -> None:
    """Do it, and say what it took."""
    import coldstream
    import coldstream.archive

    order = json.load(sys.stdin)
    with coldstream.connect(
        order["dsn"], schema=order["schema"], archive=order["archive"], max_size=1
    ) as store:
        idle = peak_bytes()
        started, worked = time.perf_counter(), time.process_time()
        store.lifecycle.archive(datetime.fromisoformat(order["until"]))
        took, worked = time.perf_counter() - started, time.process_time() - worked
    answer = {
        "seconds": took,
        "cpu_seconds": worked,
        "peak_bytes": peak_bytes(),
        "idle_bytes": idle,
    }
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
