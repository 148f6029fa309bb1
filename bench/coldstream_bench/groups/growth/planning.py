"""What the calls of growth spend in the planner: again, in chunks that are new, and at first.

A backend keeps what it has read of the catalog. Planning is what it is only once a connection has
used a chunk; before, every column and index of it is looked up. The bare statements of the reads
say how much of either is PostgreSQL's and TimescaleDB's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from coldstream_bench.arena import Arena
from coldstream_bench.bare import bare_statement
from coldstream_bench.contenders import COLDSTREAM, PLAIN, Contender
from coldstream_bench.context import Bench
from coldstream_bench.groups.growth.calls import CALLS, SECTION, Arguments, Call
from coldstream_bench.groups.growth.grown import Grown
from coldstream_bench.groups.growth.writes import WRITE
from coldstream_bench.planning import OTHERS, Planning, Statement, planning_of
from coldstream_bench.result import Compare, Figure, Row, Unit
from coldstream_bench.writers import Messages

LIMIT_MS = 2.0
BARE = "bare"
# By the field of Planning that each row shows.
_KEYS = {"again": "planning", "opening": "opening_planning", "first": "first_planning"}
_TITLES = {
    "again": "planning in a call",
    "opening": "planning, chunks new to the connection, in a call",
    "first": "planning in a connection's first call",
}
# Pages of a thousand, and pages that a filter thins out, open several of these small chunks, and
# each is planned; where a chunk has a million messages they open one, as the others do here. So the
# limit is not theirs.
_SEVERAL = frozenset(
    call.key
    for call in CALLS
    if call.key.startswith(("large_", "stream_1000")) or call.key in ("correlation", "group")
)
_ONE = frozenset(call.key for call in CALLS) - _SEVERAL
# Reads without a filter: each comes down to one statement.
_BARE = tuple(
    call
    for call in CALLS
    if call.function == "get_stream_messages" or call.key.startswith(("category_", "large_"))
)


@dataclass(frozen=True)
class _Planned:
    """A row, what it is of, and the one of the bare statements beside it."""

    which: str
    kinds: frozenset[str]
    row: Row
    bare: Row


def _planned(which: str, kinds: frozenset[str]) -> _Planned:
    several, of, limit = (
        ("wide_", " of several chunks", None) if kinds == _SEVERAL else ("", "", LIMIT_MS)
    )
    key, title = f"{several}{_KEYS[which]}", f"{_TITLES[which]}{of}, at most"
    return _Planned(
        which,
        kinds,
        _row(key, title, limit),
        _row(f"bare_{key}", f"{title}: the reads' bare statements", None),
    )


def _row(key: str, title: str, limit: float | None) -> Row:
    section = f"{SECTION}: planning"
    return Row(f"growth.{key}", section, title, Unit.MILLISECONDS, Compare.LIMIT, limit)


_WRITE_KIND = WRITE.key.partition(".")[2]
_ALL = tuple(
    _planned(which, kinds) for which in _TITLES for kinds in (_ONE | {_WRITE_KIND}, _SEVERAL)
)
ROWS = tuple(row for planned in _ALL for row in (planned.row, planned.bare))


def figures(stores: Grown) -> Iterator[Figure]:
    """Those that were asked for."""
    if any(stores.bench.wants(row) for row in ROWS):
        with stores.bench.step("planning"):
            found = _figures(stores.bench, stores.arenas, stores.arguments)
        yield from found


def _figures(
    bench: Bench, arenas: Mapping[int, Arena], arguments: Mapping[int, Arguments]
) -> list[Figure]:
    """Of each row the worst of all kinds of call; ``more`` has each kind's, with most chunks."""
    chunks = sorted(arenas)
    found: dict[str, list[dict[str, Planning]]] = {}
    for count in chunks:
        for name, of_call in _measured(bench, arenas[count], arguments[count]):
            if None in of_call.values():
                return [row.missing("not told by this server, or not to this role") for row in ROWS]
            found.setdefault(name, []).append({k: p for k, p in of_call.items() if p is not None})

    made = []
    for planned in _ALL:
        worst = {
            name: [
                max(getattr(each, planned.which) for each in _of(planned, kinds).values())
                for kinds in of_counts
            ]
            for name, of_counts in found.items()
        }
        bare = worst.pop(BARE)
        for row, name, series in (
            (planned.row, COLDSTREAM, worst),
            (planned.bare, BARE, {COLDSTREAM: bare}),
        ):
            last = {name: values[-1] for name, values in series.items()}
            kinds = _of(planned, found[name][-1])
            made.append(
                Figure(
                    row,
                    last[COLDSTREAM],
                    last.get(PLAIN),
                    series=series,
                    chunks=chunks,
                    more={"calls": {k: getattr(each, planned.which) for k, each in kinds.items()}},
                )
            )
    return made


def _of(planned: _Planned, kinds: Mapping[str, Planning]) -> dict[str, Planning]:
    return {kind: each for kind, each in kinds.items() if kind in planned.kinds}


def _measured(
    bench: Bench, arena: Arena, arguments: Arguments
) -> Iterator[tuple[str, dict[str, Planning | None]]]:
    """By kind of call, for each contender and for the bare statements."""
    few = min(3, bench.options.rounds)
    for contender in arena.contenders:
        # The others are witnesses: nothing is held to their figures, and a hypertable without
        # heads takes minutes.
        repeats = few if contender.name == COLDSTREAM else 1
        found = {_WRITE_KIND: _writes(bench, contender, repeats)}
        for call in CALLS:
            text = contender.call(call.function, len(arguments[call.key][0]))
            calls: list[Statement] = [(text, given) for given in _few(arguments[call.key])]
            found[call.key] = planning_of(bench.place, calls.__getitem__, repeats)
        yield contender.name, found
    yield BARE, {call.key: _bare(bench, arena, call, arguments, few) for call in _BARE}


def _writes(bench: Bench, contender: Contender, repeats: int) -> Planning | None:
    messages = Messages("planned", contender.schema)
    return planning_of(bench.place, lambda _: (contender.write, messages.next()), repeats)


def _bare(
    bench: Bench, arena: Arena, call: Call, arguments: Arguments, repeats: int
) -> Planning | None:
    with bench.place.connection() as connection:
        calls: list[Statement] = [
            (bare_statement(connection, arena, call.function, given), None)
            for given in _few(arguments[call.key])
        ]
    return planning_of(bench.place, calls.__getitem__, repeats)


def _few(arguments: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """One to call again and again, and some from all over the others."""
    step = max(1, len(arguments) // (OTHERS + 1))
    return [arguments[number * step % len(arguments)] for number in range(OTHERS + 1)]
