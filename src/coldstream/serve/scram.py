"""SCRAM-SHA-256 (RFC 5802, RFC 7677) with verifiers in PostgreSQL's own form.

A verifier proves a password and does not give it away: it is what the database keeps. The client of
PostgreSQL leaves the user's name in the conversation empty, since the start-up message has it.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import b64decode, b64encode
from dataclasses import dataclass
from hashlib import pbkdf2_hmac, sha256

from coldstream.errors import InvalidInput

MECHANISM = "SCRAM-SHA-256"
_ITERATIONS = 4096


class WrongPassword(Exception):
    """The client has not the password, or what it sent is no message of the conversation."""


@dataclass(frozen=True)
class Verifier:
    """What is known of a password: ``SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey``."""

    iterations: int
    salt: bytes
    stored_key: bytes
    server_key: bytes

    @classmethod
    def of(cls, password: str) -> Verifier:
        """A new one, with a salt of its own.

        Raises:
            InvalidInput: characters that clients may bring into another form (RFC 4013).
        """
        if not password or not password.isascii() or not password.isprintable():
            raise InvalidInput("A password has printable ASCII characters only")
        salt = secrets.token_bytes(16)
        salted = pbkdf2_hmac("sha256", password.encode(), salt, _ITERATIONS)
        stored_key = sha256(_hmac(salted, b"Client Key")).digest()
        return cls(_ITERATIONS, salt, stored_key, _hmac(salted, b"Server Key"))

    @classmethod
    def parse(cls, text: str) -> Verifier:
        """
        Raises:
            InvalidInput: not of that form.
        """
        try:
            mechanism, parameters, keys = text.split("$")
            iterations, salt = parameters.split(":")
            stored, server = (b64decode(key, validate=True) for key in keys.split(":"))
            if mechanism != MECHANISM or (len(stored), len(server)) != (32, 32):
                raise ValueError(mechanism)
            return cls(int(iterations), b64decode(salt, validate=True), stored, server)
        except ValueError as error:
            # What it is may be a password that somebody put in its place.
            raise InvalidInput(f"Not a {MECHANISM} verifier") from error

    def __str__(self) -> str:
        salt, stored, server = (
            b64encode(part).decode() for part in (self.salt, self.stored_key, self.server_key)
        )
        return f"{MECHANISM}${self.iterations}:{salt}${stored}:{server}"


def nobody() -> Verifier:
    """For a user that does not exist: the client is refused where a wrong password is, and not
    before, so that it cannot tell the two apart."""
    return Verifier(_ITERATIONS, *(secrets.token_bytes(size) for size in (16, 32, 32)))


class Conversation:
    """The server's side, for one client that says it has the password: two messages of the
    client's, and an answer to each."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier
        self._nonce = ""
        self._channel = ""
        self._so_far = ""

    def first(self, message: str) -> str:
        """
        Raises:
            WrongPassword: no first message, or one that needs a channel binding.
        """
        binding, comma, rest = message.partition(",")
        _, comma, bare = rest.partition(",")
        fields = _fields(bare)
        if not comma or binding not in ("n", "y") or "m" in fields or not fields.get("r"):
            raise WrongPassword("Not a first message")
        self._channel = message[: len(message) - len(bare)]
        self._nonce = fields["r"] + secrets.token_urlsafe(18)
        salt = b64encode(self._verifier.salt).decode()
        answer = f"r={self._nonce},s={salt},i={self._verifier.iterations}"
        self._so_far = f"{bare},{answer}"
        return answer

    def final(self, message: str) -> str:
        """
        Raises:
            WrongPassword: it is.
        """
        without, comma, proof = message.rpartition(",p=")
        fields = _fields(without)
        channel = b64encode(self._channel.encode()).decode()
        if not comma or fields.get("r") != self._nonce or fields.get("c") != channel:
            raise WrongPassword("Not a final message")
        said = f"{self._so_far},{without}".encode()
        signature = _hmac(self._verifier.stored_key, said)
        try:
            given = b64decode(proof, validate=True)
        except ValueError as error:
            raise WrongPassword("Not a proof") from error
        if len(given) != len(signature):
            raise WrongPassword("Not a proof")
        key = bytes(a ^ b for a, b in zip(given, signature, strict=True))
        if not hmac.compare_digest(sha256(key).digest(), self._verifier.stored_key):
            raise WrongPassword("Another password")
        return f"v={b64encode(_hmac(self._verifier.server_key, said)).decode()}"


def _fields(text: str) -> dict[str, str]:
    return {each[0]: each[2:] for each in text.split(",") if each[1:2] == "="}


def _hmac(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, "sha256")
