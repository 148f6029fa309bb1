"""What a call spends in the planner, nested statements included: as the server itself counts it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from psycopg import errors
from psycopg.errors import Diagnostic

from coldstream_bench.place import Place

Statement = tuple[str, Sequence[Any] | None]
"""Text and parameters; without any it is not prepared."""

OTHERS = 3
"""Calls with other arguments, after those that are made again."""

# Time on the processor: what passes on a clock is also that of everything else that runs.
_SPENT = re.compile(r"([0-9.]+) s user, ([0-9.]+) s system")
# A generic plan is tried at the sixth call.
_CALLS = 7


@dataclass(frozen=True)
class Planning:
    """Milliseconds of processor time. ``first``: in the first call of a connection. ``again``: at
    most, when that call is repeated. ``opening``: at most, with other arguments after that."""

    first: float
    again: float
    opening: float


def planning_of(place: Place, call: Callable[[int], Statement], repeats: int) -> Planning | None:
    """Medians of ``repeats`` connections. ``call(0)`` is called again and again, then ``call(1)``
    to ``call(OTHERS)`` once each. ``None`` where the server does not tell.

    A plan that is made only at the sixth call, because then a generic one is tried, is among them.
    """
    numbers = (*[0] * _CALLS, *range(1, OTHERS + 1))
    rounds: list[list[float]] = []
    for _ in range(repeats):
        told: list[float] = []

        def hear(notice: Diagnostic, told: list[float] = told) -> None:
            told.extend(_spent(notice.message_detail))

        rounds.append([])
        with place.connection() as connection:
            try:
                connection.execute("SET log_min_messages = panic")
                connection.execute("SET log_planner_stats = on")
            except errors.InsufficientPrivilege:
                return None
            connection.execute("SET client_min_messages = log")
            connection.add_notice_handler(hear)
            for number in numbers:
                text, parameters = call(number)
                told.clear()
                connection.execute(text.encode(), parameters, prepare=parameters is not None)
                rounds[-1].append(sum(told) * 1000)
    # A call whose plans are kept from earlier ones plans nothing; a first call always does.
    if not all(times[0] for times in rounds):
        return None
    calls = [round(median(times), 3) for times in zip(*rounds, strict=True)]
    return Planning(calls[0], max(calls[1:_CALLS]), max(calls[_CALLS:]))


def _spent(detail: str | None) -> list[float]:
    found = _SPENT.search(detail or "")
    return [float(found[1]) + float(found[2])] if found else []
