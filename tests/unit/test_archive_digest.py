from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from uuid import UUID

import pyarrow as pa
import pytest
from tests.archive_rows import make_rows

from coldstream.archive.format.digest import RowsDigest
from coldstream.archive.format.rows import Row, to_batches
from coldstream.archive.format.times import from_microseconds, microseconds

FIRST: Row = (
    42,
    7,
    datetime(2026, 11, 3, 1, 2, 3, 456789, tzinfo=UTC),
    "account-ψ🌊",
    "Opened",
    '{"a": 1.0}',
    None,
    UUID("0192d3a4-b5c6-7d8e-9fa0-b1c2d3e4f506"),
    "account",
)
SECOND: Row = (
    9223372036854775807,
    0,
    datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    "b",
    "",
    "",
    "null",
    UUID(int=0),
    "b",
)
# The canonical texts written out by hand, from the definition alone.
FIRST_TEXT = (
    "42 7 1793667723456789 0192d3a4-b5c6-7d8e-9fa0-b1c2d3e4f506 10 6 10 -\n"
    'account-ψ🌊Opened{"a": 1.0}'
)
SECOND_TEXT = "9223372036854775807 0 -1 00000000-0000-0000-0000-000000000000 1 0 0 4\nbnull"

KNOWN_FIRST = "sum-sha256:1:63bdd881f7ace9e6d60e736625f8a1df"
KNOWN_BOTH = "sum-sha256:2:4b82e27913f0874e97270f1e87b5f026"


def digest(*rows: Row) -> RowsDigest:
    result = RowsDigest()
    result.update(rows)
    return result


def batch_digest(rows: list[Row]) -> RowsDigest:
    result = RowsDigest()
    for batch in to_batches(rows):
        result.update_batch(batch)
    return result


def by_hand(*texts: str) -> str:
    hi = lo = 0
    for text in texts:
        hash = sha256(text.encode("utf-8")).digest()
        hi += int.from_bytes(hash[:8], "big", signed=True)
        lo += int.from_bytes(hash[8:16], "big", signed=True)
    return f"sum-sha256:{len(texts)}:{hi % 2**64:016x}{lo % 2**64:016x}"


def test_known_answers() -> None:
    assert str(digest()) == "sum-sha256:0:00000000000000000000000000000000"
    assert str(digest(FIRST)) == by_hand(FIRST_TEXT) == KNOWN_FIRST
    assert str(digest(FIRST, SECOND)) == by_hand(FIRST_TEXT, SECOND_TEXT) == KNOWN_BOTH


def test_arrow_gives_the_same() -> None:
    assert str(batch_digest([FIRST])) == KNOWN_FIRST
    assert str(batch_digest([FIRST, SECOND])) == KNOWN_BOTH
    rows = make_rows(2_500)
    assert batch_digest(rows) == digest(*rows)


def test_a_slice_of_a_batch_is_only_its_own_rows() -> None:
    rows = make_rows(100)
    (whole,) = to_batches(rows)
    part = RowsDigest()
    part.update_batch(whole.slice(13, 40))
    assert part == digest(*rows[13:53])
    none = RowsDigest()
    none.update_batch(whole.slice(13, 0))
    assert none == RowsDigest()


def test_order_does_not_matter_and_parts_add_up() -> None:
    rows = make_rows(300)
    shuffled = rows.copy()
    random.Random(5).shuffle(shuffled)
    whole = digest(*rows)
    assert digest(*shuffled) == whole
    assert digest(*rows[:100]) + digest(*rows[100:]) == whole
    assert whole.count == 300


@pytest.mark.parametrize(
    "change",
    [
        {0: 43},
        {1: 8},
        {2: FIRST[2] + timedelta(microseconds=1)},
        {3: "account-ψ🌊O", 4: "pened"},
        {5: None},
        {5: '{"a": 1.00}'},
        {5: None, 6: '{"a": 1.0}'},
        {6: ""},
        {7: UUID(int=1)},
    ],
    ids=str,
)
def test_every_field_counts(change: dict[int, object]) -> None:
    changed = tuple(change.get(at, value) for at, value in enumerate(FIRST))
    assert digest(changed) != digest(FIRST)  # type: ignore[arg-type]
    assert batch_digest([changed]) != batch_digest([FIRST])  # type: ignore[list-item]


def test_a_row_twice_is_not_a_row_once() -> None:
    assert digest(FIRST, FIRST) != digest(FIRST)
    assert digest(FIRST, FIRST) != digest(SECOND, SECOND)


def test_times() -> None:
    in_new_york = FIRST[2].astimezone(timezone(timedelta(hours=-5)))
    assert digest((*FIRST[:2], in_new_york, *FIRST[3:])) == digest(FIRST)
    for time in (FIRST[2], SECOND[2], datetime.min.replace(tzinfo=UTC)):
        assert from_microseconds(microseconds(time)) == time
    with pytest.raises(ValueError, match="has no time zone"):
        microseconds(datetime(2026, 11, 3))


def test_texts_beyond_what_one_arrow_text_column_addresses_are_joined() -> None:
    # Large text columns inside: a plain one ends at 2 GiB, which must not fail or wrap around.
    from coldstream.archive.format.digest import canonical_texts

    (batch,) = to_batches([FIRST])
    assert canonical_texts(batch).type == pa.large_string()
    assert canonical_texts(batch).to_pylist() == [FIRST_TEXT]
