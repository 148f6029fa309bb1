"""A directory of finished things, each either complete or absent.

An entry is built in a directory beside its place, gets a list of its files and their sizes, and
is renamed into place. A reader compares the list, so a file that was deleted, or came out
empty after a power cut, makes the entry absent again.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import EmbeddedError

if sys.platform != "win32":
    import fcntl

_CONTENTS = ".contents.json"
_PARTIAL = ".partial-"


def cache_directory() -> Path:
    """``$COLDSTREAM_CACHE``, else ``$XDG_CACHE_HOME/coldstream``, else ``~/.cache/coldstream``."""
    if own := os.environ.get("COLDSTREAM_CACHE"):
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "coldstream"


def cached(name: str, build: Callable[[Path], None]) -> Path:
    """The directory of entry ``name``; ``build(directory)`` fills it if it is not there yet.

    What ``build`` raises is passed on and nothing is kept. Raises ``EmbeddedError`` when the cache
    directory cannot be written.
    """
    entry = cache_directory() / name
    if _is_complete(entry):
        return entry
    try:
        with _only_builder(cache_directory()):
            # Another process may have built it while this one waited for the lock.
            if not _is_complete(entry):
                _build(entry, build)
    except OSError as error:
        raise EmbeddedError(
            f"cannot write the cache directory {cache_directory()}: {error.strerror or error}",
            hint="Set COLDSTREAM_CACHE to a directory that can be written.",
        ) from error
    return entry


def _build(entry: Path, build: Callable[[Path], None]) -> None:
    entry.parent.mkdir(parents=True, exist_ok=True)
    # Under the lock nobody else is building: every partial entry was left by a killed process.
    for leftover in entry.parent.glob(f"{_PARTIAL}*"):
        shutil.rmtree(leftover)
    partial = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=entry.parent))
    try:
        build(partial)
        (partial / _CONTENTS).write_text(json.dumps(_sizes(partial)))
        if entry.exists():
            shutil.rmtree(entry)
        partial.rename(entry)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _sizes(directory: Path) -> dict[str, int]:
    return {
        path.relative_to(directory).as_posix(): path.stat().st_size
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.name != _CONTENTS
    }


def _is_complete(entry: Path) -> bool:
    try:
        recorded = json.loads((entry / _CONTENTS).read_text())
        return bool(recorded == _sizes(entry))
    except (OSError, ValueError):
        return False


@contextmanager
def _only_builder(directory: Path) -> Iterator[None]:
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / ".lock").open("w") as lock:
        if sys.platform != "win32":
            # The kernel lets go of it however this process ends.
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
