"""Reading: a stream, a category, everything; as rows, from the columnstore, from the archive."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from coldstream.store import Store
from coldstream_bench.arena import Arena, make
from coldstream_bench.client_reads import catch_up_rate, client_time, plain_pages
from coldstream_bench.contenders import COLDSTREAM, PLAIN, Contender
from coldstream_bench.context import Bench
from coldstream_bench.measure import Compared, call_time, compare, take_turns
from coldstream_bench.result import Compare, Figure, Row, Unit
from coldstream_bench.workload import MIXED

STREAM, CATEGORY = "Stream Read", "Category Read"
HOT, WARM, ARCHIVED = "hot", "warm", "archived"
PAGE = 1000


@dataclass(frozen=True)
class Read:
    """One kind of call. ``targets``: by tier."""

    key: str
    section: str
    title: str
    function: str
    targets: dict[str, float]

    def row(self, tier: str) -> Row:
        return Row(
            f"read.{self.key}.{tier}",
            self.section,
            f"{self.title}, {tier}",
            Unit.MILLISECONDS,
            Compare.TIME,
            self.targets.get(tier),
        )


STREAM_10 = Read("stream_10", STREAM, "stream of 10", "get_stream_messages", {HOT: 1.4, WARM: 4.0})
STREAM_1000 = Read("stream_1000", STREAM, "1,000 of a stream", "get_stream_messages", {})
LAST = Read("last", STREAM, "last message", "get_last_stream_message", {})
VERSION = Read("version", STREAM, "stream version", "stream_version", {})
CATEGORY_START = Read(
    "category_start", CATEGORY, "page of 1,000, start", "get_category_messages", {WARM: 0.9}
)
CATEGORY_MIDDLE = Read(
    "category_middle", CATEGORY, "page of 1,000, middle", "get_category_messages", {WARM: 0.9}
)
CATEGORY_HEAD = Read(
    "category_head", CATEGORY, "page of 1,000, head", "get_category_messages", {WARM: 0.9}
)
CORRELATION = Read(
    "category_correlation",
    CATEGORY,
    "page with correlation",
    "get_category_messages",
    {HOT: 1.0, WARM: 1.0},
)
GROUP = Read("category_group", CATEGORY, "page of one of 4 consumers", "get_category_messages", {})
ALL = Read("all", CATEGORY, "page of all categories", "get_all_messages", {WARM: 2.0})

READS = (
    STREAM_10,
    STREAM_1000,
    LAST,
    VERSION,
    CATEGORY_START,
    CATEGORY_MIDDLE,
    CATEGORY_HEAD,
    CORRELATION,
    GROUP,
    ALL,
)
TIERS = (HOT, WARM, ARCHIVED)
CATCH_UP = {
    tier: Row(
        f"read.catch_up.{tier}",
        CATEGORY,
        f"catching up through the client, {tier}",
        Unit.RATE,
        Compare.RATE,
        2.2 if tier in (HOT, WARM) else None,
        "psycopg, page by page",
    )
    for tier in TIERS
}
ROWS = (
    *(
        read.row(tier)
        for section in (STREAM, CATEGORY)
        for read in READS
        if read.section == section
        for tier in TIERS
    ),
    *CATCH_UP.values(),
)


def run(bench: Bench) -> Iterator[Figure]:
    """The figures of the rows that were asked for, tier by tier over the same messages."""
    arena = make(bench.place, "read", chunks=4)
    bench.fill(arena, bench.source(MIXED), bench.options.messages, "messages to read")
    try:
        arguments = choose(bench, arena)
        last = max(TIERS.index(tier) for tier in TIERS if any(_wanted(bench, tier)))
        for tier in TIERS[: last + 1]:
            if tier == WARM:
                with bench.step("compress", total=arena.chunks, noun="chunks") as step:
                    arena.compress()
                    step.advance(arena.chunks)
            elif tier == ARCHIVED:
                with bench.step("archive, verify, drop", total=arena.chunks, noun="chunks") as step:
                    arena.archive()
                    step.advance(arena.chunks)
            if any(_wanted(bench, tier)):
                yield from _tier(bench, arena, arguments, tier)
    finally:
        arena.drop()


def _wanted(bench: Bench, tier: str) -> Iterator[Row]:
    rows = (*(read.row(tier) for read in READS), CATCH_UP[tier])
    return (row for row in rows if bench.wants(row))


Arguments = dict[str, list[tuple[Any, ...]]]


def choose(bench: Bench, arena: Arena) -> Arguments:
    """What each kind of call is called with, the same for everybody."""
    options = bench.options

    def streams(at_least: int, at_most: int = 2**31) -> list[tuple[str, int]]:
        found = arena.rows(
            "pick_streams",
            {
                "at_least": at_least,
                "at_most": at_most,
                "seed": str(options.seed),
                "count": options.reads,
            },
        )
        return [(name, int(last)) for name, last in found]

    some = streams(1)
    # A sample, or a tiny run, may have no stream as long as that: then the longest there are.
    longest = max(last for _, last in streams(1)) + 1
    ten = streams(min(10, longest)) or some
    long = streams(min(PAGE, longest)) or ten
    category, _, first, middle, last = arena.rows("pick_categories", {"count": 1})[0]
    causes = [cause for (cause,) in arena.rows("pick_correlation", {"category": category})]
    around = range(options.reads)
    pages: Arguments = {
        CATEGORY_START.key: [(category, first + n, PAGE) for n in around],
        CATEGORY_MIDDLE.key: [(category, middle + n, PAGE) for n in around],
        CATEGORY_HEAD.key: [(category, max(first, last - 4 * PAGE) + n, PAGE) for n in around],
        CORRELATION.key: [(category, middle + n, PAGE, cause) for n in around for cause in causes],
        GROUP.key: [(category, middle + n, PAGE, None, n % 4, 4) for n in around],
        ALL.key: [(middle + n, PAGE) for n in around],
    }
    return {
        STREAM_10.key: [(name, 0, 10) for name, _ in ten],
        STREAM_1000.key: [(name, 0, PAGE) for name, _ in long],
        LAST.key: [(name,) for name, _ in some],
        VERSION.key: [(name,) for name, _ in some],
        **pages,
    }


def _tier(bench: Bench, arena: Arena, arguments: Arguments, tier: str) -> Iterator[Figure]:
    wanted = [read for read in READS if bench.wants(read.row(tier))]
    with (
        bench.step(f"read, {tier}", total=len(wanted), noun="kinds of call") as step,
        arena.client(max_size=1) as store,
    ):
        for read in wanted:
            if arguments[read.key]:
                yield _compared(bench, arena, store, read, tier, arguments[read.key])
            else:
                yield read.row(tier).missing("no message of the sample is correlated")
            step.advance()
    if bench.wants(CATCH_UP[tier]):
        # With as many connections as a client has by itself: it may read ahead on another one.
        with bench.step(f"catch up, {tier}"), arena.client() as store:
            yield _catch_up(bench, arena, store, tier, arguments[CATEGORY_START.key][0][0])


def _compared(
    bench: Bench,
    arena: Arena,
    store: Store,
    read: Read,
    tier: str,
    arguments: Sequence[tuple[Any, ...]],
) -> Figure:
    """The database answers for what is in it, the client for what has left it."""

    def in_database(contender: Contender, seconds: float) -> float:
        call = contender.call(read.function, len(arguments[0]))
        with store.connection() as connection:
            return call_time(connection, call, arguments, seconds=seconds)

    def ours(seconds: float) -> float:
        if tier == ARCHIVED:
            return client_time(store, read.function, arguments, seconds=seconds)
        return in_database(arena.store, seconds)

    turns: dict[str, Callable[[float], float]] = {
        COLDSTREAM: ours,
        PLAIN: partial(in_database, arena.plain),
    }
    return read.row(tier).figure(_taken(bench, turns))


def _catch_up(bench: Bench, arena: Arena, store: Store, tier: str, category: str) -> Figure:
    def ours(seconds: float) -> float:
        return catch_up_rate(partial(store.get_category_messages, category), seconds)

    def plain(seconds: float) -> float:
        with store.connection() as connection:
            begin = partial(plain_pages, connection, arena.plain, category, PAGE)
            return catch_up_rate(begin, seconds)

    return CATCH_UP[tier].figure(_taken(bench, {COLDSTREAM: ours, PLAIN: plain}))


def _taken(bench: Bench, turns: dict[str, Callable[[float], float]]) -> Compared:
    """Each turn once to warm up, then the rounds."""
    options = bench.options
    for turn in turns.values():
        turn(options.seconds / 4)
    rounds = take_turns(
        options.rounds, {name: partial(turn, options.seconds) for name, turn in turns.items()}
    )
    return compare(rounds[COLDSTREAM], rounds[PLAIN])
