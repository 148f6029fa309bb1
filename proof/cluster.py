"""PostgreSQL clusters of one's own, from this machine's programs: for harnesses and for tests.

On loopback only, and stopped by their process. PostgreSQL refuses to run as root, so a root's
clusters belong to the user ``postgres`` or ``nobody``.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg

_SECONDS = 60
_INITDB = ["-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync"]


class NoServer(Exception):
    """This machine cannot run what is needed; says why."""


def programs(*, with_timescaledb: bool = False) -> Path:
    """The folder of this machine's server programs.

    Raises:
        NoServer: there are none, or none that have TimescaleDB to load.
    """
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if config := shutil.which("pg_config"):
        folders.insert(0, _shown(Path(config), "--bindir"))
    for folder in folders:
        if not all((folder / name).exists() for name in ("initdb", "postgres", "pg_config")):
            continue
        if not with_timescaledb or has_timescaledb(folder):
            return folder
    what = " with TimescaleDB" if with_timescaledb else ""
    raise NoServer(f"this machine has no PostgreSQL server programs{what} (initdb)")


def has_timescaledb(folder: Path) -> bool:
    """Whether these programs have TimescaleDB to load."""
    return any(_shown(folder / "pg_config", "--pkglibdir").glob("timescaledb*.so"))


def _shown(config: Path, what: str) -> Path:
    shown = subprocess.run([config, what], capture_output=True, text=True, check=True)
    return Path(shown.stdout.strip())


def unprivileged() -> dict[str, Any]:
    """Arguments of Popen that step down from root.

    Raises:
        NoServer: root has nobody to step down to.
    """
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise NoServer("root has no unprivileged user to run a server as")


def server_folder() -> Path:
    """A new folder that the server's user owns. Its maker removes it."""
    user = unprivileged()
    folder = Path(tempfile.mkdtemp(prefix="coldstream-server-"))
    if user:
        os.chown(folder, user["user"], user["group"])
    return folder


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def run(command: Sequence[Any], folder: Path) -> None:
    """Run a server's program in a folder that its user owns.

    Raises:
        NoServer: it fails; with what it said.
    """
    done = subprocess.run(command, capture_output=True, cwd=folder, text=True, **unprivileged())
    if done.returncode:
        raise NoServer(f"{command[0]}: {done.stderr[-800:]}")


def initdb(data: Path, folder: Path, bin: Path | None = None) -> None:
    """Make the data folder of a new cluster; ``folder`` is one that its user owns."""
    run([(bin or programs()) / "initdb", "-D", data, *_INITDB], folder)


def answers(dsn: str) -> bool:
    """Whether a server takes connections."""
    try:
        psycopg.connect(dsn, connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True


def start(
    command: Sequence[str], folder: Path, dsn: str, ready: Callable[[str], bool] = answers
) -> subprocess.Popen[bytes]:
    """Start a server, and wait until it is ready.

    Raises:
        NoServer: it ended, or was not in time; with the end of its log.
    """
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            command, cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL, **unprivileged()
        )
    deadline = time.monotonic() + _SECONDS
    try:
        while not ready(dsn):
            if process.poll() is not None or time.monotonic() > deadline:
                said = (folder / "log").read_text(errors="replace")[-2000:]
                raise NoServer(f"the server did not start: {said}")
            time.sleep(0.05)
    except BaseException:
        stop(process)
        raise
    return process


def stop(process: subprocess.Popen[bytes], how: int = signal.SIGINT) -> None:
    process.send_signal(how)
    try:
        process.wait(_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def postgres(
    data: Path, folder: Path, port: int, settings: Mapping[str, str], bin: Path | None = None
) -> list[str]:
    """The command of a cluster on loopback. The machine goes on when the server stops, and with it
    what was written: nothing is forced to the disk."""
    options = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": str(folder),
        "fsync": "off",
        **settings,
    }
    command = [str((bin or programs()) / "postgres"), "-D", str(data)]
    for name, value in options.items():
        command += ["-c", f"{name}={value}"]
    return command


def dsn_of(port: int, database: str = "postgres") -> str:
    return f"postgresql://postgres@127.0.0.1:{port}/{database}"
