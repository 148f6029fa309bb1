"""What a consumer may be told, checked. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, TypedDict

from coldstream.again import Pauses
from coldstream.client.arguments import check_number, check_text
from coldstream.errors import InvalidInput
from coldstream.messages.names import is_category

OnFailure: TypeAlias = Literal["stop", "skip", "dead_letter"]
Start: TypeAlias = int | Literal["start", "end"]


MAX_GROUP_SIZE = 1024
"""Members that a group has at most; ``join_consumer`` says the same."""


@dataclass(frozen=True)
class Source:
    """What is read: a category, a stream, or everything (``None``)."""

    name: str | None

    @property
    def is_stream(self) -> bool:
        return self.name is not None and not is_category(self.name)

    @property
    def category(self) -> str | None:
        return None if self.name is None else self.name.partition("-")[0]

    def __str__(self) -> str:
        return self.name or "everything"


class ConsumerOptions(TypedDict, total=False):
    """The options of :class:`~coldstream.consumers.AsyncConsumer`, which says what they are: for
    those who keep them in one place, and pass them on as ``Consumer(..., **options)``."""

    start: Start
    group_size: int
    group_member: int | None
    correlation: str | None
    batch_size: int
    transaction_size: int
    position_update_interval: int | None
    lease: float
    min_interval: float
    max_interval: float
    watch: bool | None
    notify: bool | None
    attempts: int
    first_pause: float
    longest_pause: float
    on_failure: OnFailure


@dataclass(frozen=True)
class Options:
    """What a consumer reads, its name, and its :class:`ConsumerOptions`, with their defaults.

    Raises:
        InvalidInput: a number that cannot be meant, or arguments that do not go together.
    """

    source: Source
    name: str | None
    start: Start = "start"
    group_size: int = 1
    group_member: int | None = None
    correlation: str | None = None
    batch_size: int = 1000
    transaction_size: int = 1
    position_update_interval: int = 1
    lease: float = 10.0
    min_interval: float = 0.01
    max_interval: float = 0.5
    watch: bool | None = None
    notify: bool | None = None
    attempts: int = 5
    first_pause: float = 0.1
    longest_pause: float = 10.0
    on_failure: OnFailure = "stop"

    def __post_init__(self) -> None:
        for what in (
            "batch_size",
            "transaction_size",
            "position_update_interval",
            "group_size",
            "attempts",
        ):
            value = getattr(self, what)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise InvalidInput(f"{what} must be a whole number of at least 1: {value!r}")
        for what in ("lease", "min_interval", "max_interval", "first_pause", "longest_pause"):
            value = getattr(self, what)
            if not isinstance(value, int | float) or not 0 < value < 86_400:
                raise InvalidInput(
                    f"{what} must be seconds, more than 0 and less than a day: {value!r}"
                )
        if self.group_size > MAX_GROUP_SIZE:
            raise InvalidInput(
                f"group_size must be {MAX_GROUP_SIZE} at most: {self.group_size}",
                hint="A member takes any number of streams: there need be no more members "
                "than processes.",
            )
        if self.source.name == "":
            raise InvalidInput(
                "A consumer reads a category, a stream, or everything: ''",
                hint="Name what it is to read; None is everything.",
            )
        if self.source.name is not None:
            check_text("source", self.source.name)
        if self.on_failure not in ("stop", "skip", "dead_letter"):
            raise InvalidInput(
                f"on_failure must be 'stop', 'skip' or 'dead_letter': {self.on_failure!r}"
            )
        if self.start not in ("start", "end"):
            if not isinstance(self.start, int):
                raise InvalidInput(f"start must be 'start', 'end' or a position: {self.start!r}")
            check_number("start", self.start)
        if self.name is not None and (not isinstance(self.name, str) or not self.name):
            raise InvalidInput(f"The name of a consumer must be text: {self.name!r}")
        if self.name is not None:
            check_text("name of a consumer", self.name)
        grouped = self.group_size > 1 or self.group_member is not None
        if grouped and (self.source.name is None or self.source.is_stream):
            raise InvalidInput(
                f"Only the streams of a category can be divided among members: {self.source}",
                hint="Leave group_size and group_member out, or name a category.",
            )
        if self.group_member is not None and not 0 <= self.group_member < self.group_size:
            raise InvalidInput(
                f"Consumer group member must be less than the group size: {self.group_member} "
                f"of {self.group_size}"
            )
        if self.correlation is not None and (self.source.name is None or self.source.is_stream):
            raise InvalidInput("Only messages of a category can be chosen by correlation")
        if self.on_failure != "stop" and self.name is None:
            raise InvalidInput(
                "A consumer that goes past what it cannot handle needs a name to record it under"
            )

    def pause(self, attempt: int) -> float:
        """Seconds before an attempt after the first: twice as long each time, and never the same
        for two processes that failed together."""
        return Pauses(self.first_pause, self.longest_pause, spread=True).after(attempt - 1)


def dead_letter_stream(category: str, consumer: str) -> str:
    """Where a consumer writes what it could not handle, in Message DB's style: the category with a
    type of its own, and the consumer as the id."""
    return f"{category.partition(':')[0]}:deadLetter-{consumer}"
