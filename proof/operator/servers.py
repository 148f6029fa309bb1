"""Clusters of a run: PostgreSQL with TimescaleDB, from this machine's programs, on loopback."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import psycopg

from proof import cluster
from proof.cluster import NoServer, server_folder

__all__ = ["Cluster", "NoServer", "base_backup", "new_cluster", "recovered", "server_folder"]

_OPTIONS = {
    "shared_preload_libraries": "timescaledb",
    "timescaledb.telemetry_level": "off",
    # The sequence says when a job runs.
    "timescaledb.max_background_workers": "0",
    "max_worker_processes": "8",
    "shared_buffers": "64MB",
    "autovacuum": "off",
    "wal_level": "replica",
    "max_wal_senders": "4",
    "max_wal_size": "256MB",
}


class Cluster:
    """A running cluster, until :meth:`stop`."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.port = cluster.free_port()
        programs = cluster.programs(with_timescaledb=True)
        data, options = folder / "data", {**_OPTIONS, **settings}
        command = cluster.postgres(data, folder, self.port, options, programs)
        try:
            self._process = cluster.start(command, folder, self.dsn(), _takes_writes)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def dsn(self, database: str = "postgres") -> str:
        return cluster.dsn_of(self.port, database)

    def stop(self) -> None:
        cluster.stop(self._process, signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)


def _takes_writes(dsn: str) -> bool:
    try:
        with psycopg.connect(dsn, connect_timeout=3) as connection:
            return connection.execute("SELECT pg_is_in_recovery()").fetchone() == (False,)
    except psycopg.OperationalError:
        return False


def new_cluster(wal: Path) -> Cluster:
    """A new one, which keeps its WAL in a folder."""
    folder = server_folder()
    cluster.initdb(folder / "data", folder, cluster.programs(with_timescaledb=True))
    return Cluster(folder, archive_mode="on", archive_command=f"cp %p {wal}/%f")


def base_backup(of: Cluster) -> Path:
    """A base backup of all databases; gives its folder."""
    folder = server_folder()
    program = cluster.programs(with_timescaledb=True) / "pg_basebackup"
    cluster.run([program, "-d", of.dsn(), "-D", folder / "data", "-c", "fast"], folder)
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
