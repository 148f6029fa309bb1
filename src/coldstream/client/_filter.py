"""What a read over global positions asks for."""

from __future__ import annotations

from dataclasses import dataclass

from coldstream.client.arguments import check_number, check_text
from coldstream.errors import InvalidInput


@dataclass(frozen=True)
class Filter:
    """``category`` ``None``: every one. The rest is Message DB's.

    Raises:
        InvalidInput: as ``get_category_messages`` refuses it, with its texts.
    """

    category: str | None
    correlation: str | None = None
    consumer_group_member: int | None = None
    consumer_group_size: int | None = None

    def __post_init__(self) -> None:
        if self.correlation is not None and "-" in check_text("correlation", self.correlation):
            raise InvalidInput(f"Correlation must be a category (Correlation: {self.correlation})")
        member, size = self.consumer_group_member, self.consumer_group_size
        if member is None and size is None:
            return
        for what, number in (("member", member), ("size", size)):
            if number is not None:
                check_number(f"consumer group {what}", number)
        problem = None
        if member is None or size is None:
            problem = "member and size must be specified"
        elif size < 1:
            problem = "size must not be less than 1"
        elif member < 0:
            problem = "member must not be less than 0"
        elif member >= size:
            problem = "member must be less than the group size"
        elif size > 32767:
            problem = "size must be less than 32768"
        if problem:
            raise InvalidInput(
                f"Consumer group {problem} "
                f"(Consumer Group Member: {member}, Consumer Group Size: {size})"
            )

    @property
    def wanted(self) -> tuple[str | None, int | None, int | None]:
        """The rest, as arguments of a statement."""
        return self.correlation, self.consumer_group_member, self.consumer_group_size
