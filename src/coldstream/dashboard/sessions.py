"""Tokens, and the sessions of browsers that gave one. No I/O."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from coldstream.errors import InvalidInput

Role: TypeAlias = Literal["read", "act"]
"""``act`` may do what changes something, too."""

_SHORTEST = 16
_SECONDS = 12 * 3600.0
_MOST = 1000


def new_token() -> str:
    """A token that nobody guesses."""
    return secrets.token_urlsafe(24)


@dataclass(frozen=True)
class Session:
    """Whose a request is. ``csrf``: what a request that changes something has to repeat; ``None``
    for a program, whose token no browser sends by itself."""

    role: Role
    csrf: str | None


class Sessions:
    """Which tokens there are, and who gave one. ``act`` ``None``: nobody may change anything.

    Raises:
        InvalidInput: a token that is short enough to be guessed, or the same one for both.
    """

    def __init__(
        self, read: str, act: str | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        for token in (read, act):
            if token is not None and len(token) < _SHORTEST:
                raise InvalidInput(
                    f"A token of {len(token)} characters can be guessed",
                    hint=f"Give one of at least {_SHORTEST}, or none: then one is made.",
                )
        if read == act:
            raise InvalidInput("The token that may act is the one that may only read")
        self._hashes: list[tuple[Role, bytes]] = [("read", _hash(read))]
        if act is not None:
            self._hashes.append(("act", _hash(act)))
        self._clock = clock
        self._known: dict[bytes, tuple[float, Session]] = {}

    def role_of(self, token: str) -> Role | None:
        """What a token allows. It takes as long for every token: how long says nothing of it."""
        given, found = _hash(token), None
        for role, expected in self._hashes:
            if hmac.compare_digest(given, expected):
                found = role
        return found

    def begin(self, role: Role) -> str:
        """A session of a browser; gives the cookie's value, of which only a hash is kept."""
        now = self._clock()
        self._known = {key: each for key, each in self._known.items() if each[0] > now}
        while len(self._known) >= _MOST:
            del self._known[next(iter(self._known))]
        cookie = new_token()
        self._known[_hash(cookie)] = (now + _SECONDS, Session(role, new_token()))
        return cookie

    def of_cookie(self, cookie: str) -> Session | None:
        """The session that a cookie stands for, unless it has ended."""
        until, session = self._known.get(_hash(cookie), (0.0, None))
        return session if until > self._clock() else None

    def of_token(self, token: str) -> Session | None:
        """A program that gives its token with each request."""
        role = self.role_of(token)
        return None if role is None else Session(role, None)

    def end(self, cookie: str) -> None:
        """Forget a browser."""
        self._known.pop(_hash(cookie), None)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
