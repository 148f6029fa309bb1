"""Temporary files that nothing can leave behind."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from coldstream.archive.storage.faults import reported


@contextmanager
def spool_file(folder: Path | None = None) -> Iterator[BinaryIO]:
    """A temporary file without a name: it is gone when the process is, even by SIGKILL.

    Raises:
        ArchiveUnavailable: it cannot be made in ``folder`` (the system's own by default).
    """
    with ExitStack() as stack:
        with reported(f"write temporary files in {folder or tempfile.gettempdir()}"):
            spool = stack.enter_context(tempfile.TemporaryFile(dir=folder))
        yield spool


def hash_of(file: BinaryIO) -> tuple[str, int]:
    """The SHA-256 (hexadecimal) and the size (bytes) of a whole file, which is then rewound."""
    hash, size = sha256(), 0
    file.seek(0)
    while data := file.read(1024 * 1024):
        hash.update(data)
        size += len(data)
    file.seek(0)
    return hash.hexdigest(), size
