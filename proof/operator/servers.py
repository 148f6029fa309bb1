"""Clusters of a run: PostgreSQL with TimescaleDB, from this machine's programs, on loopback."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

_SECONDS = 60
_OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "shared_preload_libraries": "timescaledb",
    "timescaledb.telemetry_level": "off",
    # The sequence says when a job runs.
    "timescaledb.max_background_workers": "0",
    "max_worker_processes": "8",
    "shared_buffers": "64MB",
    "fsync": "off",
    "autovacuum": "off",
    "wal_level": "replica",
    "max_wal_senders": "4",
    "max_wal_size": "256MB",
}


class NoServer(Exception):
    """This machine cannot run what is needed; says why."""


def programs() -> Path:
    """The folder of server programs that have TimescaleDB to load.

    Raises:
        NoServer: there are none.
    """
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("initdb")
    if on_path:
        folders.insert(0, Path(on_path).resolve().parent)
    for folder in folders:
        if not (folder / "initdb").exists() or not (folder / "pg_config").exists():
            continue
        shown = subprocess.run(
            [folder / "pg_config", "--pkglibdir"], capture_output=True, text=True
        )
        if list(Path(shown.stdout.strip()).glob("timescaledb*.so")):
            return folder
    raise NoServer("no PostgreSQL server programs with TimescaleDB on this machine")


def unprivileged() -> dict[str, Any]:
    """Arguments of Popen that step down from root: PostgreSQL refuses to run as root.

    Raises:
        NoServer: root has nobody to step down to.
    """
    if os.geteuid() != 0:
        return {}
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        raise NoServer("root has no user postgres to run a server as") from None
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def server_folder() -> Path:
    """A folder that the server's user owns, and others may write to."""
    folder = Path(tempfile.mkdtemp(prefix="coldstream-operator-"))
    if user := unprivileged():
        os.chown(folder, user["user"], user["group"])
    return folder


class Cluster:
    """A running cluster, until :meth:`stop`."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        options = {
            **_OPTIONS,
            "port": str(self.port),
            "unix_socket_directories": str(folder),
            **settings,
        }
        command = [str(programs() / "postgres"), "-D", str(folder / "data")]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        with (folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                **unprivileged(),
            )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def dsn(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def _wait(self) -> None:
        """Until it answers, and takes writes."""
        deadline = time.monotonic() + _SECONDS
        while True:
            try:
                with psycopg.connect(self.dsn(), connect_timeout=3) as connection:
                    if connection.execute("SELECT pg_is_in_recovery()").fetchone() == (False,):
                        return
            except psycopg.OperationalError:
                pass
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise NoServer(f"no server: {(self.folder / 'log').read_text()[-1500:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGQUIT)
        try:
            self._process.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def new_cluster(wal: Path) -> Cluster:
    """A new one, which keeps its WAL in a folder."""
    folder = server_folder()
    _run([programs() / "initdb", "-D", folder / "data", *_INITDB], folder)
    return Cluster(folder, archive_mode="on", archive_command=f"cp %p {wal}/%f")


_INITDB = ["-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync"]


def base_backup(cluster: Cluster) -> Path:
    """A base backup of all databases; gives its folder."""
    folder = server_folder()
    _run(
        [programs() / "pg_basebackup", "-d", cluster.dsn(), "-D", folder / "data", "-c", "fast"],
        folder,
    )
    return folder


def recovered(backup: Path, wal: Path, restore_point: str) -> Cluster:
    """The backup's databases as they were at a restore point. The backup is used up."""
    (backup / "data" / "recovery.signal").touch()
    return Cluster(
        backup,
        archive_mode="off",
        restore_command=f"cp {wal}/%f %p",
        recovery_target_name=restore_point,
        recovery_target_action="promote",
    )


def _run(command: list[Any], folder: Path) -> None:
    done = subprocess.run(command, capture_output=True, cwd=folder, text=True, **unprivileged())
    if done.returncode:
        raise NoServer(f"{command[0]}: {done.stderr[-800:]}")
