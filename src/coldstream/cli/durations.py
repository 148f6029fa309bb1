"""Ages and times as people write them on a command line."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from coldstream.errors import InvalidInput

_AGES = "7d, 36h, 90 days, 1 year 6 months, P7D"
_TIMES = "2026-01-31, 2026-01-31T10:00Z"
_DIGITS = "0123456789"

_MONTHS = {"mon": 1, "mons": 1, "month": 1, "months": 1, "y": 12, "yr": 12, "yrs": 12}
_MONTHS |= {"year": 12, "years": 12}
_SECONDS = {"s": 1, "sec": 1, "secs": 1, "second": 1, "seconds": 1}
_SECONDS |= {"min": 60, "mins": 60, "minute": 60, "minutes": 60}
_SECONDS |= {"h": 3600, "hr": 3600, "hrs": 3600, "hour": 3600, "hours": 3600}
_SECONDS |= {"d": 86400, "day": 86400, "days": 86400}
_SECONDS |= {"w": 604800, "week": 604800, "weeks": 604800}

_PART = re.compile(r"([+-]?[0-9]+(?:\.[0-9]+)?)\s*([a-z]+)\s*,?\s*", re.IGNORECASE)
_ISO_DURATION = re.compile(
    r"([+-]?)P(?=[0-9T])(?:([0-9]+)Y)?(?:([0-9]+)M)?(?:([0-9]+)W)?(?:([0-9.]+)D)?"
    r"(?:T(?=[0-9])(?:([0-9.]+)H)?(?:([0-9.]+)M)?(?:([0-9.]+)S)?)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Age:
    """A length of time: months have no fixed one, so they are kept apart, as PostgreSQL does."""

    months: int = 0
    seconds: float = 0

    def before(self, now: datetime) -> datetime:
        """The moment this long before ``now``; the 31st goes to the last day of a shorter month.

        Raises:
            OverflowError: before the year 1.
        """
        month = now.year * 12 + now.month - 1 - self.months
        year, month = month // 12, month % 12 + 1
        if year < 1:
            raise OverflowError
        day = min(now.day, calendar.monthrange(year, month)[1])
        return now.replace(year=year, month=month, day=day) - timedelta(seconds=self.seconds)


def parse_older_than(text: str, now: datetime) -> datetime:
    """The moment that ``text`` means: an age counted back from ``now``, or a time.

    ``now`` is aware, and so is the result. An age is ``7d``, ``36h``, ``90 days``,
    ``1 year 6 months`` or ISO 8601 (``P7D``, ``PT36H``); ``0d`` is ``now``. A time is ISO 8601;
    without a zone it is in UTC.

    Raises:
        InvalidInput: neither an age nor a time, or it means the future.
    """
    words = text.strip()
    age = _parse_age(words)
    if age is None:
        moment = _parse_moment(words)
        if moment is None:
            _unreadable(text)
        if moment > now:
            raise InvalidInput(f"{text!r} means the future")
        return moment
    try:
        return age.before(now)
    except OverflowError:
        raise InvalidInput(f"{text!r} goes back to before the year 1") from None


def parse_cutoff(text: str) -> timedelta | datetime:
    """What ``text`` means by the clock of the caller: an age as a length, or an aware time.

    Raises:
        InvalidInput: as :func:`parse_older_than`.
    """
    now = datetime.now(UTC)
    moment = parse_older_than(text, now)
    # A length, so that the server's clock decides: this machine's may be ahead of it.
    return moment if _parse_moment(text.strip()) else now - moment


def parse_length(text: str) -> timedelta:
    """The length that ``text`` means: ``7d``, ``36h``, ``P7D``; months have no fixed one.

    Raises:
        InvalidInput: not a length, or not above zero.
    """
    age = _parse_age(text.strip())
    if age is None:
        _unreadable(text)
    if age.months:
        raise InvalidInput(f"{text!r} has no fixed length", hint="Give it in days: 30d.")
    try:
        length = timedelta(seconds=age.seconds)
    except OverflowError:
        raise InvalidInput(f"{text!r} is too long") from None
    if not length:
        raise InvalidInput(f"{text!r} is no time at all")
    return length


def parse_time(text: str) -> datetime:
    """The moment, aware, that ISO 8601 ``text`` means; without a zone it is in UTC.

    Raises:
        InvalidInput: not a time.
    """
    moment = _parse_moment(text.strip())
    if moment is None:
        raise InvalidInput(f"{text!r} is not a time", hint=f"a time is written as {_TIMES}")
    return moment


def _parse_moment(text: str) -> datetime | None:
    # A number alone must not be read as a date: datetime takes 20260131, and people forget a unit.
    if not re.match(r"[0-9]{4}-", text):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _parse_age(text: str) -> Age | None:
    if iso := _ISO_DURATION.fullmatch(text):
        sign, years, months, weeks, *rest = iso.groups(default="0")
        if sign == "-":
            raise InvalidInput(f"{text!r} means the future")
        try:
            days, hours, minutes, seconds = map(float, rest)
        except ValueError:
            return None
        total = ((int(weeks) * 7 + days) * 24 + hours) * 3600 + minutes * 60 + seconds
        return Age(int(years) * 12 + int(months), total)
    months_, seconds_, at = 0, 0.0, 0
    while at < len(text):
        part = _PART.match(text, at)
        if part is None:
            return None
        at = part.end()
        amount, unit = part[1], part[2].lower()
        if unit == "m":
            raise InvalidInput(
                f"{text!r} may be minutes or months", hint=f"write {amount}min or {amount}mon"
            )
        if unit not in _MONTHS and unit not in _SECONDS:
            return None
        if amount.startswith("-"):
            raise InvalidInput(f"{text!r} means the future")
        if unit in _SECONDS:
            seconds_ += float(amount) * _SECONDS[unit]
        elif "." in amount:
            raise InvalidInput(f"{text!r}: months and years come whole")
        else:
            months_ += int(amount) * _MONTHS[unit]
    return Age(months_, seconds_) if text else None


def _unreadable(text: str) -> NoReturn:
    number = text.strip().lstrip("+-").replace(".", "", 1)
    if number and not number.strip(_DIGITS):
        raise InvalidInput(f"{text!r} has no unit", hint=f"write {text.strip()}d for days")
    raise InvalidInput(
        f"{text!r} is neither an age nor a time",
        hint=f"an age is written as {_AGES}; a time as {_TIMES}",
    )
