"""The right to handle the messages of one member of a consumer. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf


class LeaseLost(Exception):
    """The member is another process's by now, or was moved: nothing of this one may be committed.
    Never leaves the consumer."""


@dataclass
class Lease:
    """``position``: where the next read begins. ``token``: what the database knows this lease by.
    ``deadline``: on this process's monotonic clock, counted from before the database was asked, so
    that it is never later than the database's own. ``keep``: false once it is to be given up."""

    member: int = 0
    size: int = 1
    position: int = 0
    token: int = 0
    deadline: float = inf
    keep: bool = True
