"""The stores of growth, one for each number of chunks, and figures of what is measured on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from statistics import median

from coldstream_bench.arena import Arena, make
from coldstream_bench.contenders import COLDSTREAM, PLAIN, SEED, Contender
from coldstream_bench.context import Bench
from coldstream_bench.groups.growth.calls import CHUNK, Arguments, arguments_of
from coldstream_bench.measure import Rounds, take_turns
from coldstream_bench.result import Figure, Row, Unit
from coldstream_bench.workload import Growing

EVERYBODY = (COLDSTREAM, PLAIN, SEED)


@dataclass(frozen=True)
class Grown:
    """``arenas`` and ``arguments`` of calls, both by number of chunks, few first."""

    bench: Bench
    arenas: Mapping[int, Arena]
    arguments: Mapping[int, Arguments]

    @property
    def counts(self) -> list[int]:
        return list(self.arenas)

    @property
    def few(self) -> int:
        """The number of chunks that the most are held to: ten, or the fewest where that is more."""
        return 10 if 10 in self.counts[:-1] else self.counts[0]

    def compress(self) -> None:
        """Move all history into the columnstore, that of the hypertable without heads too."""
        for chunks, arena in self.arenas.items():
            with self.bench.step(f"compress {_chunks(chunks)}"):
                arena.compress()

    def rounds(
        self,
        turn: Callable[[int, Contender], float],
        contenders: Sequence[str] = EVERYBODY,
        *,
        warm_up: bool = True,
    ) -> Rounds:
        """Every contender of every store in turn, as many times as there are rounds; ``turn`` gets
        the number of chunks and who it is."""
        turns = {
            name_of(chunks, contender.name): partial(turn, chunks, contender)
            for chunks, arena in self.arenas.items()
            for contender in arena.contenders
            if contender.name in contenders
        }
        if warm_up:
            take_turns(1, turns)
        return take_turns(self.bench.options.rounds, turns)

    def figure(self, row: Row, rounds: Rounds, contenders: Sequence[str] = EVERYBODY) -> Figure:
        """Ours with most chunks, held to ours with few: the ratio is that of what it costs."""
        series = {
            contender: [median(rounds[name_of(count, contender)]) for count in self.counts]
            for contender in contenders
        }
        # With a chunk a round, a store of few chunks may have had fewer rounds.
        pairs = zip(
            rounds[name_of(self.counts[-1], COLDSTREAM)],
            rounds[name_of(self.few, COLDSTREAM)],
            strict=False,
        )
        # A rate is the higher the less it costs.
        ratios = [few / most if row.unit is Unit.RATE else most / few for most, few in pairs]
        return Figure(
            row,
            series[COLDSTREAM][-1],
            series[PLAIN][-1] if PLAIN in series else None,
            median(ratios),
            (min(ratios), max(ratios)),
            series=series,
            chunks=self.counts,
            more={"from_chunks": self.few},
        )


@contextmanager
def grown(bench: Bench) -> Iterator[Grown]:
    """All of them, filled; nothing is left of them."""
    arenas = {}
    with ExitStack() as stack:
        for chunks in sorted(bench.options.growth):
            arenas[chunks] = arena = _filled(bench, chunks)
            stack.callback(arena.drop)
        arguments = {chunks: arguments_of(bench, arena) for chunks, arena in arenas.items()}
        yield Grown(bench, arenas, arguments)


def name_of(chunks: int, contender: str) -> str:
    """What a contender of a store is called in rounds."""
    return f"{contender} {chunks}"


def _filled(bench: Bench, chunks: int) -> Arena:
    arena = make(bench.place, f"grown_{chunks}", chunks=chunks, chunk_interval=CHUNK, seed=True)
    source = Growing(bench.options.seed, v4_share=bench.options.v4_share)
    bench.fill(arena, source, chunks * bench.options.growth_messages, _chunks(chunks))
    return arena


def _chunks(chunks: int) -> str:
    return "1 chunk" if chunks == 1 else f"{chunks} chunks"
