"""Which ranges an archive must have: a list in every claim, by which a manifest that somebody
deleted is missed, also by a reader that has the bucket alone.

Ranges that follow one another, of one length and with manifests of one number, are one entry: a
store's whole history is a few of them::

    ["20250102T000000Z_20250109T000000Z", 52, 1]

is 52 ranges of a week each, from that one on, whose newest manifests have the number 1 at least.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeAlias

from coldstream.archive.manifest import layout
from coldstream.errors import ArchiveCorrupt

Written: TypeAlias = dict[tuple[datetime, datetime], int]
"""The number of the newest manifest that was committed, by the range's start and end."""
_MOST = 1_000_000  # ranges: a list of more is no list of ours, and would fill the memory


def packed(written: Written) -> list[list[str | int]]:
    """The list as JSON has it, in the order of time."""
    entries: list[list[Any]] = []
    following: tuple[object, ...] = ()
    for (start, end), generation in sorted(written.items()):
        if (start, end - start, generation) == following:
            entries[-1][1] += 1
        else:
            entries.append([layout.range_part(start, end), 1, generation])
        following = (end, end - start, generation)
    return entries


def unpacked(entries: Any) -> Written:
    """The ranges of a list; it may be anybody's who may write to the bucket.

    Raises:
        ArchiveCorrupt: it is no such list.
    """
    written: Written = {}
    try:
        for part, count, generation in entries:
            if not isinstance(generation, int) or not 0 < count <= _MOST - len(written):
                raise ValueError
            start, end = layout.range_of_part(part)
            length = end - start
            for number in range(count):
                first = start + number * length
                written[first, first + length] = generation
    except (ValueError, TypeError, AttributeError, OverflowError):
        raise ArchiveCorrupt("It does not say which ranges there are") from None
    return written


def together(lists: Iterable[Written]) -> Written:
    """What all of them name."""
    found: Written = {}
    for each in lists:
        for range_, generation in each.items():
            found[range_] = max(generation, found.get(range_, 0))
    return found
