"""A PostgreSQL server with TimescaleDB for one run of a tool, which stops it as it likes."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

_SECONDS = 60


class OwnServer:
    """A cluster in a temporary folder, on loopback."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self._folder = folder
        self._programs = programs
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.dsn = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def postmaster(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, or again after it was stopped, and wait until it answers."""
        if self._process is not None:
            self._process.wait()
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self._folder),
            "shared_preload_libraries": "timescaledb",
            "timescaledb.telemetry_level": "off",
            "shared_buffers": "64MB",
            # The machine goes on when the server stops, and with it what was written.
            "fsync": "off",
        }
        command = [str(self._programs / "postgres"), "-D", str(self._folder / "data")]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self._folder,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                **unprivileged(),
            )
        deadline = time.monotonic() + _SECONDS
        while True:
            try:
                psycopg.connect(self.dsn, connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise
            time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(_SECONDS)


def unprivileged() -> dict[str, Any]:
    """Arguments of Popen that step down from root: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@contextmanager
def own_server() -> Iterator[OwnServer]:
    """A running server of this machine's programs.

    Raises:
        FileNotFoundError: it has none.
    """
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    on_path = shutil.which("initdb")
    if on_path:
        found.insert(0, Path(on_path))
    if not found:
        raise FileNotFoundError("This machine has no PostgreSQL server programs (initdb)")
    programs = found[0].parent
    folder = Path(tempfile.mkdtemp(prefix="coldstream-server-"))
    user = unprivileged()
    if user:
        os.chown(folder, user["user"], user["group"])
    server = OwnServer(folder, programs)
    try:
        subprocess.run(
            [
                *(programs / "initdb", "-D", folder / "data", "-U", "postgres", "--auth=trust"),
                *("-E", "UTF8", "--locale=C", "--no-sync"),
            ],
            check=True,
            capture_output=True,
            cwd=folder,
            **user,
        )
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
