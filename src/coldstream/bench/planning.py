"""What a call spends in the planner, nested statements included: as the server itself counts it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from psycopg import errors
from psycopg.errors import Diagnostic

from coldstream.bench.place import Place

# Time on the processor: what passes on a clock is also that of everything else that runs.
_SPENT = re.compile(r"([0-9.]+) s user, ([0-9.]+) s system")
# A generic plan is tried at the sixth call.
_CALLS = 7


def planning_times(
    place: Place, statement: str, arguments: Callable[[], Sequence[Any]], repeats: int
) -> list[float] | None:
    """Milliseconds of processor time that the planner takes in the first, second, ... call on a
    new connection: medians of ``repeats`` connections. ``arguments`` gives those of the next call.
    ``None`` where the server does not tell.

    A plan that is made only at the sixth call, because then a generic one is tried, is among them.
    """
    text = statement.encode()
    calls: list[list[float]] = []
    for _ in range(repeats):
        calls.append([])
        told: list[float] = []

        def hear(notice: Diagnostic, told: list[float] = told) -> None:
            told.extend(_spent(notice.message_detail))

        with place.connection() as connection:
            try:
                connection.execute("SET log_min_messages = panic")
                connection.execute("SET log_planner_stats = on")
            except errors.InsufficientPrivilege:
                return None
            connection.execute("SET client_min_messages = log")
            connection.add_notice_handler(hear)
            for _ in range(_CALLS):
                told.clear()
                connection.execute(text, arguments(), prepare=True)
                calls[-1].append(sum(told) * 1000)
    # A call whose plans are kept from earlier ones plans nothing; a first call always does.
    if not all(times[0] for times in calls):
        return None
    return [median(times) for times in zip(*calls, strict=True)]


def _spent(detail: str | None) -> list[float]:
    found = _SPENT.search(detail or "")
    return [float(found[1]) + float(found[2])] if found else []
