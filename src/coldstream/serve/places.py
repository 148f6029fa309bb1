"""Which files a request may name: those that the ledger names, where it says that they are.

The database makes the list of files, with its owner's rights. Whoever else has the password of the
database's user, and writes a list of his own, gets nothing that the store has not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from threading import Lock

from coldstream.client.archived import LedgerFile
from coldstream.errors import InvalidInput

_MOST = 200_000


class Places:
    """What the ledger names. A file that it named once is known from then on: a file does not
    change."""

    def __init__(self, load: Callable[[Collection[str]], Iterable[Sequence[str]]]) -> None:
        self._load = load
        self._known: set[tuple[str, str | None]] = set()
        self._lock = Lock()

    def check(self, files: Iterable[LedgerFile]) -> None:
        """
        Raises:
            InvalidInput: a file that the ledger does not name.
            Unavailable: it cannot be asked.
        """
        named = {(file.key, file.url) for file in files}
        with self._lock:
            asked = named - self._known
        if not asked:
            return
        found = {(key, url) for key, url in self._load([key for key, _ in asked])}
        for key, _ in asked - found:
            raise InvalidInput(f"Not a file of this store: {key}")
        with self._lock:
            if len(self._known) > _MOST:
                self._known.clear()
            self._known |= found
