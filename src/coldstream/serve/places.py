"""Where the files of requests may be: in the store's own archive, and in those it was forked from.

The database makes the list of files, with its owner's rights. Whoever else has the password of the
database's user, and writes a list of his own, gets nothing that the store has not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Set
from threading import Lock

from coldstream.archive.manifest.layout import safe_part
from coldstream.client.archived import LedgerFile
from coldstream.errors import InvalidInput


class Places:
    """What the ledger names, asked for again where a request names something else."""

    def __init__(self, schema: str, load: Callable[[], Set[str]], *, seconds: float = 1.0) -> None:
        self._prefix = f"{safe_part(schema)}/"
        self._load = load
        self._seconds = seconds
        self._known: Set[str] = frozenset()
        self._loaded_at = float("-inf")
        self._lock = Lock()

    def check(self, files: Iterable[LedgerFile]) -> None:
        """
        Raises:
            InvalidInput: a file that is not of this store.
        """
        for file in files:
            if ".." in file.key.split("/"):
                raise InvalidInput(f"Not a file of an archive: {file.key}")
            if not file.is_elsewhere and not file.key.startswith(self._prefix):
                raise InvalidInput(f"Not a file of this store: {file.key}")
            if file.url is not None and not self._knows(file.url):
                raise InvalidInput("A file in an archive that this store has nothing in")

    def _knows(self, url: str) -> bool:
        with self._lock:
            if url not in self._known and time.monotonic() - self._loaded_at > self._seconds:
                self._known = self._load()
                self._loaded_at = time.monotonic()
            return url in self._known
