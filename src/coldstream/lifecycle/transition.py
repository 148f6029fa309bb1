"""What became of a chunk, once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Transition:
    """One row of the table ``transitions``: a statement set the state of a chunk.

    ``application`` and ``address`` are the session's, ``role`` is who logged in. ``bytes`` is what
    the chunk takes in the form that it got; ``seconds`` is how long the step took, or the
    transaction so far where it is one. ``from_state`` is ``None`` for a chunk that the ledger did
    not know.
    """

    recorded_at: datetime
    range_start: datetime
    range_end: datetime
    from_state: str | None
    to_state: str
    role: str
    application: str
    address: str | None
    messages: int | None
    bytes: int | None
    seconds: float | None
