"""Where a file is: a path, standard input and output, or an object of an object store."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

from coldstream.archive.storage.location import ArchiveLocation
from coldstream.archive.storage.spool import spool_file
from coldstream.errors import InvalidInput

STANDARD = "-"


def name_of(place: str) -> str:
    """How a place is called in what people read."""
    return {STANDARD: "the standard input"}.get(place, place)


def _local(place: str) -> Path | None:
    """The path of a file on this machine; ``None``: an object."""
    if place.startswith("file://"):
        return Path(unquote(urlsplit(place).path))
    return None if "://" in place else Path(place)


def _object(
    place: str, options: Mapping[str, str] | None, *, make: bool
) -> tuple[ArchiveLocation, str]:
    """Where an object is, and its key.

    Raises:
        InvalidInput: the URL names a bucket and no object.
    """
    scheme, _, rest = place.partition("://")
    folder, slash, key = rest.rpartition("/")
    if not slash or not folder or not key:
        raise InvalidInput(
            f"{place} names no object", hint="Write s3://bucket/folder/name.ndjson.gz."
        )
    return ArchiveLocation.open(f"{scheme}://{folder}", options, make=make), key


@contextmanager
def reading(place: str, options: Mapping[str, str] | None = None) -> Iterator[BinaryIO]:
    """A file that can be read more than once. What is no file of this machine is copied to a
    temporary one first.

    Raises:
        InvalidInput: there is none.
        ArchiveUnavailable: the object cannot be read.
    """
    if place == STANDARD:
        with spool_file() as spool:
            source: Any = getattr(sys.stdin, "buffer", None)
            if source is None:
                spool.write(sys.stdin.read().encode())
            else:
                shutil.copyfileobj(source, spool, 1 << 20)
            spool.seek(0)
            yield spool
        return
    path = _local(place)
    if path is None:
        location, key = _object(place, options, make=False)
        with spool_file() as spool:
            location.download(key, spool)
            spool.seek(0)
            yield spool
        return
    try:
        file = path.open("rb")
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from None
    with file:
        if file.seekable():
            yield file
            return
        # A named pipe.
        with spool_file() as spool:
            shutil.copyfileobj(file, spool, 1 << 20)
            spool.seek(0)
            yield spool


def check_target(place: str, options: Mapping[str, str] | None, *, overwrite: bool) -> None:
    """Before anything is read.

    Raises:
        InvalidInput: there is such a file already, or no such folder.
    """
    if place == STANDARD:
        return
    path = _local(place)
    if path is None:
        location, key = _object(place, options, make=False)
        exists = location.exists(key)
    else:
        if path.is_dir():
            raise InvalidInput(f"{path} is a folder", hint="Name a file in it.")
        if not path.absolute().parent.is_dir():
            raise InvalidInput(f"There is no folder {path.absolute().parent}")
        # A device, or a named pipe, is written to as it is.
        exists = path.is_file()
    if exists and not overwrite:
        raise InvalidInput(f"{place} exists", hint="Name another file, or pass --overwrite.")


@contextmanager
def writing(place: str, options: Mapping[str, str] | None = None) -> Iterator[BinaryIO]:
    """A file to write. It has its name when the context has ended well, and not before: a killed or
    failed export leaves none that looks whole. An object is uploaded from a temporary file."""
    if place == STANDARD:
        out: Any = getattr(sys.stdout, "buffer", None)
        if out is not None:
            sys.stdout.flush()
            yield out
            out.flush()
            return
        # Where a program has put a text file in its place.
        with spool_file() as spool:
            yield spool
            spool.seek(0)
            for line in spool:
                sys.stdout.write(line.decode())
        return
    path = _local(place)
    if path is None:
        location, key = _object(place, options, make=True)
        with spool_file() as spool:
            yield spool
            spool.flush()
            location.put_file(key, spool)
        return
    if path.exists() and not path.is_file():
        with path.open("wb") as file:
            yield file
        return
    path = path.resolve()
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    # Messages are in it in clear: it is its owner's.
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        with suppress(FileNotFoundError):
            part.unlink()
