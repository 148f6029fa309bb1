"""Trying again what a network broke, where the object store's client does not do it by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain, repeat
from typing import Any, TypeVar

from coldstream.again import Pauses, again
from coldstream.archive.storage.faults import passes

T = TypeVar("T")


@dataclass(frozen=True)
class Retries:
    """``most`` further tries, as long as the first began less than ``seconds`` ago.

    obstore sends again what was answered by a 5xx, and what only reads when it was not answered. It
    does not send again a conditional write, a deletion or the end of an upload in parts, for fear
    of doing them twice, nor a list whose answer broke off. Here that fear is answered: an upload
    replaces the same bytes, a deletion ends the same way, and who created a key can be seen.
    """

    most: int = 5
    seconds: float = 45
    first_pause: float = 0.2
    longest_pause: float = 2.0

    @property
    def config(self) -> dict[str, Any]:
        """The same for obstore."""
        return {
            "max_retries": self.most,
            "retry_timeout": timedelta(seconds=self.seconds),
            "backoff": {
                "init_backoff": timedelta(seconds=self.first_pause),
                "max_backoff": timedelta(seconds=self.longest_pause),
            },
        }

    def __call__(self, action: Callable[[bool], T]) -> T:
        """What ``action`` gives; it is told whether it was tried before."""
        started = time.monotonic()
        tried_before = chain([False], repeat(True))

        def may_pass(error: Exception) -> bool:
            return passes(error) and time.monotonic() - started < self.seconds

        return again(
            lambda: action(next(tried_before)),
            times=self.most + 1,
            on=may_pass,
            pauses=Pauses(self.first_pause, self.longest_pause, spread=True),
        )
