"""What a page is like, before its rows are made into messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# Of the page's messages, to tell how large they are.
_SAMPLE = 500


@dataclass(frozen=True)
class PageSize:
    """How many messages a page has, their first and last global position (0 and -1 in an empty
    one), and about how many bytes of JSON each has."""

    messages: int
    first: int
    last: int
    bytes: int

    @classmethod
    def of(cls, result: Any, whole: tuple[int, int] | None = None) -> PageSize:
        """Of a ``PGresult`` of the ``message`` type's columns, in binary format and any order. One
        that ends without an id was cut off (get_range_in_database), and is as if it were empty.

        ``whole``: the first and the last position that the page was asked for, to be taken for its
        messages', which saves a look at each of them."""
        count = result.ntuples
        value = result.get_value
        if not count or value(count - 1, 0) is None:
            return cls(0, 0, -1, 0)
        if whole is None:
            positions = [int.from_bytes(value(row, 4), signed=True) for row in range(count)]
            whole = min(positions), max(positions)
        sample = range(0, count, 1 + count // _SAMPLE)
        size = sum(len(value(row, 5) or b"") + len(value(row, 6) or b"") for row in sample)
        return cls(count, *whole, size // len(sample))
