"""A data directory that survives restarts, and the lock that keeps a second server out of it.

::

    DATA_DIR/
    ├── server.lock    locked while a server runs; holds who
    ├── engine.json    which engine made the cluster
    └── pgdata/        the cluster
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from ..errors import EmbeddedError
from .packages import PGLITE

if sys.platform != "win32":
    import fcntl

_PARTIAL = ".partial"
_ORPHAN_S = 10.0
_KILLED_S = 10.0


class DataDir:
    """A data directory, held by this process from ``open`` to ``close``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: int | None = None

    @property
    def pgdata(self) -> Path:
        return self.path / "pgdata"

    @property
    def lock(self) -> int:
        """Descriptor of the lock file, for the engine's process to inherit."""
        assert self._lock is not None
        return self._lock

    def open(self, template: Path) -> None:
        """Locks the directory and puts a new cluster in it if it has none.

        Raises ``EmbeddedError`` when another server has it, when its files are not those of an
        embedded server, or when they are another version's.
        """
        self._refuse_foreign()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = self._take_lock()
            self._prepare(template)
        except OSError as error:
            self.close()
            raise EmbeddedError(
                f"cannot use the data directory {self.path}: {error.strerror or error}"
            ) from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def record(self, pid: int) -> None:
        """Says in the lock file which process is the engine."""
        record = {"host": socket.gethostname(), "pid": pid, "parent": os.getpid()}
        os.ftruncate(self.lock, 0)
        os.pwrite(self.lock, json.dumps(record).encode(), 0)

    def _refuse_foreign(self) -> None:
        try:
            names = {path.name for path in self.path.iterdir()}
        except FileNotFoundError:
            return
        except OSError as error:
            raise EmbeddedError(
                f"cannot use the data directory {self.path}: {error.strerror}"
            ) from error
        if names and "server.lock" not in names:
            raise EmbeddedError(
                f"{self.path} is not empty and was not made by the embedded server",
                hint="Give a new directory.",
            )

    def _take_lock(self) -> int:
        lock = os.open(self.path / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _wait_for_orphan(lock, self.path)
            # Until there is an engine, the last one's record would mislead.
            os.ftruncate(lock, 0)
        except BaseException:
            os.close(lock)
            raise
        return lock

    def _prepare(self, template: Path) -> None:
        made_by = self.path / "engine.json"
        engine = {"name": PGLITE.name, "version": PGLITE.version}
        if self.pgdata.exists():
            try:
                found = json.loads(made_by.read_text())
            except (OSError, ValueError):
                found = None
            if found != engine:
                raise EmbeddedError(
                    f"{self.path} was made by another version of the embedded server: "
                    f"{found and found.get('version')}, this is {PGLITE.version}",
                    hint="Its data can be read with the release of Coldstream that made it.",
                )
            return
        partial = self.path / _PARTIAL
        if partial.exists():
            shutil.rmtree(partial)
        shutil.copytree(template, partial)
        made_by.write_text(json.dumps(engine))
        # Last: a directory named pgdata is a whole cluster.
        partial.rename(self.pgdata)


def _wait_for_orphan(lock: int, path: Path) -> None:
    """Returns holding the lock; the engine of a killed parent is waited for, then ended."""
    doomed = None
    patience = time.monotonic() + _ORPHAN_S
    while not _try_lock(lock):
        owner = _read_record(lock)
        # An engine without its parent is on its way out. Asked once: while it goes, its command
        # line is empty before its lock is free.
        if owner.get("pid") != doomed and _is_orphan(owner):
            doomed = owner["pid"]
        if doomed is None or owner.get("pid") != doomed or time.monotonic() > patience + _KILLED_S:
            raise EmbeddedError(
                f"another embedded server runs on {path}"
                + (f" (process {owner['pid']})" if owner else ""),
                hint="Stop it, or give another data directory.",
            )
        if time.monotonic() > patience:
            # Stuck, in a statement or otherwise.
            with suppress(ProcessLookupError):
                os.kill(int(doomed), signal.SIGKILL)
        time.sleep(0.05)


def _try_lock(lock: int) -> bool:
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read_record(lock: int) -> dict[str, int | str]:
    try:
        record = json.loads(os.pread(lock, 4096, 0))
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


def _is_orphan(owner: dict[str, int | str]) -> bool:
    """Whether the process that holds the lock is an engine whose parent is gone."""
    if owner.get("host") != socket.gethostname():
        return False
    return not _is_alive(int(owner["parent"])) and _is_engine(int(owner["pid"]))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_engine(pid: int) -> bool:
    # A process number is reused: only a process that runs our program is ours to end.
    with suppress(OSError):
        return b"server.mjs" in Path(f"/proc/{pid}/cmdline").read_bytes()
    with suppress(OSError):
        listed = subprocess.run(
            ["ps", "-o", "args=", "-p", str(pid)], capture_output=True, check=False
        )
        return b"server.mjs" in listed.stdout
    return False
