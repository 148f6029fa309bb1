"""An archive location as a file system of fsspec, for engines that read through one."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from fsspec.spec import AbstractFileSystem

from coldstream.archive.format.footers import parse_footer
from coldstream.archive.manifest.manifest import ArchiveFile
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.archive.storage.remote_file import RemoteFile
from coldstream.errors import ArchiveCorrupt

PROTOCOL = "coldstream"


class ArchiveFiles(AbstractFileSystem):  # type: ignore[misc]
    """The data files of an archive as ``coldstream://key``, to be read in ranges.

    Whatever the location is, the credentials, retries and errors are its own. Sizes come from the
    manifests, so that opening a file costs no request. A Parquet file's footer, which an engine
    reads first, is read by this and proved to be the one of the manifest: it says how many rows
    there are, and where.
    """

    protocol = PROTOCOL
    cachable = False

    def __init__(self, location: ArchiveLocation, files: Iterable[ArchiveFile]) -> None:
        super().__init__()
        self._location = location
        self._files = {file.key: file for file in files}
        self._proved: set[str] = set()

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
        self.info(path)
        file = self._files[self._strip_protocol(path)]
        local = self._location.local_path(file.key)
        opened: io.RawIOBase
        if local is None:
            opened = self._location.open_object(file.key, file.bytes)
        else:
            opened = _LocalFile(local)
            check_size(self._location, file, opened.seek(0, os.SEEK_END))
        if file.footer_bytes is not None and file.key not in self._proved:
            self._prove(file, opened, file.footer_bytes)
        opened.seek(0)
        return opened

    def _prove(self, file: ArchiveFile, opened: io.RawIOBase, size: int) -> None:
        start = file.bytes - size
        if isinstance(opened, RemoteFile):
            # Held, so that the engine's own look at it is no request.
            opened.hold([(start, size)])
        opened.seek(start)
        tail = opened.read(size) or b""
        url = self._location.url_of(file.key)
        if sha256(tail).hexdigest() != file.footer_sha256:
            raise ArchiveCorrupt(f"{url} has another footer than its manifest says")
        rows = parse_footer(tail).metadata.num_rows
        if rows != file.rows:
            raise ArchiveCorrupt(f"{url} has {rows} rows, and its manifest says {file.rows}")
        self._proved.add(file.key)


def check_size(location: ArchiveLocation, file: ArchiveFile, size: int) -> None:
    """That a file on this machine has not become shorter, or longer: CSV has nothing else to tell.

    Raises:
        ArchiveCorrupt: it has.
    """
    if size != file.bytes:
        raise ArchiveCorrupt(f"{location.url_of(file.key)} has {size} bytes, not {file.bytes}")


class _LocalFile(io.FileIO):
    """A file that is closed when it is let go: DuckDB closes none."""

    def __del__(self) -> None:
        self.close()
