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
from pathlib import Path

from coldstream.bench.arena import Arena


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
        started, worked = time.perf_counter(), time.process_time()
        store.lifecycle.archive(datetime.fromisoformat(order["until"]))
        took, worked = time.perf_counter() - started, time.process_time() - worked
    answer = {
        "seconds": took,
        "cpu_seconds": worked,
        "peak_bytes": _peak_bytes(),
        "idle_bytes": idle,
    }
    sys.stdout.write(json.dumps(answer))


def _peak_bytes() -> int:
    # Not getrusage where there is another way: on Linux its peak begins with what the parent had
    # when it forked, and the parent has been measuring for minutes.
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main()
