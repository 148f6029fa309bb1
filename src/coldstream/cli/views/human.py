"""Numbers, times and texts as people read them. JSON output never goes through here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

NOTHING = "-"
_SIZES = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
_DURATIONS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def human_count(value: int) -> str:
    """``12345`` as ``12,345``."""
    return f"{value:,}"


def human_bytes(value: float) -> str:
    """Bytes in decimal units: ``12345`` as ``12.3 kB``."""
    sign, rest = ("-" if value < 0 else ""), abs(value)
    unit = 0
    # 999,999 bytes are 1.0 MB, not 1000 kB: what decides is the number as it will be shown.
    while round(rest) >= 1000 and unit < len(_SIZES) - 1:
        rest /= 1000
        unit += 1
    digits = 1 if unit and round(rest, 1) < 100 else 0
    return f"{sign}{rest:.{digits}f} {_SIZES[unit]}"


def human_duration(value: float | timedelta) -> str:
    """Seconds in their two largest units: ``4.2 s``, ``3 min 5 s``, ``7 d``."""
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    sign, seconds = ("-" if seconds < 0 else ""), abs(seconds)
    if round(seconds, 1) < 60:
        if 0 < round(seconds * 1000) < 1000:
            return f"{sign}{seconds * 1000:.0f} ms"
        return f"{sign}{seconds:.1f}".removesuffix(".0") + " s"
    rest = round(seconds) if seconds < 3600 else round(seconds / 60) * 60
    parts: list[str] = []
    for size, name in _DURATIONS:
        amount, rest = divmod(rest, size)
        if amount:
            parts.append(f"{amount} {name}")
        elif parts:
            # "1 d 3 min" would read as more exact than it is.
            break
        if len(parts) == 2:
            break
    return sign + " ".join(parts)


def human_ratio(value: float) -> str:
    """How many times smaller: ``8.5x``."""
    return f"{value:.1f}x" if round(value, 1) < 100 else f"{value:,.0f}x"


def human_time(value: datetime) -> str:
    """In UTC, to the second; a time without a zone is in UTC already."""
    utc = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return f"{utc:%Y-%m-%d %H:%M:%S}Z"


def printable(text: str) -> str:
    """``text`` without characters that a terminal would obey: an escape is shown as ``\\x1b``."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def one_line(text: str) -> str:
    """``text`` in one printable line, whatever it was."""
    return printable(" ".join(text.split()))
