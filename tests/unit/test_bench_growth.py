"""What is made of the rounds of growth, and the messages that it is measured with."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from coldstream_bench.contenders import COLDSTREAM, PLAIN
from coldstream_bench.groups.growth.calls import growth_row
from coldstream_bench.groups.growth.grown import Grown
from coldstream_bench.result import Unit
from coldstream_bench.workload import Growing

START = datetime(2026, 1, 1, tzinfo=UTC)
RATED = growth_row("rate", "A rate", Unit.RATE, part="part")
TIMED = growth_row("time", "A time", part="part")


def grown(*counts: int) -> Grown:
    return Grown(cast("Any", None), dict.fromkeys(counts, cast("Any", None)), {})


@pytest.mark.parametrize(
    ("counts", "few"), [((1, 10, 100, 500), 10), ((1, 4), 1), ((1, 10), 1), ((10,), 10)]
)
def test_what_the_most_chunks_are_held_to(counts: tuple[int, ...], few: int) -> None:
    assert grown(*counts).few == few


def test_the_ratio_is_that_of_the_cost() -> None:
    """Half the rate is twice the cost, as twice the time is."""
    rates = {"coldstream 1": [100.0, 100.0], "coldstream 4": [50.0, 40.0]}
    figure = grown(1, 4).figure(RATED, rates, [COLDSTREAM])
    assert (figure.ratio, figure.spread, figure.met) == (2.25, (2.0, 2.5), False)
    assert (figure.value, figure.plain) == (45.0, None)
    times: dict[str, list[float]] = {
        "coldstream 1": [1.0, 1.0],
        "coldstream 4": [2.0, 2.5],
        "plain 1": [1],
        "plain 4": [3],
    }
    figure = grown(1, 4).figure(TIMED, times, [COLDSTREAM, PLAIN])
    assert (figure.ratio, figure.spread, figure.met) == (2.25, (2.0, 2.5), False)
    assert (figure.value, figure.plain) == (2.25, 3)
    assert figure.series == {"coldstream": [1.0, 2.25], "plain": [1, 3]}


def test_a_store_of_one_chunk_drops_once() -> None:
    times = {"coldstream 1": [2.0], "coldstream 4": [2.0, 9.0, 9.0]}
    figure = grown(1, 4).figure(TIMED, times, [COLDSTREAM])
    assert (figure.value, figure.ratio) == (9.0, 1.0)


@pytest.mark.parametrize("chunks", [10, 100])
def test_the_messages_of_growth(chunks: int) -> None:
    """Whatever the number of chunks, the busy stream has its thousand in the same places."""
    days = timedelta(days=1)
    events = list(Growing(1).events(chunks * 1000, START, START + chunks * days))
    assert len(events) == chunks * 1000
    assert len({event.id for event in events}) == len(events)
    by_stream = defaultdict(list)
    for event in events:
        by_stream[event.stream_name].append(event)
    for stream in by_stream.values():
        assert [event.position for event in stream] == list(range(len(stream)))
    assert {len(by_stream[name]) for name in Growing.long_lived} == {chunks * 10}
    busy = by_stream[Growing.busy]
    assert len(busy) == 1000
    middle = chunks // 2
    assert {(event.time - START) // days for event in busy} == {middle, middle + 1, middle + 2}
