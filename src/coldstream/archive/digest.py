"""A digest over rows that does not depend on their order, computable in PostgreSQL too.

The canonical text of a row is these, joined by single spaces::

    global_position position time id len(stream_name) len(type) len(data) len(metadata)

then a newline, then ``stream_name``, ``type``, ``data`` and ``metadata`` joined by nothing.
``time`` is whole microseconds since 1970-01-01 UTC, ``id`` is lower-case hyphenated, lengths count
code points, and the length of a NULL is ``-`` (which tells it from an empty text). The lengths
make the text unambiguous whatever the fields hold.

The SHA-256 of its UTF-8 bytes gives two signed big-endian 64-bit integers (bytes 0-7 and 8-15);
each is summed over all rows modulo 2^64. The result is ``sum-sha256:<rows>:<hi><lo>``, both sums
as 16 lower-case hexadecimal digits.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from struct import Struct
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from coldstream.archive.rows import Row

_MASK = (1 << 64) - 1
_HALVES = Struct(">QQ").unpack_from
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(time: datetime) -> int:
    """Whole microseconds since the epoch.

    Raises:
        ValueError: ``time`` has no time zone.
    """
    try:
        since = time - EPOCH
    except TypeError:
        raise ValueError(f"The time {time.isoformat()} has no time zone") from None
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def from_microseconds(value: int) -> datetime:
    """The inverse of :func:`microseconds`, in UTC."""
    return EPOCH + timedelta(microseconds=value)


class RowsDigest:
    """The digest of the rows given so far. Equal multisets of rows give equal digests."""

    __slots__ = ("_hi", "_lo", "count")

    def __init__(self) -> None:
        self.count = 0
        self._hi = 0
        self._lo = 0

    def update(self, rows: Iterable[Row]) -> None:
        """Add rows in the order of :data:`coldstream.archive.rows.COLUMNS`."""
        self._add((g, p, microseconds(t), str(i), s, y, d, m) for g, p, t, s, y, d, m, i, _ in rows)

    def update_batch(self, batch: Any) -> None:
        """Add a record batch of :data:`coldstream.archive.rows.SCHEMA`."""
        from coldstream.archive.rows import canonical_fields

        self._add(canonical_fields(batch))

    def _add(
        self, fields: Iterable[tuple[int, int, int, str, str, str, str | None, str | None]]
    ) -> None:
        hi = lo = count = 0
        for g, p, t, i, s, y, d, m in fields:
            if d is None:
                d_length: int | str = "-"
                d = ""
            else:
                d_length = len(d)
            if m is None:
                m_length: int | str = "-"
                m = ""
            else:
                m_length = len(m)
            text = f"{g} {p} {t} {i} {len(s)} {len(y)} {d_length} {m_length}\n{s}{y}{d}{m}"
            # Unsigned halves: modulo 2^64 they add up to the same as signed ones.
            h, w = _HALVES(sha256(text.encode()).digest())
            hi += h
            lo += w
            count += 1
        self.count += count
        self._hi = (self._hi + hi) & _MASK
        self._lo = (self._lo + lo) & _MASK

    def hexdigest(self) -> str:
        """``sum-sha256:<rows>:<32 hexadecimal digits>``."""
        return f"sum-sha256:{self.count}:{self._hi:016x}{self._lo:016x}"

    __str__ = hexdigest

    def __repr__(self) -> str:
        return f"<RowsDigest {self.hexdigest()}>"

    def __iadd__(self, other: RowsDigest) -> Self:
        self.count += other.count
        self._hi = (self._hi + other._hi) & _MASK
        self._lo = (self._lo + other._lo) & _MASK
        return self

    def __add__(self, other: RowsDigest) -> RowsDigest:
        """The digest of both sets of rows together."""
        total = RowsDigest()
        total += self
        total += other
        return total

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RowsDigest):
            return NotImplemented
        return self.hexdigest() == other.hexdigest()

    __hash__ = None  # type: ignore[assignment]
