"""What is measured: a module for each part of the table, with its ``ROWS`` and its ``run``.

The order here is the table's, which is that of the comparison the project began with.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

from coldstream_bench.context import Bench
from coldstream_bench.groups import archived, consumers, growth, history, reads, storage, writes
from coldstream_bench.result import Figure, Row

GROUPS: tuple[ModuleType, ...] = (writes, reads, storage, history, archived, consumers, growth)


def rows() -> list[Row]:
    """Every row, in the order of the table."""
    return [row for group in GROUPS for row in group.ROWS]


def run(bench: Bench) -> Iterator[Figure]:
    """Measure what was asked for, group by group.

    Raises:
        RuntimeError: a group did not give exactly the figures of the rows it was asked for.
    """
    for group in GROUPS:
        wanted = [row for row in group.ROWS if bench.wants(row)]
        if not wanted:
            continue
        figures = {figure.row.key: figure for figure in group.run(bench)}
        if figures.keys() != {row.key for row in wanted}:
            raise RuntimeError(f"{group.__name__}: {figures.keys() ^ {r.key for r in wanted}}")
        yield from (figures[row.key] for row in wanted)
