"""An archive location as a file system of fsspec, for engines that read through one."""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from fsspec.spec import AbstractFileSystem

from coldstream.archive.location import ArchiveLocation
from coldstream.archive.manifest import ArchiveFile

PROTOCOL = "coldstream"


class ArchiveFiles(AbstractFileSystem):  # type: ignore[misc]
    """The data files of an archive as ``coldstream://key``, to be read in ranges.

    Whatever the location is, the credentials, retries and errors are its own. Sizes come from the
    manifests, so that opening a file costs no request.
    """

    protocol = PROTOCOL
    cachable = False

    def __init__(self, location: ArchiveLocation, files: Iterable[ArchiveFile]) -> None:
        super().__init__()
        self._location = location
        self._files = {file.key: file for file in files}

    @staticmethod
    def url_of(file: ArchiveFile) -> str:
        return f"{PROTOCOL}://{file.key}"

    def info(self, path: str, **options: Any) -> dict[str, Any]:
        file = self._files.get(self._strip_protocol(path))
        if file is None:
            raise PermissionError(f"{path} is not a file of the archive's messages")
        return {"name": path, "size": file.bytes, "type": "file"}

    def modified(self, path: str) -> datetime:
        # A key contains the hash of its bytes: they never change.
        return datetime(1970, 1, 1, tzinfo=UTC)

    def _open(self, path: str, mode: str = "rb", *words: Any, **options: Any) -> io.RawIOBase:
        # Whoever asks a question has no leave to change what it is asked of.
        if mode != "rb":
            raise PermissionError(f"{path} cannot be written")
        size: int = self.info(path)["size"]
        key = self._strip_protocol(path)
        local = self._location.local_path(key)
        return self._location.open_object(key, size) if local is None else _LocalFile(local)


class _LocalFile(io.FileIO):
    """A file that is closed when it is let go: DuckDB closes none."""

    def __del__(self) -> None:
        self.close()
