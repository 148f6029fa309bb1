"""A new, empty database cluster, made once and kept in the cache for every server to copy."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path

from ..errors import EmbeddedError
from .cache import cached
from .packages import PGLITE
from .signals import signals_held_back

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
        # subprocess.run, but for a start that no Ctrl-C interrupts.
        with signals_held_back():
            process = subprocess.Popen(
                [node, str(_SCRIPT), str(package), str(target)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
            )
        with process:
            try:
                out, err = process.communicate(timeout=_TIMEOUT_S)
            except BaseException:
                process.kill()
                raise
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedError(f"cannot make an empty database: {error}") from error
    if process.returncode != 0:
        tail = "\n".join((err or out).splitlines()[-10:])
        raise EmbeddedError(f"cannot make an empty database (status {process.returncode}): {tail}")
