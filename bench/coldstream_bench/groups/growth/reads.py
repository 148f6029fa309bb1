"""What reads cost as chunks are added, with all of history in one tier.

The database answers for what is in it, the client for what has left it. The hypertable without
heads has no archive.
"""

from __future__ import annotations

from collections.abc import Iterator

from coldstream_bench.client_reads import call, client_time
from coldstream_bench.contenders import COLDSTREAM, PLAIN, Contender
from coldstream_bench.groups.growth.calls import CALLS, Call
from coldstream_bench.groups.growth.grown import EVERYBODY, Grown
from coldstream_bench.groups.reads import ARCHIVED, TIERS
from coldstream_bench.measure import call_time
from coldstream_bench.result import Figure

ROWS = {tier: tuple(call.row(tier) for call in CALLS) for tier in TIERS}


def figures(stores: Grown, tier: str) -> Iterator[Figure]:
    """Those of every call that was asked for."""
    wanted = [call for call in CALLS if stores.bench.wants(call.row(tier))]
    with stores.bench.step(f"growth, {tier}", total=len(wanted), noun="kinds of call") as step:
        for each in wanted:
            yield _archived(stores, each) if tier == ARCHIVED else _in_database(stores, each, tier)
            step.advance()


def _in_database(stores: Grown, call: Call, tier: str) -> Figure:
    seconds = stores.bench.options.seconds / 5
    with stores.bench.place.connection() as connection:

        def turn(chunks: int, contender: Contender) -> float:
            given = stores.arguments[chunks][call.key]
            statement = contender.call(call.function, len(given[0]))
            return call_time(connection, statement, given, seconds=seconds)

        return stores.figure(call.row(tier), stores.rounds(turn))


def _archived(stores: Grown, each: Call) -> Figure:
    seconds = stores.bench.options.seconds / 5
    contenders = [name for name in EVERYBODY if name in (COLDSTREAM, PLAIN)]

    def turn(chunks: int, contender: Contender) -> float:
        given = stores.arguments[chunks][each.key]
        if contender.name == PLAIN:
            statement = contender.call(each.function, len(given[0]))
            with stores.bench.place.connection() as connection:
                return call_time(connection, statement, given, seconds=seconds)
        with stores.arenas[chunks].client(max_size=1) as store:
            # The connection and what is known of the archive is there before it counts.
            call(store, each.function, given[0])
            return client_time(store, each.function, given, seconds=seconds)

    rounds = stores.rounds(turn, contenders, warm_up=False)
    return stores.figure(each.row(ARCHIVED), rounds, contenders)
