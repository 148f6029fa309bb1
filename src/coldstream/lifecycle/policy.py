"""At what age a chunk goes on: kept in the database, so that every host does the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from coldstream.errors import InvalidInput
from coldstream.lifecycle.session import Session


@dataclass(frozen=True)
class Policy:
    """How long after the end of its range a chunk is compressed, archived and dropped; ``None`` is
    never.

    Raises:
        InvalidInput: an age that is not above zero, or one that is more than the next one's.
    """

    compress_after: timedelta | None = None
    archive_after: timedelta | None = None
    drop_after: timedelta | None = None

    def __post_init__(self) -> None:
        ages = {
            "compress_after": self.compress_after,
            "archive_after": self.archive_after,
            "drop_after": self.drop_after,
        }
        given = {name: age for name, age in ages.items() if age is not None}
        for name, age in given.items():
            if age <= timedelta(0):
                raise InvalidInput(f"{name} must be positive: {age}")
        if "drop_after" in given and "archive_after" not in given:
            raise InvalidInput(
                "drop_after needs archive_after: only what was archived is dropped",
                hint="Set archive_after to the same age, or to a lower one.",
            )
        names = list(given)
        for name, later in pairwise(names):
            if given[name] > given[later]:
                raise InvalidInput(
                    f"{name} ({given[name]}) is more than {later} ({given[later]})",
                    hint="A chunk is compressed first, then archived, then dropped.",
                )


def get_policy(session: Session) -> Policy:
    """The store's policy."""
    return Policy(*session.one("lifecycle_policy")[:3])


def set_policy(session: Session, policy: Policy) -> list[str]:
    """Make it the store's; gives what was done about TimescaleDB's own policy, a line each."""
    ages = [policy.compress_after, policy.archive_after, policy.drop_after]
    with session.connection.transaction():
        return [line for (line,) in session.rows("set_lifecycle_policy", ages)]
