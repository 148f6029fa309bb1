"""The lifecycle again and again: one run after another, whatever becomes of each.

Runs do not overlap, and each opens what it needs anew, so a server that was restarted or storage
that was away is found by the next one. What a run left undone, the next one does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from coldstream.errors import ColdstreamError, InvalidInput, LifecycleBusy
from coldstream.lifecycle.plan import Step

Outcome = Literal["done", "failed", "busy"]
"""Of a run: all that was due was done; something failed; another lifecycle was at work."""

# After a failure the next run does not wait a whole interval: what was away is mostly back soon.
_FIRST_PAUSE = timedelta(seconds=30)


@dataclass(frozen=True)
class Round:
    """A run and what became of it. ``problem``: why there was none, or why it ended."""

    began_at: datetime
    seconds: float
    next_at: datetime
    steps: Sequence[Step] = ()
    problem: ColdstreamError | None = None

    @property
    def outcome(self) -> Outcome:
        if isinstance(self.problem, LifecycleBusy):
            return "busy"
        if self.problem is not None or any(step.problem is not None for step in self.steps):
            return "failed"
        return "done"


class Service:
    """Runs a lifecycle every so often.

    ``run`` does all that is due. ``every``: from the start of one run to the start of the next; one
    that takes longer is followed at once. ``after`` is told of every run. InvalidInput ends the
    service, for it would stay; so does what is no ColdstreamError: it is a fault of the program.
    """

    def __init__(
        self,
        run: Callable[[], Sequence[Step]],
        every: timedelta,
        after: Callable[[Round], None],
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._run = run
        self._every = every
        self._after = after
        self._clock = clock
        self._sleep = sleep
        self._failures = 0
        self.last: Round | None = None

    @property
    def is_healthy(self) -> bool:
        """Nothing failed in the last run. One that found another at work counts as the one before
        it."""
        return self._failures == 0

    def forever(self) -> None:
        """Run until an exception (an interrupt) ends it. What is in hand then is as after a kill:
        the next run goes on with it."""
        while True:
            found = self.once()
            self._sleep(max(0.0, (found.next_at - self._clock()).total_seconds()))

    def once(self) -> Round:
        """One run, and when the next one is."""
        began = self._clock()
        steps: Sequence[Step] = ()
        problem = None
        try:
            steps = self._run()
        except InvalidInput:
            raise
        except ColdstreamError as error:
            problem = error
        now = self._clock()
        found = Round(began, (now - began).total_seconds(), now, steps, problem)
        if found.outcome != "busy":
            self._failures = self._failures + 1 if found.outcome == "failed" else 0
        self.last = Round(
            began, found.seconds, max(now, began + self._pause(found)), steps, problem
        )
        self._after(self.last)
        return self.last

    def _pause(self, found: Round) -> timedelta:
        if found.outcome != "failed":
            return self._every
        doublings = min(self._failures - 1, 20)
        return min(self._every, _FIRST_PAUSE * (1 << doublings))
