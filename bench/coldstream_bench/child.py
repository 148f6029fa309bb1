"""Work in a process of its own, so that its memory is its own: an order and an answer, in JSON."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def ask(module: str, order: Mapping[str, Any]) -> dict[str, Any]:
    """What ``python -m module`` answers on stdout to an order on stdin.

    Raises:
        OSError: the child failed; its error is on stderr.
    """
    with subprocess.Popen(
        [sys.executable, "-m", module],
        env=environment(),
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
        raise OSError(f"a process of the benchmark failed ({module}); its error is above")
    found: dict[str, Any] = json.loads(answer)
    return found


def environment() -> dict[str, str]:
    """That of a child, which finds this package where this process has found it."""
    path = str(Path(__file__).resolve().parents[1])
    return os.environ | {"PYTHONPATH": os.pathsep.join([path, *sys.path])}


def peak_bytes() -> int:
    """The most memory that this process had."""
    # Not getrusage where there is another way: on Linux its peak begins with what the parent had
    # when it forked, and the parent has been measuring for minutes.
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024
