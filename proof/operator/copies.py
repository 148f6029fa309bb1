"""Backups, restores, copies and points in time, and what the operator says of them afterwards."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from uuid import UUID

import psycopg

from coldstream.errors import ArchiveConflict, ColdstreamError, LifecycleError
from proof import cluster
from proof.model.truth import Fault, Made
from proof.operator import servers
from proof.operator.world import SCHEMA, Database, Dump, World


def program(name: str) -> str:
    return str(cluster.programs(with_timescaledb=True) / name)


def dump(world: World) -> None:
    database, is_plain = world.any(), world.chance.random() < 0.3
    options = ["--format=plain" if is_plain else "--format=custom"]
    if world.chance.random() < 0.3:
        options += ["--no-owner", "--no-acl"]
    path = world.folder / f"dump-{len(world.dumps) + 1}"
    world.say(f"{database.name}: pg_dump {options} to {path.name}")
    done = subprocess.run(
        [program("pg_dump"), database.dsn, "-f", path, *options], capture_output=True, text=True
    )
    if done.returncode:
        world.say(f"  {done.stderr.strip()[-300:]}")
        if not database.is_in_order:
            return
        raise Fault(f"{database.name}: pg_dump fails: {done.stderr.strip()[-300:]}")
    world.dumps.append(
        Dump(
            path,
            is_plain,
            database.history.copy(),
            database.bucket,
            database.is_changed,
            database.is_unrecorded,
            database.is_behind,
            database.is_locked,
        )
    )


def restore(world: World) -> None:
    """A dump into a new database: beside the others, or in the place of the one that archives."""
    if not world.dumps:
        dump(world)
        if not world.dumps:
            return
    chosen = world.chance.choice(world.dumps)
    procedure = world.chance.choices(
        ["right", "no post_restore", "no pre_restore"], weights=[6, 2, 1]
    )[0]
    if world.chance.random() < 0.4:
        owner = next((e for e in world.databases if e.bucket is chosen.bucket), None)
        if owner is not None and len(world.databases) > 1:
            world.say(f"{owner.name} is lost")
            world.discard(owner)
    world.make_room()
    made = world.new_database(chosen.history.copy(), chosen.bucket)
    made.is_copy = True
    made.is_changed, made.is_unrecorded = chosen.is_changed, chosen.is_unrecorded
    made.is_behind, made.is_locked = chosen.is_behind, chosen.is_locked
    world.say(f"{made.name}: restore of {chosen.path.name}, {procedure}")
    if procedure != "no pre_restore":
        made.sql("SELECT timescaledb_pre_restore()")
    load = [program("pg_restore"), "-d", made.dsn, str(chosen.path)]
    if chosen.is_plain:
        load = [program("psql"), "-X", "-q", "-d", made.dsn, "-f", str(chosen.path)]
    done = subprocess.run(load, capture_output=True, text=True)
    if done.returncode or "ERROR" in done.stderr:
        world.say(f"  {done.stderr.strip()[:300]}")
    world.databases.append(made)
    if procedure == "right":
        made.sql("SELECT timescaledb_post_restore()")
    elif procedure == "no post_restore":
        made.trouble = "restoring"
    elif done.returncode or "ERROR" in done.stderr:
        # He was told by pg_restore. What it left may do no harm, and is thrown away.
        made.trouble = "restored in part"


def finish_restore(world: World) -> None:
    """What was forgotten is done at last; what was restored in part is thrown away."""
    for database in list(world.databases):
        if database.trouble == "restoring":
            world.say(f"{database.name}: post_restore")
            database.reopen()
            database.sql("SELECT timescaledb_post_restore()")
            database.trouble = None
        elif database.trouble == "restored in part" and len(world.databases) > 1:
            world.say(f"{database.name} is dropped")
            world.discard(database)


def clone(world: World) -> None:
    """CREATE DATABASE ... TEMPLATE."""
    world.make_room()
    database = world.any()
    made = replace(
        database,
        name=world.new_name(),
        history=database.history.copy(),
        is_copy=True,
        _store=None,
        settings=[],
    )
    made.trouble = None if database.trouble == "settings" else database.trouble
    world.say(f"{made.name}: template copy of {database.name}")
    database.without_sessions()
    made.cluster_sql(f'CREATE DATABASE "{made.name}" TEMPLATE "{database.name}"')
    world.databases.append(made)


def mark(world: World) -> None:
    """A base backup, once a sequence, and a restore point after it."""
    if world.backup is None:
        world.say("base backup")
        world.backup = servers.base_backup(world.cluster)
        world.points = {}
        return
    name = f"point{len(world.points) + 1}"
    world.say(f"restore point {name}")
    with psycopg.connect(world.cluster.dsn(), autocommit=True) as connection:
        connection.execute("SELECT pg_create_restore_point(%s)", [name])
    world.points[name] = {
        each.name: replace(each, history=each.history.copy(), _store=None, settings=[])
        for each in world.databases
        if each.cluster is world.cluster and each.trouble is None
    }


def point_in_time(world: World) -> None:
    """One of the databases as it was at a restore point: in its place, or beside it."""
    if world.backup is None or not world.points:
        mark(world)
        return
    name = world.chance.choice(sorted(world.points))
    at = world.points[name]
    world.say(f"point in time {name}: {sorted(at)}")
    with psycopg.connect(world.cluster.dsn(), autocommit=True) as connection:
        connection.execute("SELECT pg_switch_wal()")
        connection.execute("CHECKPOINT")
    _archived(world)
    backup, world.backup, world.points = world.backup, None, {}
    if not at:
        shutil.rmtree(backup)
        return
    cluster = servers.recovered(backup, world.wal, name)
    world.others.append(cluster)
    made = at[world.chance.choice(sorted(at))]
    former = next((each for each in world.databases if each.name == made.name), None)
    made.cluster = cluster
    if former is not None and world.chance.random() < 0.5 and len(world.databases) > 1:
        world.say(f"{former.name} is lost")
        world.discard(former)
    world.make_room()
    world.say(f"{made.name} as it was at {name}")
    world.databases.append(made)


def _archived(world: World) -> None:
    """Wait until the WAL up to here is in its archive."""
    import time

    with psycopg.connect(world.cluster.dsn(), autocommit=True) as connection:
        deadline = time.monotonic() + 30
        while True:
            [(current, last)] = connection.execute(
                "SELECT pg_walfile_name(pg_current_wal_insert_lsn()), last_archived_wal "
                "FROM pg_stat_archiver"
            ).fetchall()
            if last is not None and int(last[:24], 16) >= int(current[:24], 16) - 1:
                return
            if time.monotonic() > deadline:
                raise servers.NoServer(f"the WAL is not archived: {current}, {last}")
            time.sleep(0.05)


def lacks(database: Database) -> dict[UUID, Made]:
    """What the archive has and this history does not."""
    history = database.history
    known = history.must.keys() | history.deleted | history.may
    return {made.id: made for made in database.bucket.messages() if made.id not in known}


def adopt(world: World) -> None:
    """This one goes on with the archive; rightly, or while another one is still at work."""
    database = world.any()
    world.say(f"{database.name}: adopt")
    missing = lacks(database)
    try:
        adopted = database.store.lifecycle.adopt()
    except ColdstreamError as error:
        world.say(f"  refused: {type(error).__name__}: {error}")
        if not database.trouble:
            raise Fault(f"{database.name}: adopt: {type(error).__name__}: {error}") from error
        return
    if missing and not adopted.behind:
        raise Fault(f"{database.name}: adopted, and nobody says that it lacks {missing}")
    database.is_copy = False
    database.is_behind = bool(adopted.behind)
    database.claim = database.bucket.claim()


def fork(world: World) -> None:
    """This one goes its own way."""
    database = world.any()
    bucket = world.new_bucket()
    former = database.bucket
    world.say(f"{database.name}: fork to {bucket.url}")
    database.reopen()
    database.bucket = bucket
    try:
        database.store.lifecycle.fork()
    except ColdstreamError as error:
        world.say(f"  refused: {type(error).__name__}: {error}")
        database.reopen()
        database.bucket = former
        if not database.trouble:
            raise Fault(f"{database.name}: fork: {type(error).__name__}: {error}") from error
        return
    bucket.share(_named(world, database))
    database.is_copy = database.is_behind = False
    database.claim = bucket.claim()


def _named(world: World, database: Database) -> dict[str, dict[UUID, Made]]:
    """The ranges that its ledger has in the archives of others, with what is in them."""
    rows = database.sql(
        f"SELECT archive_url, archive_manifest FROM {SCHEMA}.chunks "
        "WHERE archive_manifest IS NOT NULL"
    )
    by_url = {bucket.url: bucket for bucket in world.buckets}
    return {
        manifest.rpartition("/")[0]: by_url[url].read(manifest)
        for url, manifest in rows
        if url != database.bucket.url
    }


def rebuild(world: World) -> None:
    """Take in what the archive has more."""
    database, dry_run = world.any(), world.chance.random() < 0.3
    world.say(f"{database.name}: rebuild dry_run={dry_run}")
    missing, before = lacks(database), database.bucket.listing()
    history = database.history
    try:
        found = database.store.lifecycle.rebuild(dry_run=dry_run)
    except ColdstreamError as error:
        world.say(f"  refused: {type(error).__name__}: {error}")
        if not database.trouble and not isinstance(error, ArchiveConflict | LifecycleError):
            raise Fault(f"{database.name}: rebuild: {error}") from error
        return
    finally:
        if database.bucket.listing() != before:
            raise Fault(f"{database.name}: the rebuild changed the archive")
    world.say(f"  {[(f'{each.range_start:%d}', each.result, each.loaded) for each in found]}")
    problems = [each.problem for each in found if each.problem is not None]
    if dry_run:
        if missing and all(each.result in ("known", "database") for each in found):
            raise Fault(f"{database.name}: nothing to rebuild, and it lacks {missing}")
        return
    failed = {each.range_start for each in found if each.problem is not None}
    for problem in problems:
        world.say(f"  {problem}")
    if problems and not (_has_its_own(database) or not database.is_in_order):
        raise Fault(f"{database.name}: rebuild: {problems[0]}")
    archived = database.bucket.messages()
    history.may |= {
        made.id for made in archived if any(_is_in(made, start, world) for start in failed)
    } - history.must.keys()
    history.take_in(made for made in archived if made.id not in history.may)
    database.is_locked = bool(problems) and (database.is_locked or bool(missing))
    if not problems:
        database.is_behind = False
        database.is_locked = False


def _has_its_own(database: Database) -> bool:
    """Whether it has messages that the archive does not know: two histories, perhaps."""
    return bool(database.history.new - {made.id for made in database.bucket.messages()})


def _is_in(made: Made, start: object, world: World) -> bool:
    return (
        made.time is not None
        and made.time.replace(hour=0, minute=0, second=0, microsecond=0) == start
    )


def stranger(world: World) -> None:
    """Another store that is told of an archive which is not its own."""
    bucket = world.chance.choice(world.buckets)
    if not bucket.claim() and not bucket.known:
        return
    world.say(f"a stranger comes to {bucket.url}")
    before = bucket.listing()
    from proof.operator.history import History

    made = world.new_database(History(), bucket)
    try:
        world.install(made)
        made.store.write_message("account-1", "Other", {})
        for verb in (
            lambda: made.store.lifecycle.archive(world.today + world.today.resolution),
            lambda: made.store.lifecycle.adopt(),
            lambda: made.store.lifecycle.rebuild(),
        ):
            try:
                verb()
            except ColdstreamError:
                continue
        if bucket.listing() != before:
            raise Fault(f"a stranger changed {bucket.url}")
    finally:
        world.discard(made)
