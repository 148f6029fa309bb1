"""What the newest chunks of a store say about its rate and its sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Rows: TypeAlias = Callable[[str], Sequence[Sequence[Any]]]
"""The rows of a named statement."""

_DAY = 86_400.0


@dataclass(frozen=True)
class Measured:
    """``messages_per_day``, and ``bytes_per_message`` as rows with their indexes, of chunks whose
    time is over; ``columnstore_ratio`` and ``archive_ratio``: how many times smaller a chunk is
    there. ``None``: no chunk says."""

    chunks: int
    messages_per_day: float | None
    bytes_per_message: float | None
    columnstore_ratio: float | None
    archive_ratio: float | None


def read_measured(rows: Rows) -> Measured:
    """From the ledger's newest closed chunks. No message is read."""
    found = rows("measured_chunks")
    # The first chunk of a store begins before its first message does.
    whole = [row for row in found if not row[6]] or list(found)
    return Measured(
        len(whole),
        _rate(whole),
        _quotient(whole, 3, 2),
        _quotient(whole, 3, 4),
        _quotient(whole, 3, 5),
    )


def _rate(chunks: Sequence[Sequence[Any]]) -> float | None:
    """Over the time from the first to the last, with that of which there is no chunk."""
    if not chunks:
        return None
    time = max(row[1] for row in chunks) - min(row[0] for row in chunks)
    messages = sum(int(row[2]) for row in chunks)
    seconds: float = time.total_seconds()
    return messages / (seconds / _DAY)


def _quotient(chunks: Sequence[Sequence[Any]], over: int, under: int) -> float | None:
    """Of two columns' sums, over the chunks that have both."""
    both = [row for row in chunks if row[over] and row[under]]
    if not both:
        return None
    return sum(float(row[over]) for row in both) / sum(float(row[under]) for row in both)
