"""Servers of a test's own: small PostgreSQL clusters and pgbouncer, from this machine's programs.

On loopback only, in a temporary folder, and stopped by their process. PostgreSQL and pgbouncer
refuse to run as root, so a root's tests run them as the user ``postgres`` or ``nobody``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest
from proof import cluster
from proof.cluster import NoServer
from psycopg.conninfo import conninfo_to_dict, make_conninfo

P = ParamSpec("P")
T = TypeVar("T")


def or_skip(function: Callable[P, T]) -> Callable[P, T]:
    """Of a machine that has no server to run, nothing is covered."""

    @wraps(function)
    def call(*arguments: P.args, **named: P.kwargs) -> T:
        try:
            return function(*arguments, **named)
        except NoServer as error:
            if "did not start" in str(error):
                raise
            pytest.skip(f"not covered here: {error}")

    return call


programs = or_skip(cluster.programs)
unprivileged = or_skip(cluster.unprivileged)
initdb = or_skip(cluster.initdb)


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder that the server's user owns."""
    folder = or_skip(cluster.server_folder)()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _running(command: list[str], folder: Path, dsn: str) -> Iterator[None]:
    """A server, from when it answers until it has stopped."""
    process = cluster.start(command, folder, dsn)
    try:
        yield
    finally:
        cluster.stop(process)


@contextmanager
def running(data: Path, folder: Path, settings: Mapping[str, str]) -> Iterator[str]:
    """A cluster on a port of its own, which is made where it is missing; gives its DSN."""
    bin = programs()
    if not data.exists():
        initdb(data, folder)
    port = cluster.free_port()
    dsn = cluster.dsn_of(port)
    with _running(cluster.postgres(data, folder, port, settings, bin), folder, dsn):
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
            command: list[str | Path] = [programs() / "pg_basebackup", "-d", dsn]
            command += ["-D", target, "-c", "fast"]
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
    if not cluster.has_timescaledb(programs()):
        pytest.skip("not covered here: this machine's PostgreSQL has no TimescaleDB")


@pytest.fixture
def pgbouncer_dsn(dsn: str) -> Iterator[str]:
    """The database under test through pgbouncer in transaction mode, with few connections."""
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("not covered here: this machine has no pgbouncer")
    server = conninfo_to_dict(dsn)
    port = cluster.free_port()
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
