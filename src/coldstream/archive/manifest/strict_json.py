"""JSON of somebody else, parsed without trust: one meaning, or one error.

Python's parser takes what the standard leaves open or forbids: a key twice (the last one counts,
where another reader may take the first), and NaN. Deep nesting ends it with RecursionError.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any


def parse(data: bytes | str) -> Any:
    """The value of a JSON text. Numbers with a point or an exponent are floats.

    Raises:
        ValueError: not JSON, in one short line; also for a key twice, NaN and what is nested too
            deep.
    """
    try:
        return json.loads(data, object_pairs_hook=_unique, parse_constant=_constant)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise ValueError(f"the key {twice[:80]!r} is there twice")
    return found


def _constant(text: str) -> Any:
    raise ValueError(f"{text} is no number")
