"""What was begun from a page and takes longer than one: how far it is, and how it ended."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock, Thread
from typing import Literal, TypeAlias

from coldstream.errors import ColdstreamError, LifecycleBusy
from coldstream.lifecycle import Chunk, Progress, Step

Work: TypeAlias = Callable[[Progress], Sequence[str]]
"""Does it, and says what was done, a line each."""

State: TypeAlias = Literal["running", "done", "failed"]
Ended: TypeAlias = Callable[[State, Sequence[str]], None]

_MOST_PLANS = 20


@dataclass
class Task:
    """``step``: what is being done now, to the chunk that begins at ``range_start``: ``done`` of
    ``total`` (``None``: not known)."""

    name: str
    began_at: datetime
    state: State = "running"
    ended_at: datetime | None = None
    step: str | None = None
    range_start: datetime | None = None
    done: int = 0
    total: int | None = None
    lines: list[str] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return ((self.ended_at or datetime.now(UTC)) - self.began_at).total_seconds()

    def progress(self, chunk: Chunk, step: str, done: int, total: int | None, /) -> None:
        self.range_start, self.step, self.done, self.total = chunk.range_start, step, done, total


class Tasks:
    """One at a time, as the lifecycle is; the last one stays to be looked at."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.last: Task | None = None

    def start(self, name: str, work: Work, ended: Ended) -> Task:
        """Begin it in a thread of its own; ``ended`` is called when it is over.

        Raises:
            LifecycleBusy: the one before is not.
        """
        with self._lock:
            if self.last is not None and self.last.state == "running":
                raise LifecycleBusy(
                    f"{self.last.name} is still running",
                    hint="Wait for it to end, then start this again.",
                )
            task = self.last = Task(name, datetime.now(UTC))
        # Where the program ends, so does this: each step of the lifecycle can be broken off.
        Thread(target=_run, args=(task, work, ended), name="coldstream-task", daemon=True).start()
        return task


def _run(task: Task, work: Work, ended: Ended) -> None:
    state: State = "failed"
    try:
        lines, state = list(work(task.progress)), "done"
    except ColdstreamError as error:
        lines = [str(error), *([error.hint] if error.hint else [])]
    except Exception as error:
        lines = [f"{type(error).__name__}: {error}"]
    task.lines, task.ended_at = lines, datetime.now(UTC)
    ended(state, lines)
    # Last: a reader that sees it has all the rest.
    task.state = state


class Plans:
    """What dry runs showed, so that a run does that and nothing else."""

    def __init__(self) -> None:
        self._plans: dict[str, list[Step]] = {}

    def keep(self, steps: list[Step]) -> str:
        """Gives the name that :meth:`take` wants."""
        while len(self._plans) >= _MOST_PLANS:
            del self._plans[next(iter(self._plans))]
        name = secrets.token_urlsafe(9)
        self._plans[name] = steps
        return name

    def take(self, name: str) -> list[Step] | None:
        """``None``: it was done already, or is too old."""
        return self._plans.pop(name, None)
