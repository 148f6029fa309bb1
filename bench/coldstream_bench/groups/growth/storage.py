"""What a message takes in each tier as chunks are added, everything counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from coldstream_bench.contenders import COLDSTREAM, PLAIN
from coldstream_bench.groups.growth.calls import growth_row
from coldstream_bench.groups.growth.grown import Grown, name_of
from coldstream_bench.groups.reads import ARCHIVED, HOT, WARM
from coldstream_bench.measure import Rounds
from coldstream_bench.result import Figure, Unit

_WHERE = {HOT: "rows", WARM: "columnstore", ARCHIVED: "archive"}
_ROWS = {
    tier: growth_row(f"storage.{tier}", f"storage, {where}", Unit.EACH, part="storage")
    for tier, where in _WHERE.items()
}
ROWS = tuple(_ROWS.values())


def sizes(stores: Grown) -> Rounds:
    """Bytes a message of the stores and the plain tables, as they are now."""
    found = {}
    for chunks, arena in stores.arenas.items():
        found[name_of(chunks, COLDSTREAM)] = [arena.store_bytes() / arena.messages]
        found[name_of(chunks, PLAIN)] = [arena.plain_bytes() / arena.messages]
    return found


def archive_sizes(stores: Grown) -> Rounds:
    """Bytes a message of the archives' files."""
    return {
        name_of(chunks, COLDSTREAM): [arena.archive_bytes() / arena.messages]
        for chunks, arena in stores.arenas.items()
    }


def figures(stores: Grown, sizes: Mapping[str, Rounds]) -> Iterator[Figure]:
    """Of the sizes in each tier, beside those of the plain tables before anything was written."""
    for tier, row in _ROWS.items():
        yield stores.figure(row, {**sizes[HOT], **sizes[tier]}, (COLDSTREAM, PLAIN))
