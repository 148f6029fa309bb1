"""The object store behind an archive URL.

``file://`` (or a plain path), ``s3://bucket/prefix``, ``gs://``, ``az://`` and ``memory://``, over
obstore (https://developmentseed.org/obstore/).
"""

from __future__ import annotations

import builtins
import errno
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError
from obstore.store import LocalStore, MemoryStore, from_url

from coldstream.archive.storage.faults import reported
from coldstream.archive.storage.folders import make_private_file, make_private_folder, walk
from coldstream.archive.storage.progress import Transferred
from coldstream.archive.storage.remote_file import RemoteFile
from coldstream.archive.storage.retries import Retries
from coldstream.archive.storage.urls import checked_url, endpoint_of, is_loopback
from coldstream.errors import ArchiveCorrupt, ArchiveUnavailable

_PART = 8 * 1024 * 1024
_MOST_PARTS = 9_000  # S3 takes 10,000 parts an upload
_CLIENT_OPTIONS = frozenset(
    (
        "allow_http",
        "allow_invalid_certificates",
        "connect_timeout",
        "default_content_type",
        "http1_only",
        "http2_only",
        "pool_idle_timeout",
        "pool_max_idle_per_host",
        "proxy_url",
        "proxy_ca_certificate",
        "proxy_excludes",
        "root_certificate",
        "read_timeout",
        "timeout",
        "user_agent",
    )
)
# How obstore names the file of an upload until it is whole; it lists none, and our keys have no #.
_UNFINISHED = re.compile(r"#\d+$")
_NAMED_MEMORY: dict[str, MemoryStore] = {}


@dataclass(frozen=True)
class ObjectInfo:
    """An object in the archive: its key below the location, its bytes, when it was written."""

    key: str
    bytes: int
    last_modified: datetime


class ArchiveLocation:
    """Objects below one URL. Keys are relative, with ``/`` between their parts.

    Safe to share between threads. Every method raises ArchiveUnavailable, in one line and with a
    hint, when the store cannot be reached or refuses.
    """

    def __init__(
        self,
        store: Any,
        url: str,
        root: Path | None = None,
        *,
        retries: Retries | None = None,
        storage_class: str | None = None,
    ) -> None:
        self._store = store
        self._root = root
        self._retries = retries or Retries()
        self._attributes = {"Storage-Class": storage_class} if storage_class else None
        self.url = url

    def __repr__(self) -> str:
        return f"<ArchiveLocation {self.url}>"

    @classmethod
    def open(
        cls, url: str, options: Mapping[str, str] | None = None, *, make: bool = True
    ) -> ArchiveLocation:
        """The location behind ``url``; only a folder is touched (it is made where it is missing;
        with ``make=False`` it is not, and has nothing in it: for a dry run).

        ``options`` are obstore's, by name: of the store (``endpoint``, ``region``,
        ``access_key_id``, ``server_side_encryption``, ...), of its HTTP client (``timeout``,
        ``proxy_url``, ...), ``max_retries`` and ``retry_timeout`` (seconds), and ``storage_class``,
        which files get and manifests, small and often read, do not. What is not given comes from
        the usual environment variables (``AWS_*``, ``GOOGLE_*``, ``AZURE_*``). A folder and memory
        need no options and ignore them. ``memory://name`` is shared within the process,
        ``memory://`` is not.

        Raises:
            ArchiveUnavailable: no such kind of URL or option, or the folder cannot be made.
        """
        options = dict(options or {})
        url = checked_url(url)
        scheme, _, rest = url.partition("://")
        if scheme == "file":
            root = Path(unquote(urlsplit(url).path))
            with reported(f"open {url}", missing="the folder cannot be made"):
                if make:
                    _make_folder(root)
                elif not root.exists() and _next_parent(root).is_dir():
                    return cls(MemoryStore(), url)
                if not root.is_dir():
                    raise NotADirectoryError(errno.ENOTDIR, "Not a directory", str(root))
                return cls(LocalStore(root), url, root)
        if scheme == "memory":
            store = _NAMED_MEMORY.setdefault(rest, MemoryStore()) if rest else MemoryStore()
            return cls(store, url)
        client: dict[str, Any] = {"connect_timeout": "3s", "read_timeout": "20s", "timeout": "120s"}
        client |= {key: options.pop(key) for key in _CLIENT_OPTIONS & options.keys()}
        if allowed := os.environ.get("AWS_ALLOW_HTTP"):
            client.setdefault("allow_http", allowed)
        for flag in ("allow_http", "allow_invalid_certificates"):
            if isinstance(value := client.get(flag), str):
                client[flag] = value.strip().lower() in ("1", "true", "yes", "on")
        # Plain http would show credentials and messages to the network; loopback has none.
        if "allow_http" not in client and is_loopback(endpoint_of(options)):
            client["allow_http"] = True
        given = [*options.values(), *client.values()]
        with reported(f"open {url}", private=given):
            retries = Retries(
                most=int(options.pop("max_retries", Retries.most)),
                seconds=float(options.pop("retry_timeout", Retries.seconds)),
            )
            storage_class = options.pop("storage_class", None)
            store = from_url(
                url,
                config=options,  # type: ignore[call-overload]
                client_options=client,
                retry_config=retries.config,
            )
        return cls(store, url, retries=retries, storage_class=storage_class)

    def url_of(self, key: str) -> str:
        """The full URL of a key, for people and for other engines."""
        return f"{self.url}{key}" if self.url.endswith("/") else f"{self.url}/{key}"

    def local_path(self, key: str) -> Path | None:
        """The file behind a key, where the location is a folder."""
        return None if self._root is None else self._root / key

    def check_writable(self) -> None:
        """Write a small object of its own, prove that a second writer of it is refused, and read it
        back. It is deleted where that is allowed; where nothing may be deleted it stays."""
        key = f"_coldstream-probe-{secrets.token_hex(8)}"
        probe = key.encode()
        with reported(f"write to {self.url}"):
            obstore.put(self._store, key, probe)
        try:
            self._check_conditions(key)
            if self.get(key) != probe:
                raise ArchiveUnavailable(f"Cannot use {self.url}: it gives back other bytes")
        finally:
            with suppress(ArchiveUnavailable):
                self.delete(key)

    def _check_conditions(self, key: str) -> None:
        """Raise where a key that is there can be created: then of two writers both believe that
        theirs is the one that counts, and one overwrites what the other has committed."""
        with reported(f"write to {self.url}"):
            try:
                obstore.put(self._store, key, key.encode(), mode="create")
            except AlreadyExistsError:
                return
        raise ArchiveUnavailable(
            f"Cannot use {self.url}: it ignores conditions and overwrites what is there",
            hint="It must honour If-None-Match: * as S3 does; see docs/how-to/archive-to-s3.md.",
        )

    def put_file(
        self, key: str, source: Path | BinaryIO, progress: Transferred | None = None
    ) -> int:
        """Upload a file in parts, a few megabytes in memory; gives its size in bytes.

        Replaces what is there. A failure leaves no object. On a folder, returns only when the
        bytes are on disk.
        """
        if isinstance(source, Path):
            with reported(f"read {source}"), source.open("rb") as file:
                return self.put_file(key, file, progress)
        size = source.seek(0, os.SEEK_END)
        part = max(_PART, -(-size // _MOST_PARTS))

        def put(again: bool) -> None:
            source.seek(0)
            if size <= part:
                obstore.put(
                    self._store,
                    key,
                    source.read(),
                    attributes=self._attributes,
                    use_multipart=False,
                )
                if progress:
                    progress(size, size)
            else:
                obstore.put(
                    self._store,
                    key,
                    _parts(source, part, size, progress),
                    attributes=self._attributes,
                    use_multipart=True,
                    chunk_size=part,
                    max_concurrency=3,
                )

        with reported(f"write {self.url_of(key)}"):
            self._prepare(key)
            self._retries(put)
            self._persist(key)
        return size

    def create(self, key: str, data: bytes) -> None:
        """Write a new object, or fail: of several processes exactly one succeeds.

        Raises:
            ArchiveConflict: the key exists.
        """

        def put(again: bool) -> None:
            try:
                obstore.put(self._store, key, data, mode="create")
            except AlreadyExistsError:
                # The try before may have been done and only its answer lost.
                if not again or bytes(obstore.get(self._store, key).bytes()) != data:
                    raise

        with reported(f"create {self.url_of(key)}"):
            self._prepare(key)
            self._retries(put)
            self._persist(key)

    def get(self, key: str) -> bytes:
        """The whole object, in memory."""
        with reported(f"read {self.url_of(key)}"):
            return self._retries(lambda again: bytes(obstore.get(self._store, key).bytes()))

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """``length`` bytes from ``start``, or fewer where the object ends before."""
        with reported(f"read {self.url_of(key)}"):
            return self._retries(
                lambda again: bytes(obstore.get_range(self._store, key, start=start, length=length))
            )

    def download(
        self, key: str, target: Path | BinaryIO, progress: Transferred | None = None
    ) -> int:
        """Write the object into a file, a few megabytes in memory; gives its size in bytes.

        In ranges, so that a stalled part is asked for again and not the whole object.

        Raises:
            ArchiveCorrupt: the store gives fewer bytes than it says the object has.
        """
        if isinstance(target, Path):
            with reported(f"write {target}"), target.open("wb") as file:
                return self.download(key, file, progress)
        info = self.head(key)
        if info is None:
            raise ArchiveUnavailable(f"Cannot read {self.url_of(key)}: it does not exist")
        done = 0
        while done < info.bytes:
            data = self.get_range(key, done, min(_PART, info.bytes - done))
            if not data:
                raise ArchiveCorrupt(f"{self.url_of(key)} gives {done} bytes, not {info.bytes}")
            with reported("write the downloaded object"):
                target.write(data)
            done += len(data)
            if progress:
                progress(done, info.bytes)
        return done

    def open_object(self, key: str, size: int | None = None) -> RemoteFile:
        """A seekable binary file that reads ranges; ``size`` (bytes), when known, saves a request.

        Raises:
            ArchiveUnavailable: there is no such object.
        """
        if size is None:
            info = self.head(key)
            if info is None:
                raise ArchiveUnavailable(f"Cannot read {self.url_of(key)}: it does not exist")
            size = info.bytes
        return RemoteFile(
            lambda start, length: self.get_range(key, start, length), size, self.url_of(key)
        )

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Every object whose key lies below ``prefix`` (whole parts of a key), in no order."""
        below = prefix.rstrip("/") or None
        if self._root is not None:
            # obstore ends at a link that leads back to where it is.
            for info in self._files(prefix):
                if not _UNFINISHED.search(info.key):
                    yield info
            return
        with reported(f"list {self.url_of(prefix)}"):
            # Whole lists, because a page that breaks off is asked for with the ones before it.
            pages = self._retries(
                lambda again: list(obstore.list(self._store, below, chunk_size=1_000))
            )
        for page in pages:
            for meta in page:
                yield _info(meta)

    def unfinished(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """The files that killed uploads left below a folder; object stores list none of theirs."""
        for info in self._files(prefix):
            if _UNFINISHED.search(info.key):
                yield info

    def _files(self, prefix: str) -> builtins.list[ObjectInfo]:
        """What lies below a folder, whole or not."""
        if self._root is None:
            return []
        with reported(f"list {self.url_of(prefix)}"):
            return [
                ObjectInfo(key, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))
                for key, status in walk(self._root, prefix.rstrip("/"))
            ]

    def head(self, key: str) -> ObjectInfo | None:
        """Size and time of an object, or ``None`` when there is none."""
        with reported(f"read {self.url_of(key)}"):
            try:
                return _info(self._retries(lambda again: obstore.head(self._store, key)))
            except FileNotFoundError as error:
                # An answer about the bucket is no answer about the object.
                if "NoSuchBucket" in str(error):
                    raise
                return None

    def exists(self, key: str) -> bool:
        return self.head(key) is not None

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""
        with reported(f"delete {self.url_of(key)}"):
            if self._root is not None and _UNFINISHED.search(key):
                (self._root / key).unlink(missing_ok=True)
                return
            try:
                self._retries(lambda again: obstore.delete(self._store, key))
            except FileNotFoundError as error:
                if "NoSuchBucket" in str(error):
                    raise

    def _prepare(self, key: str) -> None:
        # Before a file is in it: obstore makes folders and files as the umask says, and messages
        # are in them in clear.
        if self._root is not None:
            make_private_folder((self._root / key).parent)

    def _persist(self, key: str) -> None:
        # Rows are dropped on the strength of these bytes: they must survive a power cut, and so
        # must every folder entry that leads to them. obstore renames into place without fsync.
        if self._root is None:
            return
        path = self._root / key
        make_private_file(path)
        _sync(path)
        for folder in path.parents:
            _sync(folder)
            if folder == self._root:
                break


def _info(meta: Any) -> ObjectInfo:
    return ObjectInfo(meta["path"], meta["size"], meta["last_modified"])


def _parts(source: BinaryIO, part: int, size: int, progress: Transferred | None) -> Iterator[bytes]:
    done = 0
    while data := source.read(part):
        yield data
        done += len(data)
        if progress:
            progress(done, size)


def _next_parent(folder: Path) -> Path:
    """The first folder above it that is there."""
    return next(each for each in folder.parents if each.exists())


def _make_folder(folder: Path) -> None:
    for made in reversed(make_private_folder(folder)):
        _sync(made.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
