"""Times as files and digests count them: whole microseconds since 1970-01-01 UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

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
