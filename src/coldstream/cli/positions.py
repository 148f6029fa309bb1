"""Positions as people name them: a number, an end of what there is, or a time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, TypeAlias

from coldstream.cli.durations import parse_older_than
from coldstream.errors import ConsumerError, InvalidInput

if TYPE_CHECKING:
    from coldstream.consumers import Consumers

Place: TypeAlias = int | datetime | Literal["start", "end"]


def parse_place(text: str) -> Place:
    """``start``, ``end``, a position, or a time (or age) as ``--older-than`` takes it.

    Raises:
        InvalidInput: none of these, or a time to come.
    """
    words = text.strip()
    if words == "start":
        return "start"
    if words == "end":
        return "end"
    if words.isascii() and words.isdigit():
        return int(words)
    try:
        return parse_older_than(words, datetime.now(UTC))
    except InvalidInput as error:
        if "future" in str(error):
            raise
        raise InvalidInput(
            f"{text!r} is no position",
            hint="write start, end, a position (1234), a time (2026-01-31T10:00Z) or an age (2h)",
        ) from None


def position_of(consumers: Consumers, source: str | None, place: Place) -> int:
    """The position that ``place`` means in ``source`` (``None``: everything).

    Raises:
        ConsumerError: it is after the end: what is written until there would be skipped.
    """
    if place == "start" or place == 0:
        return 0
    if isinstance(place, datetime):
        return consumers.position_at(source, place)
    end = consumers.position_at(source, None)
    if place == "end":
        return end
    if place > end:
        raise ConsumerError(
            f"Position {place} is after the end of {source or 'everything'}, which is {end}",
            hint="Positions are those that coldstream read shows; end is after the last message.",
        )
    return place
