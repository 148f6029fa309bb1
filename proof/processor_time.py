"""The processor time of the backends of some databases, where the server is on this machine."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

_EVERY = 0.1
_TICK = os.sysconf("SC_CLK_TCK")


class ProcessorTime:
    """A context manager: ``seconds`` is what they have taken so far, and 0 where that is not to be
    seen. What a backend took in its last tenth of a second is missing."""

    def __init__(self, dsn: str, databases: list[str]) -> None:
        self._dsn = dsn
        self._databases = databases
        self._first: dict[int, float] = {}
        self._last: dict[int, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    @property
    def seconds(self) -> float:
        return sum(last - self._first[pid] for pid, last in self._last.items())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        known = False
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            while not self._stop.wait(_EVERY):
                for (pid,) in connection.execute(
                    "SELECT pid FROM pg_stat_activity WHERE datname = ANY (%s)", [self._databases]
                ).fetchall():
                    taken = _taken(pid)
                    if taken is not None:
                        # Of one that was there before, only what it takes from now on.
                        self._first.setdefault(pid, 0.0 if known else taken)
                        self._last[pid] = taken
                known = True


def _taken(pid: int) -> float | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / _TICK
