"""One archiving run in a process of its own, so that its memory is its own.

``python -m coldstream.bench.exporter`` reads a line of JSON that says what to archive and answers
with what it took.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import datetime

from coldstream.bench.arena import Arena


@dataclass(frozen=True)
class Export:
    """``peak_bytes``: the most memory the process had, the Python interpreter and all libraries
    included; ``idle_bytes``: what it had before it began."""

    seconds: float
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
    with subprocess.Popen(
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            answer, _ = process.communicate(json.dumps(order))
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        raise OSError("the exporting process of the benchmark failed; its error is above")
    return Export(**json.loads(answer))


def main() -> None:
    """Do it, and say what it took."""
    import coldstream
    import coldstream.archive

    order = json.load(sys.stdin)
    with coldstream.connect(
        order["dsn"], schema=order["schema"], archive=order["archive"], max_size=1
    ) as store:
        idle = _peak_bytes()
        started = time.perf_counter()
        store.lifecycle.archive(datetime.fromisoformat(order["until"]))
        took = time.perf_counter() - started
    answer = {"seconds": took, "peak_bytes": _peak_bytes(), "idle_bytes": idle}
    sys.stdout.write(json.dumps(answer))


def _peak_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in kB, macOS in bytes.
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    main()
