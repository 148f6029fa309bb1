"""A new, empty database cluster, made once and kept in the cache for every server to copy."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path

from ..errors import EmbeddedError
from .cache import cached
from .packages import PGLITE

_SCRIPT = Path(__file__).with_name("cluster.mjs")
_TIMEOUT_S = 180.0


def empty_cluster(node: str, package: Path, progress: Callable[[str], None] | None = None) -> Path:
    """Directory of a cluster with database ``postgres`` and extension ``timescaledb`` in it.

    To be copied, never to be used itself. Raises ``EmbeddedError`` when the engine cannot make
    one.
    """

    def build(directory: Path) -> None:
        if progress is not None:
            progress("preparing an empty database (once)")
        _run(node, package, directory / "pgdata")

    # Another engine, or another way to make a cluster, is another entry.
    key = hashlib.sha256(PGLITE.integrity.encode() + _SCRIPT.read_bytes()).hexdigest()[:12]
    return cached(f"cluster-{key}", build) / "pgdata"


def _run(node: str, package: Path, target: Path) -> None:
    try:
        done = subprocess.run(
            [node, str(_SCRIPT), str(package), str(target)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedError(f"cannot make an empty database: {error}") from error
    if done.returncode != 0:
        tail = "\n".join((done.stderr or done.stdout).splitlines()[-10:])
        raise EmbeddedError(f"cannot make an empty database (status {done.returncode}): {tail}")
