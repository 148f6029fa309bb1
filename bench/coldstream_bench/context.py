"""What every group is given: the place, the sizes, and a way to say how far it is."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Protocol

from coldstream_bench.arena import Arena
from coldstream_bench.place import Place
from coldstream_bench.result import Row
from coldstream_bench.sample import Sample
from coldstream_bench.workload import Model, Shape, Source

NEEDS_CONNECTIONS = "needs several connections: not measured on the embedded server"


class Step(Protocol):
    """A running step; see ``coldstream.cli.views.progress``."""

    def advance(self, amount: float = 1) -> None: ...


class Steps(Protocol):
    """Begins a step: what it is, of how much, and of what."""

    def __call__(
        self, description: str, *, total: float | None = None, noun: str = ""
    ) -> AbstractContextManager[Step]: ...


@dataclass(frozen=True)
class Options:
    """How much is measured.

    ``messages``: to read, and to write after. ``history``: of a whole chunk, where one is stored,
    archived or dropped. ``growth``: the numbers of chunks, and ``growth_messages`` in each.
    ``imported``: in a round of imports. ``rounds``: in which the contenders take turns, each for
    ``seconds``. ``rows``: patterns of keys; none is all. ``reads``: calls a round.
    """

    messages: int = 200_000
    history: int = 1_000_000
    growth: tuple[int, ...] = (1, 10, 100, 500)
    growth_messages: int = 1000
    imported: int = 5000
    rounds: int = 5
    seconds: float = 1.0
    reads: int = 50
    seed: int = 1
    v4_share: float = 0.0
    rows: tuple[str, ...] = ()

    def names(self, key: str) -> bool:
        """Whether a row of this key was asked for."""
        return not self.rows or any(fnmatchcase(key, pattern) for pattern in self.rows)


@dataclass
class Bench:
    """One run. ``sample``: the user's own messages, in place of the model."""

    place: Place
    options: Options
    step: Steps
    sample: Sample | None = None

    @property
    def several_connections(self) -> bool:
        return not self.place.server.embedded

    def wants(self, row: Row) -> bool:
        """Whether the row was asked for."""
        if row.needs_sample and self.sample is None:
            return False
        return self.options.names(row.key)

    def source(self, shape: Shape) -> Source:
        """Messages of a shape, or the sample, which has its own."""
        return self.sample or Model(shape, self.options.seed, v4_share=self.options.v4_share)

    def fill(self, arena: Arena, source: Source, messages: int, what: str) -> None:
        """Fill an arena, and say so."""
        with self.step(f"load {what}", total=messages, noun="messages") as step:
            arena.fill(source, messages, step.advance)
