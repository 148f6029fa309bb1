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

import sys
from array import array
from collections.abc import Iterable
from hashlib import sha256
from itertools import pairwise
from typing import Self

import pyarrow as pa
import pyarrow.compute as pc

from coldstream.archive.format.rows import Row, joined, storage
from coldstream.archive.format.times import microseconds

_MASK = (1 << 64) - 1


def canonical_text(row: Row) -> str:
    """The canonical text of a row: a tuple in the order of
    :data:`coldstream.archive.format.rows.COLUMNS`."""
    g, p, t, s, y, d, m, i, _ = row
    lengths = f"{len(s)} {len(y)} {_length(d)} {_length(m)}"
    return f"{g} {p} {microseconds(t)} {i} {lengths}\n{s}{y}{d or ''}{m or ''}"


def _length(text: str | None) -> int | str:
    return "-" if text is None else len(text)


def canonical_texts(batch: pa.RecordBatch) -> pa.LargeStringArray:
    """The canonical text of every row of a batch of :data:`coldstream.archive.format.rows.SCHEMA`.

    As :func:`canonical_text` of each; column by column in Arrow it is several times faster.
    """
    texts = [batch.column(name) for name in ("stream_name", "type", "data", "metadata")]
    # The joined texts of a batch may pass the 2 GiB that a plain text column can address.
    texts = [storage(text).cast(pa.large_string()) for text in texts]
    numbers = [batch.column(name) for name in ("global_position", "position")]
    numbers.append(batch.column("time").cast(pa.int64()))
    lengths = [pc.utf8_length(text) for text in texts]
    as_text = [number.cast(pa.large_string()) for number in (*numbers, *lengths)]
    head = joined(
        " ",
        *as_text[:3],
        storage(batch.column("id")).cast(pa.large_string()),
        *(pc.fill_null(length, "-") for length in as_text[3:]),
    )
    head = joined("\n", head, texts[0])
    return joined("", head, *(pc.fill_null(text, "") for text in texts[1:]))


class RowsDigest:
    """The digest of the rows given so far. Equal multisets of rows give equal digests."""

    __slots__ = ("_hi", "_lo", "count")

    def __init__(self) -> None:
        self.count = 0
        self._hi = 0
        self._lo = 0

    def update(self, rows: Iterable[Row]) -> None:
        """Add rows, tuples in the order of :data:`coldstream.archive.format.rows.COLUMNS`."""
        self._add([sha256(canonical_text(row).encode()).digest() for row in rows])

    def update_batch(self, batch: pa.RecordBatch) -> None:
        """Add a record batch of :data:`coldstream.archive.format.rows.SCHEMA`."""
        if batch.num_rows == 0:
            return
        texts = canonical_texts(batch)
        _, offsets, data = texts.buffers()
        ends = memoryview(offsets).cast("q")[texts.offset : texts.offset + len(texts) + 1].tolist()
        view = memoryview(data)
        self._add([sha256(view[start:end]).digest() for start, end in pairwise(ends)])

    def _add(self, hashes: list[bytes]) -> None:
        # Unsigned quarters: modulo 2^64 they add up to the same as signed ones.
        quarters = array("Q", b"".join(hashes))
        if sys.byteorder == "little":
            quarters.byteswap()
        self.count += len(hashes)
        self._hi = (self._hi + sum(quarters[0::4])) & _MASK
        self._lo = (self._lo + sum(quarters[1::4])) & _MASK

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
