"""What is due: by age and by state, nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from coldstream import InvalidInput
from coldstream.lifecycle import Chunk, Policy
from coldstream.lifecycle.plan import due

NOW = datetime(2026, 1, 31, tzinfo=UTC)
DAY = timedelta(days=1)
POLICY = Policy(7 * DAY, 30 * DAY, 90 * DAY)


def chunk(days: float, state: str, *, is_compressed: bool = False, is_kept: bool = False) -> Chunk:
    """One that ended so many days ago."""
    return Chunk(
        chunk_name="c",
        range_start=NOW - (days + 7) * DAY,
        range_end=NOW - days * DAY,
        tier="?",
        state=state,
        is_compressed=is_compressed,
        messages=1,
        first_global_position=1,
        last_global_position=1,
        row_bytes=None,
        columnstore_bytes=None,
        archive_bytes=None,
        archive_url=None,
        archive_object=None,
        verified_at=None,
        is_kept=is_kept,
    )


@pytest.mark.parametrize(
    ("days", "state", "verbs"),
    [
        (6.9, "open", []),
        (7, "open", ["compress"]),
        (29.9, "closed", ["compress"]),
        (30, "closed", ["compress", "archive", "verify"]),
        (30, "compressed", ["compress", "archive", "verify"]),  # late data left rows beside it
        (30, "sealed", ["archive", "verify"]),
        (30, "exporting", ["archive", "verify"]),
        (1, "exported", ["verify"]),
        (89, "verified", []),
        (90, "verified", ["drop"]),
        (90, "exported", ["verify", "drop"]),
        (90, "closed", ["archive", "verify", "drop"]),
        (900, "dropped", []),
        (1, "rehydrated", ["drop"]),
    ],
)
def test_what_is_due(days: float, state: str, verbs: list[str]) -> None:
    assert due(chunk(days, state), POLICY, NOW, columnstore=True) == verbs


def test_what_is_compressed_or_cannot_be_is_not_compressed() -> None:
    compressed = chunk(10, "closed", is_compressed=True)
    assert due(compressed, POLICY, NOW, columnstore=True) == []
    assert due(chunk(10, "closed"), POLICY, NOW, columnstore=False) == []


@pytest.mark.parametrize("state", ["rehydrated", "verified", "exported", "closed"])
def test_what_is_kept_is_not_dropped(state: str) -> None:
    assert "drop" not in due(chunk(900, state, is_kept=True), POLICY, NOW, columnstore=True)


def test_never_is_never() -> None:
    for state in ("open", "closed", "compressed", "sealed", "exported", "verified"):
        assert due(chunk(9000, state), Policy(), NOW, columnstore=True) == []
    # A length that was asked for is over, whatever the policy is.
    assert due(chunk(1, "rehydrated"), Policy(), NOW, columnstore=True) == ["drop"]


@pytest.mark.parametrize(
    ("ages", "problem"),
    [
        ((8, 7, 9), "compress_after .* is more than archive_after"),
        ((8, None, None), None),
        ((None, 7, 6), "archive_after .* is more than drop_after"),
        ((7, 7, 7), None),
        ((None, None, 7), "drop_after needs archive_after"),
        ((0, 1, 1), "compress_after must be positive"),
        ((1, 2, -1), "drop_after must be positive"),
    ],
)
def test_the_order_of_the_ages(ages: tuple[int | None, ...], problem: str | None) -> None:
    given = [None if age is None else age * DAY for age in ages]
    if problem is None:
        Policy(*given)
        return
    with pytest.raises(InvalidInput, match=problem):
        Policy(*given)
