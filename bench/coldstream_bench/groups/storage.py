"""Storage: bytes a message in each tier, everything counted, for streams of several lengths.

Each shape is one chunk. In the database that is the messages in whatever form, their indexes, what
is stored out of line, the heads, the ledger and the rest of the schema; in the archive all files.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from coldstream_bench.arena import make
from coldstream_bench.context import Bench
from coldstream_bench.result import Compare, Figure, Row, Unit
from coldstream_bench.workload import LONG, MEDIUM, SHORT, TENANTS, Model, Shape, Source

SECTION = "Storage Cost"
_ARCHIVED = 11.0


@dataclass(frozen=True)
class Stored:
    """One shape. ``warm``: its target in the columnstore; ``v4_share``: as in the model;
    ``compression``: the store's setting."""

    key: str
    title: str
    shape: Shape | None
    warm: float | None
    v4_share: float | None = None
    compression: str | None = None

    @property
    def rows(self) -> tuple[Row, Row, Row, Row]:
        """As rows, in the columnstore, in the archive, and there with what stays behind."""
        return (
            self._row("hot", "rows", None),
            self._row("warm", "columnstore", self.warm),
            self._row("archived", "archive", _ARCHIVED),
            self._row("all", "archive, and the heads and the ledger in the database", None),
        )

    def _row(self, tier: str, where: str, target: float | None) -> Row:
        return Row(
            f"storage.{self.key}.{tier}",
            SECTION,
            f"{self.title}, {where}",
            Unit.EACH,
            Compare.SMALLER,
            target,
            needs_sample=self.shape is None,
        )


SHAPES = (
    Stored("short", SHORT.name, SHORT, 7.0),
    Stored("medium", MEDIUM.name, MEDIUM, None),
    Stored("long", LONG.name, LONG, 10.5),
    Stored("tenants", TENANTS.name, TENANTS, 7.0),
    Stored("short_pglz", f"{SHORT.name}, compression pglz", SHORT, 7.3, compression="pglz"),
    Stored("long_pglz", f"{LONG.name}, compression pglz", LONG, 11.5, compression="pglz"),
    Stored("short_v4", f"{SHORT.name}, UUIDv4 ids", SHORT, None, 1.0),
    Stored("sample", "your messages", None, None),
)
# Rows and archive know no compression of the columnstore.
ROWS = tuple(
    row for stored in SHAPES for row in (stored.rows[1:2] if stored.compression else stored.rows)
)


def run(bench: Bench) -> Iterator[Figure]:
    """The figures of the rows that were asked for, shape by shape."""
    for stored in SHAPES:
        if any(bench.wants(row) for row in stored.rows):
            for figure in _figures(bench, stored):
                if bench.wants(figure.row):
                    yield figure


def _figures(bench: Bench, stored: Stored) -> Iterator[Figure]:
    hot, warm, archived, everything = stored.rows
    messages = bench.options.history
    arena = make(bench.place, f"size_{stored.key}", chunks=1, compression=stored.compression)
    bench.fill(arena, _source(bench, stored), messages, stored.title)
    try:
        plain = arena.plain_bytes() / messages
        if hot in ROWS:
            yield hot.once(arena.store_bytes() / messages, plain)
        with bench.step(f"compress {stored.title}"):
            arena.compress()
        parts = {name: round(size / messages, 2) for name, size in arena.store_parts().items()}
        yield warm.once(arena.store_bytes() / messages, plain, more={"parts": parts})
        if archived not in ROWS or (not bench.wants(archived) and not bench.wants(everything)):
            return
        with bench.step(f"archive {stored.title}"):
            arena.archive()
            files = arena.archive_bytes() / messages
        yield archived.once(files, plain)
        yield everything.once(files + arena.store_bytes() / messages, plain)
    finally:
        arena.drop()


def _source(bench: Bench, stored: Stored) -> Source:
    if stored.shape is None:
        assert bench.sample is not None
        return bench.sample
    share = bench.options.v4_share if stored.v4_share is None else stored.v4_share
    return Model(stored.shape, bench.options.seed, v4_share=share)
