"""Servers of a test's own: small PostgreSQL clusters and pgbouncer, from this machine's programs.

On loopback only, in a temporary folder, and stopped by their process. PostgreSQL and pgbouncer
refuse to run as root, so a root's tests run them as the user ``postgres`` or ``nobody``.
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
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

_SECONDS = 40


def unprivileged() -> dict[str, Any]:
    """Arguments of Popen that step down from root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    pytest.skip("not covered here: root has no unprivileged user to run a server as")


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder that the server's user owns."""
    folder = Path(tempfile.mkdtemp(prefix="coldstream-server-"))
    try:
        user = unprivileged()
        if user:
            os.chown(folder, user["user"], user["group"])
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _running(command: list[str], folder: Path, dsn: str) -> Iterator[None]:
    """A server, from when it answers until it has stopped."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL, **unprivileged()
        )
    try:
        deadline = time.monotonic() + _SECONDS
        while True:
            try:
                psycopg.connect(dsn, connect_timeout=3).close()
                break
            except psycopg.OperationalError:
                if process.poll() is not None or time.monotonic() > deadline:
                    pytest.fail(f"The server did not start: {(folder / 'log').read_text()[-2000:]}")
                time.sleep(0.1)
        yield
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def programs() -> Path:
    """The folder of this machine's server programs."""
    found = shutil.which("pg_config")
    if found:
        shown = subprocess.run([found, "--bindir"], capture_output=True, text=True, check=True)
        folders = [Path(shown.stdout.strip())]
    else:
        folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    pytest.skip("not covered here: this machine has no PostgreSQL server programs (initdb)")


def initdb(data: Path, folder: Path) -> None:
    """Make the data folder of a new cluster; ``folder`` is one that its user owns."""
    subprocess.run(
        [
            *(programs() / "initdb", "-D", data, "-U", "postgres", "--auth=trust"),
            *("-E", "UTF8", "--locale=C", "--no-sync"),
        ],
        check=True,
        capture_output=True,
        cwd=folder,
        **unprivileged(),
    )


@contextmanager
def running(data: Path, folder: Path, settings: Mapping[str, str]) -> Iterator[str]:
    """A cluster on a port of its own, which is made where it is missing; gives its DSN."""
    if not data.exists():
        initdb(data, folder)
    port = _free_port()
    options = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": str(folder),
        "fsync": "off",
        **settings,
    }
    command = [str(programs() / "postgres"), "-D", str(data)]
    for name, value in options.items():
        command += ["-c", f"{name}={value}"]
    dsn = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    with _running(command, folder, dsn):
        yield dsn


StartCluster = Callable[..., str]


@pytest.fixture(scope="module")
def start_cluster() -> Iterator[StartCluster]:
    """Start a PostgreSQL cluster with these settings; gives a superuser's DSN."""
    with ExitStack() as stack:

        def start_cluster(**settings: str) -> str:
            folder = stack.enter_context(_folder())
            return stack.enter_context(
                running(folder / "data", folder, {"shared_buffers": "32MB", **settings})
            )

        yield start_cluster


@pytest.fixture
def server_folder() -> Iterator[Path]:
    """A folder that a server can write to."""
    with _folder() as folder:
        yield folder


StartBackup = Callable[..., str]


@pytest.fixture(scope="module")
def base_backup() -> Iterator[Callable[[str], Path]]:
    """Take a base backup of a running cluster, with the WAL it needs; gives its folder."""
    with ExitStack() as stack:

        def base_backup(dsn: str) -> Path:
            folder = stack.enter_context(_folder())
            target = folder / "data"
            command = [programs() / "pg_basebackup", "-d", dsn, "-D", target, "-c", "fast"]
            subprocess.run(command, check=True, capture_output=True, cwd=folder, **unprivileged())
            return target

        yield base_backup


@pytest.fixture(scope="module")
def start_backup() -> Iterator[StartBackup]:
    """Start a copy of a base backup on a port of its own, with these settings, as ``standby`` or in
    ``recovery``; gives its DSN once it answers."""
    with ExitStack() as stack:

        def start_backup(backup: Path, signal: str, **settings: str) -> str:
            folder = stack.enter_context(_folder())
            data = folder / "data"
            shutil.copytree(backup, data)
            (data / f"{signal}.signal").touch()
            data.chmod(0o700)
            if user := unprivileged():
                for path in (data, *data.rglob("*")):
                    os.chown(path, user["user"], user["group"], follow_symlinks=False)
            return stack.enter_context(running(data, folder, {"archive_mode": "off", **settings}))

        yield start_backup


def require_timescaledb() -> None:
    """Skip where this machine's PostgreSQL has no TimescaleDB to load."""
    shown = subprocess.run(
        [programs() / "pg_config", "--pkglibdir"], capture_output=True, text=True, check=True
    )
    if not list(Path(shown.stdout.strip()).glob("timescaledb*.so")):
        pytest.skip("not covered here: this machine's PostgreSQL has no TimescaleDB")


@pytest.fixture
def pgbouncer_dsn(dsn: str) -> Iterator[str]:
    """The database under test through pgbouncer in transaction mode, with few connections."""
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("not covered here: this machine has no pgbouncer")
    server = conninfo_to_dict(dsn)
    port = _free_port()
    with _folder() as folder:
        (folder / "pgbouncer.ini").write_text(
            "[databases]\n"
            f"* = host={server.get('host', '127.0.0.1')} port={server.get('port', 5432)} "
            f"user={server.get('user', 'postgres')} password={server.get('password', 'x')}\n"
            "[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            "auth_type = any\npool_mode = transaction\ndefault_pool_size = 3\n"
            "max_client_conn = 100\n"
        )
        through = make_conninfo(dsn, host="127.0.0.1", hostaddr="127.0.0.1", port=port)
        with _running([program, str(folder / "pgbouncer.ini")], folder, through):
            yield through
