"""Where archive files are written: a file that knows its own size and SHA-256."""

from __future__ import annotations

import builtins
import io
import os
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

from coldstream.archive.storage.faults import reported


class HashingSink(io.RawIOBase):
    """A write-only file over a path or an open binary file, hashing what passes.

    The hash is of the bytes as they were made, so a disk that changes them later is found out.
    Closing it leaves an open file open (it belongs to the caller) and puts a path on disk (fsync).
    Raises ArchiveUnavailable when the disk is full or fails.
    """

    def __init__(self, target: Path | BinaryIO) -> None:
        super().__init__()
        self._owned = isinstance(target, Path)
        self._file: BinaryIO = target.open("wb") if isinstance(target, Path) else target
        self._hash = sha256()
        self.bytes = 0
        self._tail: bytearray | None = None

    @property
    def sha256(self) -> str:
        """64 lower-case hexadecimal digits, of everything written so far."""
        return self._hash.hexdigest()

    def keep_tail(self) -> None:
        """Keep a copy of everything written from now on, for :attr:`tail`."""
        self._tail = bytearray()

    @property
    def tail(self) -> builtins.bytes:
        """What was written since :meth:`keep_tail`."""
        return builtins.bytes(self._tail or b"")

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.bytes

    def write(self, data: Any, /) -> int:
        view = memoryview(data)
        with reported("write an archive file on this machine"):
            self._file.write(view)
        self._hash.update(view)
        if self._tail is not None:
            self._tail += view
        self.bytes += view.nbytes
        return view.nbytes

    def close(self) -> None:
        if self.closed:
            return
        try:
            with reported("write an archive file on this machine"):
                self._file.flush()
                if self._owned:
                    os.fsync(self._file.fileno())
        finally:
            if self._owned:
                self._file.close()
            super().close()
