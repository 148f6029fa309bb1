"""Verbs of the lifecycle: alone, two at once, and killed in the middle."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Thread

import psycopg

from coldstream.errors import ColdstreamError, InvalidInput
from coldstream.lifecycle import Policy
from proof.model.truth import Fault
from proof.operator.world import INTERVAL, PAST, SCHEMA, Database, World
from proof.operator.writing import terminate

Verb = Callable[[World, Database], None]


def cutoff(world: World) -> datetime:
    return world.today - world.chance.randint(0, PAST) * INTERVAL


def compress(world: World, database: Database) -> None:
    until = cutoff(world)
    world.say(f"{database.name}: compress {until:%d}")
    _inside(world, database, lambda: database.store.lifecycle.compress(until))


def archive(world: World, database: Database) -> None:
    until, again = cutoff(world), world.chance.random() < 0.3
    format = "csv" if world.chance.random() < 0.2 else "parquet"
    world.say(f"{database.name}: archive {until:%d} {format} again={again}")
    with world.writing_to_the_archive(database):
        database.store.lifecycle.archive(until, format=format, again=again)  # type: ignore[arg-type]


def verify(world: World, database: Database) -> None:
    again = world.chance.random() < 0.3
    world.say(f"{database.name}: verify again={again}")

    def proved() -> None:
        for found in database.store.lifecycle.verify(again=again, deep=again):
            if found.problem is not None:
                raise found.problem

    _inside(world, database, proved)


def drop(world: World, database: Database) -> None:
    until, kept = cutoff(world), world.chance.random() < 0.3
    world.say(f"{database.name}: drop {until:%d} kept={kept}")
    _inside(world, database, lambda: database.store.lifecycle.drop(until, kept=kept))


def rehydrate(world: World, database: Database) -> None:
    start = cutoff(world)
    end = start + world.chance.randint(1, 3) * INTERVAL
    streams = world.chance.choice([None, None, ["account-*"], ["quiet-1"]])
    world.say(f"{database.name}: rehydrate {start:%d} to {end:%d} {streams}")
    _inside(
        world, database, lambda: database.store.lifecycle.rehydrate(start, end, streams=streams)
    )


def run(world: World, database: Database) -> None:
    policy = _policy(world)
    world.say(f"{database.name}: run {policy}")
    with world.writing_to_the_archive(database):
        for step in database.store.lifecycle.run(policy):
            if step.problem is not None:
                raise step.problem


def clean(world: World, database: Database) -> None:
    world.say(f"{database.name}: clean")
    with world.writing_to_the_archive(database):
        database.store.lifecycle.clean(timedelta(0))


def publish(world: World, database: Database) -> None:
    world.say(f"{database.name}: publish")
    with world.writing_to_the_archive(database):
        try:
            database.store.lifecycle.publish()
        except ColdstreamError as error:
            if type(error).__name__ != "NothingArchived":
                raise
            world.say(f"  {error}")


def job(world: World, database: Database) -> None:
    """TimescaleDB's own compression, as its scheduler runs it."""
    world.say(f"{database.name}: TimescaleDB's jobs")
    rows = database.sql(
        "SELECT job_id FROM timescaledb_information.jobs WHERE hypertable_schema = %s", [SCHEMA]
    )
    for (number,) in rows:
        try:
            database.sql(f"CALL run_job({number})")
        except psycopg.Error as error:
            world.say(f"  {number}: {error}")


def two_at_once(world: World, database: Database) -> None:
    """Two lifecycles of one database at the same time: one waits or says that it is busy."""
    policy = _policy(world)
    world.say(f"{database.name}: two at once {policy}")
    problems: list[BaseException] = []
    lifecycle = database.store.lifecycle

    def once() -> None:
        try:
            lifecycle.run(policy, wait=timedelta(seconds=20))
        except ColdstreamError as error:
            world.say(f"  {type(error).__name__}: {error}")
        except BaseException as error:
            problems.append(error)

    with world.writing_to_the_archive(database):
        threads = [Thread(target=once) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if problems:
        raise Fault(f"two at once: {type(problems[0]).__name__}: {problems[0]}") from problems[0]


_PROGRAM = """
import sys
from datetime import timedelta
import coldstream
from coldstream.lifecycle import Policy
dsn, archive, days = sys.argv[1:]
ages = [timedelta(days=float(day)) for day in days.split(",")]
with coldstream.connect(dsn, archive=archive) as store:
    print("begun", flush=True)
    store.lifecycle.run(Policy(*ages))
    store.lifecycle.clean(timedelta(0))
"""


def killed(world: World, database: Database) -> None:
    """A lifecycle of which the process is killed, or its server process ended."""
    policy, is_process = _policy(world), world.chance.random() < 0.5
    after = world.chance.random() ** 2 * 0.8
    world.say(f"{database.name}: killed after {after:.2f} s process={is_process} {policy}")
    ages = [policy.compress_after, policy.archive_after, policy.drop_after]
    days = ",".join(str(age / timedelta(days=1)) for age in ages if age is not None)
    database.reopen()
    with world.writing_to_the_archive(database):
        process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, database.dsn, database.bucket.url, days],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            if process.stdout is not None:
                process.stdout.readline()
            time.sleep(after)
            if is_process:
                process.kill()
            else:
                terminate(database)
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
            process.wait()
        if not is_process and b"Traceback" in said and b"coldstream.errors." not in said:
            raise Fault(f"{database.name}: {said.decode()[-600:]}")
        database.without_sessions()


def _policy(world: World) -> Policy:
    days = sorted(world.chance.randint(1, PAST) for _ in range(3))
    return Policy(*(day * INTERVAL for day in days))


def _inside(world: World, database: Database, verb: Callable[[], object]) -> None:
    """What a verb does that changes the database alone."""
    before = database.bucket.listing()
    try:
        verb()
    except InvalidInput as error:
        world.say(f"  {error}")
    except ColdstreamError as error:
        world.say(f"  refused: {type(error).__name__}: {error}")
        if database.is_in_order and not database.is_locked and not _is_a_copys(database):
            raise Fault(f"{database.name}: {type(error).__name__}: {error}") from error
    if database.bucket.listing() != before:
        raise Fault(f"{database.name} changed the archive, which is not for this verb to do")


def _is_a_copys(database: Database) -> bool:
    """Whether another one has written to the archive since: what it exported may be another's."""
    return not database.may_archive


VERBS: list[Verb] = [
    *[compress] * 2,
    *[archive] * 4,
    *[verify] * 4,
    *[drop] * 4,
    *[rehydrate] * 2,
    *[run] * 3,
    clean,
    publish,
    job,
    two_at_once,
    *[killed] * 2,
]


def move(world: World) -> None:
    database = world.any()
    world.chance.choice(VERBS)(world, database)
