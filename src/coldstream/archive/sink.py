"""Where archive files are written: a file that knows its own size and SHA-256."""

from __future__ import annotations

import io
import os
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO


class HashingSink(io.RawIOBase):
    """A write-only file over a path or an open binary file, hashing what passes.

    The hash is of the bytes as they were made, so a disk that changes them later is found out.
    Closing it leaves an open file open (it belongs to the caller) and puts a path on disk (fsync).
    """

    def __init__(self, target: Path | BinaryIO) -> None:
        super().__init__()
        self._owned = isinstance(target, Path)
        self._file: BinaryIO = target.open("wb") if isinstance(target, Path) else target
        self._hash = sha256()
        self.bytes = 0

    @property
    def sha256(self) -> str:
        """64 lower-case hexadecimal digits, of everything written so far."""
        return self._hash.hexdigest()

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.bytes

    def write(self, data: Any, /) -> int:
        view = memoryview(data)
        self._file.write(view)
        self._hash.update(view)
        self.bytes += view.nbytes
        return view.nbytes

    def close(self) -> None:
        if self.closed:
            return
        try:
            self._file.flush()
            if self._owned:
                os.fsync(self._file.fileno())
        finally:
            if self._owned:
                self._file.close()
            super().close()
