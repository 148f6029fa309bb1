"""A restore drill: back a store up, lose it, and bring it back, each way there is, with times.

On clusters that it starts itself. Every way ends with a look at all messages, at the heads and at a
consumer, and with a write that must get a new position.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import psycopg

import coldstream
from coldstream.sql.objects import ENGINES, Engine
from proof import cluster
from proof.cluster import NoServer

T = TypeVar("T")

WEEKS = 10
POINT = "before_the_archive"
_FILL = """
SELECT count(*) FROM message_store.import_messages(
  (SELECT array_agg(n / 97) FROM generate_series({first}, {last}) AS n),
  (SELECT array_agg(now() - INTERVAL '70 days' * (1 - n / {all}::float8))
   FROM generate_series({first}, {last}) AS n),
  (SELECT array_agg('account-' || n % 97) FROM generate_series({first}, {last}) AS n),
  (SELECT array_agg('Deposited'::varchar) FROM generate_series({first}, {last}) AS n),
  (SELECT array_agg(jsonb_build_object('amount', n, 'note', repeat('x', n % 100)))
   FROM generate_series({first}, {last}) AS n),
  (SELECT array_agg(NULL::jsonb) FROM generate_series({first}, {last}) AS n),
  (SELECT array_agg(gen_random_uuid()) FROM generate_series({first}, {last}) AS n)
)
"""


class Lost(Exception):
    """What came back is not what was there."""


@dataclass(frozen=True)
class Truth:
    """What a store had: the digest of its messages in order, how many, its heads, a consumer."""

    digest: str
    messages: int
    heads: int
    consumer: int


@dataclass
class Drill:
    """A run. ``times``: what was done, and the seconds it took."""

    engine: Engine
    stack: ExitStack
    times: dict[str, float] = field(default_factory=dict)

    @property
    def programs(self) -> Path:
        return cluster.programs(with_timescaledb=self.engine == "timescale")

    def timed(self, what: str, run: Callable[[], T]) -> T:
        began = time.monotonic()
        result = run()
        self.times[what] = round(time.monotonic() - began, 2)
        print(f"{what}: {self.times[what]:.2f} s", file=sys.stderr, flush=True)
        return result

    def folder(self) -> Path:
        folder = cluster.server_folder()
        self.stack.callback(shutil.rmtree, folder, ignore_errors=True)
        return folder

    def start(self, folder: Path, **settings: str) -> str:
        """A server over a data folder; gives its DSN once it takes writes."""
        port = cluster.free_port()
        options = {"shared_buffers": "64MB", "wal_level": "replica", "max_wal_senders": "4"}
        if self.engine == "timescale":
            options |= {
                "shared_preload_libraries": "timescaledb",
                "timescaledb.telemetry_level": "off",
                # The drill says when something is compressed.
                "timescaledb.max_background_workers": "0",
            }
        command = cluster.postgres(folder / "data", folder, port, options | settings, self.programs)
        process = cluster.start(command, folder, cluster.dsn_of(port), _takes_writes)
        self.stack.callback(cluster.stop, process, signal.SIGQUIT)
        return cluster.dsn_of(port)

    def program(self, name: str, *words: object, cwd: Path | None = None) -> None:
        ran = subprocess.run(
            [self.programs / name, *map(str, words)],
            capture_output=True,
            text=True,
            cwd=cwd,
            **(cluster.unprivileged() if cwd else {}),
        )
        if ran.returncode:
            raise Lost(f"{name}: {ran.stderr.strip()[-500:]}")


def _takes_writes(dsn: str) -> bool:
    try:
        with psycopg.connect(dsn, connect_timeout=3) as connection:
            return connection.execute("SELECT pg_is_in_recovery()").fetchone() == (False,)
    except psycopg.OperationalError:
        return False


def sql(dsn: str, statement: str) -> Any:
    with psycopg.connect(dsn, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchone() if cursor.description else None


def opened(dsn: str, archive: str | None = None) -> coldstream.Store:
    return coldstream.connect(dsn, archive=archive, max_size=2)


def look(dsn: str) -> Truth:
    digest, count = hashlib.sha256(), 0
    with opened(dsn) as store:
        for message in store.get_all_messages():
            digest.update(repr(message).encode())
            count += 1
    [heads, consumer] = sql(
        dsn,
        "SELECT (SELECT count(*) FROM message_store.streams), "
        "(SELECT position FROM message_store.consumers WHERE consumer = 'balances')",
    )
    return Truth(digest.hexdigest(), count, heads, consumer)


def same(what: str, there: Truth, expected: Truth) -> None:
    if there != expected:
        raise Lost(f"{what}: {there} instead of {expected}")


def goes_on(dsn: str, after: int) -> None:
    """A write gets a position that nobody has."""
    with opened(dsn) as store:
        written = store.write_message("after-1", "Written", {})
    if written.global_position <= after:
        raise Lost(f"global position {written.global_position} was given before ({after})")


def fill(dsn: str, messages: int) -> None:
    for first in range(0, messages, 10_000):
        last = min(first + 10_000, messages) - 1
        sql(dsn, _FILL.format(first=first, last=last, all=messages))
    sql(dsn, f"SELECT message_store.join_consumer('balances', 'account', 1, {messages // 2})")


def drill(run: Drill, messages: int, archive: str) -> None:
    has_tiers = run.engine == "timescale"
    wal, home = run.folder(), run.folder()
    cluster.initdb(home / "data", home, run.programs)
    dsn = run.start(home, archive_mode="on", archive_command=f"cp %p {wal}/%f")
    coldstream.install(dsn, engine=run.engine)
    run.timed("fill the store", lambda: fill(dsn, messages))
    if has_tiers:
        with opened(dsn) as store:
            run.timed("compress", lambda: store.lifecycle.compress(timedelta(days=7)))

    backup = run.folder()
    run.timed(
        "base backup",
        lambda: run.program(
            "pg_basebackup", "-d", dsn, "-D", backup / "data", "-c", "fast", cwd=backup
        ),
    )
    with opened(dsn) as store:
        store.write_message("after-0", "After the backup", {})
    before = look(dsn)
    sql(dsn, f"SELECT pg_create_restore_point('{POINT}')")

    if has_tiers:
        with opened(dsn, archive) as store:
            run.timed("archive", lambda: store.lifecycle.archive(timedelta(days=21)))
            run.timed("verify", store.lifecycle.verify)
            if not run.timed("drop", lambda: store.lifecycle.drop(timedelta(days=21))):
                raise Lost("nothing was dropped")
    with opened(dsn) as store:
        last = store.write_message("after-0", "After the point", {}).global_position
    now = look(dsn)
    sql(dsn, "SELECT pg_switch_wal()")

    dump = run.folder() / "store.dump"
    run.timed("pg_dump", lambda: run.program("pg_dump", "-Fc", "-d", dsn, "-f", dump))

    def restore(database: str) -> str:
        sql(dsn, f"CREATE DATABASE {database} TEMPLATE template0 ENCODING 'UTF8'")
        target = dsn.rpartition("/")[0] + "/" + database
        if has_tiers:
            sql(target, "CREATE EXTENSION timescaledb")
            sql(target, "SELECT timescaledb_pre_restore()")
        run.program("pg_restore", "-d", target, dump)
        if has_tiers:
            sql(target, "SELECT timescaledb_post_restore()")
        return target

    # A dump, into another database of the same server: a clone for staging.
    clone = run.timed("restore the dump", lambda: restore("clone"))
    run.timed("read all of the clone", lambda: same("the clone", look(clone), now))
    if has_tiers:
        with opened(clone, f"{archive}-clone") as store:
            run.timed("fork", store.lifecycle.fork)
    goes_on(clone, last)
    same("the original, after its clone went on", look(dsn), now)

    # To the moment before the archive, in the place of a server that is lost.
    (backup / "data" / "recovery.signal").touch()
    if user := cluster.unprivileged():
        shutil.chown(backup / "data" / "recovery.signal", user["user"], user["group"])
    point = run.timed(
        "recover to a point in time",
        lambda: run.start(
            backup,
            archive_mode="off",
            restore_command=f"cp {wal}/%f %p",
            recovery_target_name=POINT,
            recovery_target_action="promote",
        ),
    )
    run.timed("read all of it", lambda: same("the point in time", look(point), before))
    if has_tiers:
        with opened(point, archive) as store:
            rebuilt = run.timed("rebuild from the archive", store.lifecycle.rebuild)
            if problems := [each.problem for each in rebuilt if each.problem]:
                raise Lost(f"rebuild: {problems}")
            run.timed("adopt", store.lifecycle.adopt)
        same("the point in time, after a rebuild", look(point), before)
    goes_on(point, last - 1)

    if has_tiers:
        # The bucket alone: what was archived, and no position twice.
        empty = run.folder()
        cluster.initdb(empty / "data", empty, run.programs)
        alone = run.start(empty)
        coldstream.install(alone)
        with opened(alone, archive) as store:
            run.timed("rebuild into an empty store", store.lifecycle.rebuild)
            archived = sum(1 for _ in store.get_all_messages())
            with opened(dsn) as original:
                gone = sum(
                    c.messages or 0 for c in original.lifecycle.get_chunks() if c.tier == "cold"
                )
        if archived != gone:
            raise Lost(f"the archive gave {archived} messages of {gone}")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m proof.restore_drill", description=__doc__)
    parser.add_argument("--engine", choices=ENGINES, default="timescale")
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--json", action="store_true", help="print the times as JSON")
    given = parser.parse_args(arguments)
    with ExitStack() as stack:
        archive = Path(stack.enter_context(TemporaryDirectory(prefix="coldstream-drill-")))
        run = Drill(given.engine, stack)
        try:
            drill(run, given.messages, (archive / "archive").as_uri())
        except NoServer as error:
            print(f"not run: {error}", file=sys.stderr)
            return 2
        except Lost as error:
            print(f"LOST: {error}", file=sys.stderr)
            return 1
    if given.json:
        print(
            json.dumps({"engine": given.engine, "messages": given.messages, "seconds": run.times})
        )
    print(f"nothing was lost: {given.messages:,} messages, {given.engine}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
