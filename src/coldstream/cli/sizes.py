"""Sizes as people write them on a command line."""

from __future__ import annotations

import re

from coldstream.errors import InvalidInput

_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kmgtp]?)(i?)b?", re.IGNORECASE)
_POWERS = ("", "k", "m", "g", "t", "p")


def parse_size(text: str) -> int:
    """Bytes: ``16GB`` is 16 * 10^9, ``16GiB`` 16 * 2^30.

    Raises:
        InvalidInput: not a size, or nothing.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None or (found[3] and not found[2]):
        raise InvalidInput(f"{text!r} is no size", hint="A size is written as 16GB, 500GB, 2TiB.")
    size = int(float(found[1]) * (1024 if found[3] else 1000) ** _POWERS.index(found[2].lower()))
    if not size:
        raise InvalidInput(f"{text!r} is nothing at all")
    return size
