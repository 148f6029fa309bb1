"""Growth: what everything costs with 1, 10, 100 and 500 chunks, a hypertable without heads beside
it.

A store, a plain table and a hypertable without heads for each number of chunks, with the same
messages a chunk. All of them take turns in every round, so the ratio of 500 chunks to 10 is one of
the same minutes. History goes through the tiers once, and what is measured in each is measured on
the way: all of it rows, then all of it in the columnstore, where writes are measured too, then
archived, which is where it is dropped.
"""

from __future__ import annotations

from collections.abc import Iterator

from coldstream_bench.context import Bench
from coldstream_bench.groups.growth import first, history, planning, reads, storage, writes
from coldstream_bench.groups.growth.grown import Grown, grown
from coldstream_bench.groups.reads import ARCHIVED, HOT, WARM
from coldstream_bench.result import Figure, Row

_WARM = (*reads.ROWS[WARM], *first.ROWS, *planning.ROWS)
_LEFT = (*reads.ROWS[ARCHIVED], *storage.ROWS, *history.ROWS)
ROWS = (*writes.ROWS, *reads.ROWS[HOT], *_WARM, *_LEFT)


def run(bench: Bench) -> Iterator[Figure]:
    """The figures of the rows that were asked for."""
    with grown(bench) as stores:
        for figure in _figures(stores):
            if bench.wants(figure.row):
                yield figure


def _figures(stores: Grown) -> Iterator[Figure]:
    def wanted(*rows: Row) -> bool:
        return any(stores.bench.wants(row) for row in rows)

    yield from reads.figures(stores, HOT)
    sizes = {HOT: storage.sizes(stores)}
    if not wanted(*_WARM, *writes.ROWS, *_LEFT):
        return
    stores.compress()
    # Before anything is written.
    sizes[WARM] = storage.sizes(stores)
    yield from reads.figures(stores, WARM)
    yield from first.figures(stores)
    yield from planning.figures(stores)
    yield from writes.figures(stores)
    if wanted(*_LEFT):
        yield from history.archived(stores)
        sizes[ARCHIVED] = storage.archive_sizes(stores)
        yield from storage.figures(stores, sizes)
    if wanted(*reads.ROWS[ARCHIVED], *history.DROPPED_ROWS):
        dropped = history.dropped(stores)
        yield from reads.figures(stores, ARCHIVED)
        yield from history.figures(stores, dropped)
