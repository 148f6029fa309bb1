"""Takes out of messages what may not leave production: fields, by their path, become hashes or
constants."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import simplejson

from coldstream.errors import InvalidInput
from coldstream.messages.json import decode_json, encode_json
from coldstream.messages.message import Message

_PATH = re.compile(r"(?:data|metadata)(?:\.[^.\[\]]+|\[(?:\d+|\*)\])*")
_PART = re.compile(r"([^.\[\]]+)|\[(\d+|\*)\]")
_ROOTS = ("data", "metadata")
_DIGITS = 32
_KEYS = {"path", "with", "constant", "category", "type"}


@dataclass
class Rule:
    """``path``: what follows ``data`` or ``metadata``; names, numbers in a list, ``*`` for each."""

    root: str
    path: tuple[str | int, ...]
    text: str
    constant: Any
    is_hash: bool
    category: str | None
    type: str | None
    hits: int = 0

    def is_for(self, message: Message) -> bool:
        return self.category in (None, message.category) and self.type in (None, message.type)


class Scrub:
    """Rules, as a file of TOML has them::

        salt = "any text; the same one gives the same hashes"

        [[rule]]
        path = "data.owner.email"

        [[rule]]
        path = "data.lines[*].note"
        category = "invoice"
        constant = "..."

    Without ``constant`` a value becomes a hash: 32 hexadecimal digits of HMAC-SHA256, equal for
    equal values. Without ``salt`` the key is random, and none of it is kept.

    Raises:
        InvalidInput: a rule that is none.
    """

    def __init__(self, text: str) -> None:
        try:
            found = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise InvalidInput(f"The scrub rules are not TOML: {error}") from None
        salt = found.pop("salt", None)
        rules = found.pop("rule", None)
        if found or not isinstance(rules, list) or not rules:
            raise InvalidInput(
                "Scrub rules are tables [[rule]], and perhaps salt"
                + (f"; not {', '.join(map(repr, found))}" if found else "")
            )
        if salt is not None and not (isinstance(salt, str) and salt):
            raise InvalidInput("The salt of the scrub rules must be a text")
        self._key = secrets.token_bytes(32) if salt is None else salt.encode()
        self.rules = [_rule(number, rule) for number, rule in enumerate(rules, 1)]

    def __call__(self, messages: Iterable[Message]) -> Iterator[Message]:
        """The messages with their fields changed; those that no rule is for, as they are."""
        for message in messages:
            rules = [rule for rule in self.rules if rule.is_for(message)]
            yield self._scrubbed(message, rules) if rules else message

    @property
    def unused(self) -> list[Rule]:
        """The rules that changed nothing: a path that is misspelt keeps nothing back."""
        return [rule for rule in self.rules if not rule.hits]

    def _scrubbed(self, message: Message, rules: list[Rule]) -> Message:
        changed: dict[str, Any] = {}
        for root in _ROOTS:
            text = getattr(message, f"{root}_text")
            own = [rule for rule in rules if rule.root == root]
            if text is None or not own:
                continue
            value = decode_json(text)
            before = sum(rule.hits for rule in own)
            for rule in own:
                value = self._changed(value, rule, rule.path)
            if sum(rule.hits for rule in own) != before:
                changed[f"{root}_text"] = encode_json(value)
        return replace(message, **changed) if changed else message

    def _changed(self, value: Any, rule: Rule, path: tuple[str | int, ...]) -> Any:
        if not path:
            rule.hits += 1
            return self._hash(value) if rule.is_hash else rule.constant
        first, *others = path
        rest = tuple(others)
        if isinstance(value, dict):
            names = list(value) if first == "*" else [first] if first in value else []
            for name in names:
                value[name] = self._changed(value[name], rule, rest)
        elif isinstance(value, list):
            if first == "*":
                return [self._changed(each, rule, rest) for each in value]
            if isinstance(first, int) and first < len(value):
                value[first] = self._changed(value[first], rule, rest)
        return value

    def _hash(self, value: Any) -> str:
        text = simplejson.dumps(value, sort_keys=True, use_decimal=True, separators=(",", ":"))
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()[:_DIGITS]


def _rule(number: int, found: Any) -> Rule:
    what = f"Scrub rule {number}"
    if not isinstance(found, dict) or not isinstance(found.get("path"), str):
        raise InvalidInput(f"{what} has no path", hint='Such as path = "data.owner.email".')
    if other := sorted(found.keys() - _KEYS):
        raise InvalidInput(
            f"{what} has {other[0]!r}", hint=f"It may have {', '.join(sorted(_KEYS))}."
        )
    text: str = found["path"]
    path = text.removeprefix("$.")
    names = [
        match[1] or (match[2] if match[2] == "*" else int(match[2]))
        for match in _PART.finditer(path)
    ]
    if not _PATH.fullmatch(path):
        raise InvalidInput(
            f"{what}: {text!r} is no path",
            hint="It begins with data or metadata: data.owner.email, data.lines[*].note, data.*.",
        )
    way = found.get("with", "constant" if "constant" in found else "hash")
    if way not in ("hash", "constant") or (way == "constant") != ("constant" in found):
        raise InvalidInput(f"{what}: with is hash, or constant with a value in constant")
    return Rule(
        str(names[0]),
        tuple(names[1:]),
        text,
        found.get("constant"),
        way == "hash",
        found.get("category"),
        found.get("type"),
    )
