"""Every verb of the lifecycle, and what TimescaleDB and hands do to chunks."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta

import psycopg

import coldstream
from coldstream.errors import (
    ArchiveError,
    ChunkChanged,
    ColdstreamError,
    InvalidInput,
    LifecycleBusy,
    LifecycleError,
    NotArchived,
    Unavailable,
)
from coldstream.lifecycle import Policy
from proof.model.truth import Fault
from proof.model.world import INTERVAL, NAMES, PAST, SEALED, World, sql

Verb = Callable[[coldstream.Store, random.Random, datetime, bool], str]


def _cutoff(chance: random.Random, today: datetime) -> datetime:
    # Rather long ago: into what has been sealed nothing is written any more.
    return today - max(chance.randint(0, PAST) for _ in range(3)) * INTERVAL


def _close(store: coldstream.Store, chance: random.Random, today: datetime, alone: bool) -> str:
    sql(store, "CALL {s}.close_ended_chunks()")
    return "close"


def _compress(store: coldstream.Store, chance: random.Random, today: datetime, alone: bool) -> str:
    until = _cutoff(chance, today)
    store.lifecycle.compress(until)
    return f"compress {until:%d}"


def _archive(store: coldstream.Store, chance: random.Random, today: datetime, alone: bool) -> str:
    until, again = _cutoff(chance, today), chance.random() < 0.2
    format = chance.choice(["parquet", "parquet", "csv"])
    file_rows = chance.choice([None, None, 3, 20])
    store.lifecycle.archive(until, format=format, file_rows=file_rows, again=again)  # type: ignore[arg-type]
    return f"archive {until:%d} {format} {file_rows} again={again}"


def _verify(store: coldstream.Store, chance: random.Random, today: datetime, alone: bool) -> str:
    again = chance.random() < 0.2
    for found in store.lifecycle.verify(again=again, deep=again and chance.random() < 0.5):
        if found.problem is not None and not is_thinned(store):
            raise Fault(f"verify: {found.problem}")
    return f"verify again={again}"


def _drop(store: coldstream.Store, chance: random.Random, today: datetime, alone: bool) -> str:
    until, kept = _cutoff(chance, today), chance.random() < 0.3
    store.lifecycle.drop(until, kept=kept, dry_run=chance.random() < 0.2)
    return f"drop {until:%d} kept={kept}"


def _rehydrate(store: coldstream.Store, chance: random.Random, today: datetime, alone: bool) -> str:
    start = _cutoff(chance, today)
    end = start + chance.randint(1, 3) * INTERVAL
    streams = chance.choice(
        [None, None, ["account-*"], ["*-1"], chance.sample(NAMES, 2), ["quiet-?"]]
    )
    keep_for = chance.choice([None, timedelta(seconds=1), timedelta(days=1)])
    try:
        store.lifecycle.rehydrate(start, end, streams=streams, keep_for=keep_for)
    except InvalidInput as error:
        return f"rehydrate {start:%d} to {end:%d} {streams}: {error}"
    return f"rehydrate {start:%d} to {end:%d} {streams} {keep_for}"


def _run(store: coldstream.Store, chance: random.Random, today: datetime, alone: bool) -> str:
    days = sorted(chance.randint(PAST // 2, PAST) for _ in range(3))
    policy = Policy(*(day * INTERVAL for day in days))
    for step in store.lifecycle.run(policy):
        # One at a time: TimescaleDB's own compression, and late messages, may be in its way.
        problem = step.problem
        if problem is None or (isinstance(problem, ChunkChanged) and is_thinned(store)):
            continue
        if alone or isinstance(problem, _NEVER):
            raise Fault(f"run: {step.verb} of {step.chunk.range_start}: {step.problem}")
    return f"run {days}"


def _clean(store: coldstream.Store, chance: random.Random, today: datetime, alone: bool) -> str:
    store.lifecycle.clean(timedelta(0) if alone else timedelta(hours=1))
    return "clean"


def _rebuild(store: coldstream.Store, chance: random.Random, today: datetime, alone: bool) -> str:
    """From its own archive, of which it has everything."""
    dry_run = chance.random() < 0.5
    found = store.lifecycle.rebuild(dry_run=dry_run)
    wrong = [each for each in found if each.result not in ("known", "database")]
    if wrong and not is_thinned(store):
        raise Fault(f"rebuild: {wrong[0]}")
    return f"rebuild {len(found)}"


def _adopt(store: coldstream.Store, chance: random.Random, today: datetime, alone: bool) -> str:
    """It is the one that writes already."""
    if behind := store.lifecycle.adopt().behind:
        raise Fault(f"adopt: behind by {behind}")
    return "adopt"


def _job(store: coldstream.Store, chance: random.Random, today: datetime, alone: bool) -> str:
    """TimescaleDB's own job, as its scheduler runs it."""
    rows = sql(
        store,
        "SELECT job_id FROM timescaledb_information.jobs "
        "WHERE hypertable_schema = %s AND proc_name LIKE '%%compression%%'",
        [store.schema],
    )
    for (job,) in rows:
        try:
            sql(store, f"CALL public.run_job({job})")
        except ColdstreamError as error:
            # It says that it failed where others were in its way.
            if alone or not isinstance(error.__cause__, psycopg.Error):
                raise
            return f"job {job}: {error}"
    return f"job {rows}"


def _by_hand(store: coldstream.Store, chance: random.Random, today: datetime, alone: bool) -> str:
    """compress_chunk on what is compressed and was opened again, and on some others."""
    rows = sql(
        store,
        "SELECT format('%%I.%%I', chunk_schema, chunk_name), is_compressed "
        "FROM timescaledb_information.chunks WHERE hypertable_schema = %s AND range_end <= %s",
        [store.schema, today],
    )
    done = []
    for name, is_compressed in rows:
        if is_compressed or chance.random() < 0.2:
            try:
                sql(store, f"SELECT public.compress_chunk('{name}'::regclass)")
            except ColdstreamError as error:
                # Frozen, or gone, or in use: not ours to decide.
                if not isinstance(error.__cause__, psycopg.Error):
                    raise
                continue
            done.append(name)
    return f"by hand {done}"


VERBS: list[Verb] = [
    _close,
    _compress,
    _archive,
    _archive,
    _verify,
    _verify,
    _drop,
    _drop,
    _rehydrate,
    _rehydrate,
    _run,
    _clean,
    _rebuild,
    _adopt,
    _job,
    _by_hand,
]
COMPRESSING: list[Verb] = [_close, _compress, _job, _by_hand, _by_hand]

_NEVER = (ArchiveError, ChunkChanged, NotArchived)
# What a verb may say where others are at work; it is done the next time.
_IN_THE_WAY = (LifecycleBusy, LifecycleError, Unavailable)


def move(
    store: coldstream.Store,
    chance: random.Random,
    today: datetime,
    *,
    alone: bool,
    verbs: list[Verb] = VERBS,
) -> str:
    """Do one verb; gives what it was.

    Raises:
        Fault: it did not do what it has to.
    """
    verb = chance.choice(verbs)
    try:
        return verb(store, chance, today, alone)
    except ColdstreamError as error:
        if isinstance(error, ChunkChanged) and is_thinned(store):
            return f"{verb.__name__}: {error}"
        if alone or isinstance(error, _NEVER) or not isinstance(error, _IN_THE_WAY):
            raise Fault(f"{verb.__name__}: {type(error).__name__}: {error}") from error
        return f"{verb.__name__}: {type(error).__name__}: {error}"


def is_thinned(store: coldstream.Store) -> bool:
    """Whether messages were deleted of a chunk that is sealed, which the columnstore lets happen:
    it is not dropped then before it is archived again."""
    return bool(
        sql(store, "SELECT 1 FROM {s}.chunks WHERE thinned AND state = ANY (%s)", [list(SEALED)])
    )


def check_chunks(world: World) -> None:
    """The ledger's counts are those of the model, wherever it does not say that they are not."""
    view = world.truth.view()
    thinned = {row[0] for row in world.sql("SELECT range_start FROM {s}.chunks WHERE thinned")}
    for chunk in world.store.lifecycle.get_chunks():
        is_uncounted = chunk.state == "open" or chunk.range_start in thinned
        if is_uncounted or chunk.range_end > world.today:
            continue
        inside = [
            made
            for made in view.messages
            if made.time and chunk.range_start <= made.time < chunk.range_end
        ]
        if chunk.messages != len(inside):
            raise Fault(
                f"the chunk of {chunk.range_start} ({chunk.state}) has {chunk.messages} messages by"
                f" the ledger, and {len(inside)} were written"
            )
