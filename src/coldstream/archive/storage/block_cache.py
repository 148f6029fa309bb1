"""Ranges of archived objects in a folder, for one process after another and several at once.

A file is a range of an object that is named by its SHA-256, so it never becomes stale. It begins
with a digest of its name and its bytes: a file that was torn, damaged or swapped is not there.
"""

from __future__ import annotations

import logging
import os
import stat
import tempfile
import threading
import time
from hashlib import sha256
from pathlib import Path

from coldstream.archive.storage.folders import is_private, make_private_folder

_DIGEST = 32
_SHARE = 16  # of the limit: what is written before the files of others are looked at
_PARTIAL = ".partial"
_PARTIAL_SECONDS = 3600.0  # as old as this, nobody is writing it any more
_logger = logging.getLogger(__name__)


class BlockCache:
    """The ranges that were used last, ``limit`` bytes of files at most for one process, and a
    sixteenth more for every other one that writes at the same time. Safe to share between threads
    and processes. A folder that cannot be used is as good as none, and logged. So is one that
    others may write in, or that is another user's: its files would be taken for the archive's.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder = folder
        self.limit = limit
        self._written: int | None = None  # since the folder was looked at; None: never
        self._lock = threading.Lock()
        self._checked = False
        self._told = ""

    def get(self, sha256: str, start: int, length: int) -> bytes | None:
        """The bytes of a range of an object, or ``None``."""
        path = self._path(sha256, start, length)
        try:
            content = self._content(path)
            data = content[_DIGEST:]
            if len(data) == length and content[:_DIGEST] == _digest(path.name, data):
                os.utime(path)
                return data
            path.unlink(missing_ok=True)
        except FileNotFoundError:
            pass
        except OSError as error:
            self._log(error)
        return None

    def put(self, sha256: str, start: int, data: bytes) -> None:
        path = self._path(sha256, start, len(data))
        partial = None
        try:
            self._check_folder()
            self._make_room(_DIGEST + len(data))
            make_private_folder(path.parent)
            descriptor, partial = tempfile.mkstemp(_PARTIAL, dir=path.parent)
            with os.fdopen(descriptor, "wb") as file:
                file.write(_digest(path.name, data))
                file.write(data)
            # No fsync: what a power cut tears has another digest.
            Path(partial).replace(path)
        except OSError as error:
            self._log(error)
            if partial is not None:
                Path(partial).unlink(missing_ok=True)

    def _content(self, path: Path) -> bytes:
        self._check_folder()
        # The digest of a file says that it is whole, not who wrote it. A pipe would be waited for.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with os.fdopen(os.open(path, flags), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or not is_private(status):
                raise PermissionError(f"{path} is not this user's alone")
            return file.read()

    def _check_folder(self) -> None:
        if self._checked:
            return
        make_private_folder(self.folder / "ranges")
        for folder in (self.folder, self.folder / "ranges"):
            if not is_private(folder.stat()):
                raise PermissionError(
                    f"{folder} is another user's, or others may write in it: make it private "
                    "(chmod 700), or choose a folder of your own"
                )
        self._checked = True

    def _path(self, sha256: str, start: int, length: int) -> Path:
        return self.folder / "ranges" / sha256[:2] / f"{sha256}-{start}-{length}"

    def _make_room(self, size: int) -> None:
        with self._lock:
            if self._written is None or self._written + size > self.limit // _SHARE:
                self._evict(size)
                self._written = 0
            self._written += size

    def _evict(self, size: int) -> None:
        """Remove what was used longest ago, until this and what may follow unseen has room."""
        found: list[tuple[float, int, Path]] = []
        for path in (self.folder / "ranges").glob("*/*"):
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            if path.suffix == _PARTIAL and time.time() - status.st_mtime > _PARTIAL_SECONDS:
                path.unlink(missing_ok=True)
                continue
            found.append((status.st_mtime, status.st_size, path))
        total = sum(size for _, size, _ in found)
        room = self.limit - max(size, self.limit // _SHARE)
        for _, bytes, path in sorted(found):
            if total <= room:
                break
            path.unlink(missing_ok=True)
            total -= bytes

    def _log(self, error: OSError) -> None:
        # The same is not told at every read.
        if str(error) == self._told:
            return
        self._told = str(error)
        _logger.warning("The archive's cache in %s cannot be used: %s", self.folder, error)


class FileBlocks:
    """The ranges of one object; see :class:`coldstream.archive.storage.remote_file.RangeStore`."""

    def __init__(self, cache: BlockCache, sha256: str) -> None:
        self._cache = cache
        self._sha256 = sha256

    def get(self, start: int, length: int) -> bytes | None:
        return self._cache.get(self._sha256, start, length)

    def put(self, start: int, data: bytes) -> None:
        self._cache.put(self._sha256, start, data)


def _digest(name: str, data: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + data).digest()
