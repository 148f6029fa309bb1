"""Who may connect, as the store has it (``archive_server_users``).

The store keeps verifiers, which prove a password and do not give it away. Any number of servers of
one store know the same users that way.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock

from coldstream.serve.scram import Verifier


@dataclass(frozen=True)
class User:
    """``may_query``: SQL over the archive; whoever may not asks only as the database does."""

    name: str
    verifier: Verifier
    may_query: bool


class Users:
    """The users, read again every ``seconds``, and where one is asked for that was not there; but
    not more often than every ``least``, however many guess. A password that was changed is known
    after ``seconds``."""

    def __init__(
        self,
        load: Callable[[], Mapping[str, User]],
        *,
        seconds: float = 1.0,
        least: float = 0.2,
    ) -> None:
        self._load = load
        self._seconds = seconds
        self._least = least
        self._known: Mapping[str, User] = {}
        self._loaded_at = float("-inf")
        self._lock = Lock()

    def get(self, name: str) -> User | None:
        """Whoever has this name.

        Raises:
            Unavailable and the like: the store was never asked with success.
        """
        with self._lock:
            age = time.monotonic() - self._loaded_at
            if age > self._seconds or (name not in self._known and age > self._least):
                self._refresh()
            return self._known.get(name)

    def forget(self) -> None:
        """Ask the store at the next question, whenever that is."""
        with self._lock:
            self._loaded_at = min(self._loaded_at, time.monotonic() - self._seconds)

    def _refresh(self) -> None:
        try:
            self._known = self._load()
        except Exception:
            # The archive can be read while the database cannot: whoever was known stays known.
            if self._loaded_at == float("-inf"):
                raise
        self._loaded_at = time.monotonic()
