"""Ages and times: what is read, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from coldstream.cli.durations import parse_older_than, parse_time
from coldstream.errors import InvalidInput

NOW = datetime(2026, 3, 31, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("7d", timedelta(days=7)),
        ("36h", timedelta(hours=36)),
        ("90 days", timedelta(days=90)),
        ("2 Weeks", timedelta(weeks=2)),
        ("15min", timedelta(minutes=15)),
        ("1.5 days", timedelta(hours=36)),
        ("1 day 12 hours", timedelta(hours=36)),
        ("1d12h", timedelta(hours=36)),
        ("P7D", timedelta(days=7)),
        ("P1W", timedelta(weeks=1)),
        ("PT36H", timedelta(hours=36)),
        ("P1DT12H30M", timedelta(hours=36, minutes=30)),
        ("0d", timedelta(0)),
        (" 7d ", timedelta(days=7)),
    ],
)
def test_an_age_counts_back_from_now(text: str, age: timedelta) -> None:
    assert parse_older_than(text, NOW) == NOW - age


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1 month", datetime(2026, 2, 28, 12, 30, tzinfo=UTC)),
        ("1 year", datetime(2025, 3, 31, 12, 30, tzinfo=UTC)),
        ("25 mons", datetime(2024, 2, 29, 12, 30, tzinfo=UTC)),
        ("3 months", datetime(2025, 12, 31, 12, 30, tzinfo=UTC)),
        ("1 year 6 months", datetime(2024, 9, 30, 12, 30, tzinfo=UTC)),
        ("P1Y1M1D", datetime(2025, 2, 27, 12, 30, tzinfo=UTC)),
    ],
)
def test_months_follow_the_calendar(text: str, moment: datetime) -> None:
    assert parse_older_than(text, NOW) == moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31 10:00", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("2026-01-31T10:00:00.5Z", datetime(2026, 1, 31, 10, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-01-31T10:00+02:00", datetime(2026, 1, 31, 8, tzinfo=UTC)),
    ],
)
def test_a_time_is_itself_and_in_utc_without_a_zone(text: str, moment: datetime) -> None:
    assert parse_older_than(text, NOW) == moment
    assert parse_time(text) == moment
    assert parse_time(text).utcoffset() == timedelta(0)


def test_now_may_be_in_any_zone() -> None:
    now = NOW.astimezone(timezone(timedelta(hours=5)))
    assert parse_older_than("1d", now) == NOW - timedelta(days=1)
    assert parse_older_than("2026-03-31T12:30Z", now) == NOW


@pytest.mark.parametrize(
    "text", ["-7d", "-1 month", "1 day -30 hours", "-P7D", "2026-03-31T12:30:01Z", "2999-01-01"]
)
def test_the_future_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="means the future"):
        parse_older_than(text, NOW)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "old", "7 dogs", "d", "7d!", "P", "PT", "P1.2.3D", "infinity", "now", "yesterday",
        "20260131T10", "2026-13-01", "2026-02-30", "\u0667d", "7d ago", "1e9d", "--older-than",
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidInput, match="neither an age nor a time") as raised:
        parse_older_than(text, NOW)
    assert raised.value.hint is not None
    assert "90 days" in raised.value.hint
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("text", ["7", " 90 ", "-1", "1.5", "20260131"])
def test_a_number_without_a_unit_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="has no unit"):
        parse_older_than(text, NOW)


def test_minutes_and_months_are_not_confused() -> None:
    # Six minutes in place of six months would be almost everything there is.
    with pytest.raises(InvalidInput, match="minutes or months") as raised:
        parse_older_than("6m", NOW)
    assert raised.value.hint == "write 6min or 6mon"


def test_part_of_a_month_is_refused() -> None:
    with pytest.raises(InvalidInput, match="come whole"):
        parse_older_than("1.5 months", NOW)


@pytest.mark.parametrize("text", ["3000 years", "99999999999 days", "9" * 400 + "d", "P9999Y"])
def test_before_the_first_year_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="before the year 1"):
        parse_older_than(text, NOW)


@pytest.mark.parametrize("text", ["7d", "", "0001-01-01T00:00+14:00", "tomorrow"])
def test_where_a_time_is_needed_an_age_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="not a time"):
        parse_time(text)
