"""Folders and files on this machine that messages are in: private, and walked to their end."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

_NO_MODES = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS)


def make_private_folder(folder: Path) -> list[Path]:
    """Make a folder, and those above it that are missing, for its owner alone (0700); gives those
    that were made. One that is there keeps the mode that somebody gave it."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    made = []
    for each in reversed(missing):
        try:
            # From the start: between making it and changing it, others could open it.
            each.mkdir(mode=0o700)
        except FileExistsError:
            continue
        # A umask can take rights away, the owner's too.
        _set_mode(each, 0o700)
        made.append(each)
    return made


def make_private_file(path: Path) -> None:
    """Leave a file to its owner alone (0600). Its folder has kept others from it so far."""
    _set_mode(path, 0o600)


def _set_mode(path: Path, mode: int) -> None:
    try:
        path.chmod(mode)
    except OSError as error:
        # A file system that knows no modes, such as FAT or a share of another system.
        if error.errno not in _NO_MODES:
            raise


def is_private(status: os.stat_result) -> bool:
    """Whether nobody but this user (and root) can have written there."""
    return status.st_uid in (os.geteuid(), 0) and not status.st_mode & 0o022


def walk(root: Path, below: str) -> Iterator[tuple[str, os.stat_result]]:
    """Every file below a folder in ``root``: its path from there, with ``/``, and its status.

    Links are followed, but not to where they lead from: a folder in itself has no end. What is
    gone, leads nowhere, or has a name that is no text, is passed over.
    """
    start = root / below
    try:
        status = start.stat()
    except (FileNotFoundError, NotADirectoryError):
        return
    if stat.S_ISDIR(status.st_mode):
        yield from _walk(start, below, frozenset(((status.st_dev, status.st_ino),)))


def _walk(
    folder: Path, key: str, above: frozenset[tuple[int, int]]
) -> Iterator[tuple[str, os.stat_result]]:
    try:
        with os.scandir(folder) as entries:
            found = sorted(entry.name for entry in entries)
    except FileNotFoundError:
        return
    for name in found:
        try:
            name.encode()
            status = (folder / name).stat()
        except UnicodeEncodeError:
            continue
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENOTDIR):
                continue
            raise
        path = f"{key}/{name}" if key else name
        if stat.S_ISREG(status.st_mode):
            yield path, status
        elif stat.S_ISDIR(status.st_mode) and (status.st_dev, status.st_ino) not in above:
            yield from _walk(folder / name, path, above | {(status.st_dev, status.st_ino)})
