"""Rounds in which the contenders take turns, and what comes out of them: medians.

Whatever else the machine does falls on all of them alike, so ratios say more than values do. A
ratio is taken inside each round; the median of these is the result.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from psycopg import Connection

Rounds = Mapping[str, Sequence[float]]
"""The value of each round, by contender."""


def take_turns(rounds: int, contenders: Mapping[str, Callable[[], float]]) -> Rounds:
    """Run each contender once a round; who begins changes from round to round."""
    names = list(contenders)
    values: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            values[name].append(contenders[name]())
    return values


@dataclass(frozen=True)
class Compared:
    """Medians of two contenders and of their ratio, with the ratio's lowest and highest round."""

    value: float
    other: float
    ratio: float
    lowest: float
    highest: float


def compare(values: Sequence[float], others: Sequence[float]) -> Compared:
    """``ratio`` is that of ``values`` to ``others``."""
    ratios = [value / other for value, other in zip(values, others, strict=True)]
    return Compared(median(values), median(others), median(ratios), min(ratios), max(ratios))


def call_time(
    connection: Connection[Any],
    statement: str,
    arguments: Sequence[Sequence[Any]],
    *,
    seconds: float,
    expected: int | None = None,
) -> float:
    """The median time of a call with all its rows fetched, in milliseconds: one call for each of
    ``arguments``, as long as ``seconds`` last. Prepared.

    Raises:
        AssertionError: a call did not give ``expected`` rows.
    """
    text = statement.encode()
    times: list[float] = []
    end = time.perf_counter() + seconds
    for each in arguments:
        started = time.perf_counter()
        rows = connection.execute(text, each, prepare=True).fetchall()
        now = time.perf_counter()
        times.append(now - started)
        if expected is not None and len(rows) != expected:
            raise AssertionError(f"{len(rows)} rows instead of {expected}: {statement} {each}")
        if now > end:
            break
    return median(times) * 1000


def rate(seconds: float, once: Callable[[], int]) -> float:
    """How much a second ``once`` does, by running it again until ``seconds`` are over."""
    done = 0
    started = time.perf_counter()
    while (took := time.perf_counter() - started) < seconds:
        done += once()
    return done / took
