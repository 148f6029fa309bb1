"""A PostgreSQL server with TimescaleDB for one run of a harness, which stops it as it likes."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from proof import cluster

_SETTINGS = {
    "shared_preload_libraries": "timescaledb",
    "timescaledb.telemetry_level": "off",
    "shared_buffers": "64MB",
}


class OwnServer:
    """A cluster in a temporary folder, on loopback."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self._folder = folder
        self._programs = programs
        self.port = cluster.free_port()
        self.dsn = cluster.dsn_of(self.port)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def postmaster(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, or again after it was stopped, and wait until it answers."""
        if self._process is not None:
            self._process.wait()
        data = self._folder / "data"
        command = cluster.postgres(data, self._folder, self.port, _SETTINGS, self._programs)
        self._process = cluster.start(command, self._folder, self.dsn)

    def stop(self) -> None:
        if self._process is not None:
            cluster.stop(self._process, signal.SIGTERM)


@contextmanager
def own_server() -> Iterator[OwnServer]:
    """A running server of this machine's programs.

    Raises:
        NoServer: it has none.
    """
    programs = cluster.programs(with_timescaledb=True)
    folder = cluster.server_folder()
    server = OwnServer(folder, programs)
    try:
        cluster.initdb(folder / "data", folder, programs)
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
