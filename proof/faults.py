"""Break every request of every step of the archive in every way, and show that nothing is lost.

    .venv/bin/python -m proof.faults [--seed N] [--cases N] [--dsn DSN]

A proxy stands between Coldstream and a real S3 server (SeaweedFS). One chunk is archived, verified,
dropped, read and rehydrated, again and again, and each time one kind of request meets one fault:
once, or until the step gives up. Then the step has succeeded, or has stopped with one clear error;
a chunk that is not proved is not dropped; no read gave a message that differs; and the same step
without the fault succeeds. The disk that temporary files go to gets full, too. ``--dsn`` names a
server (a store is made and dropped there); without it an embedded one is started. ``--cases``: how
many, chosen by the seed, but every kind of request and every fault.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import secrets
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product

import psycopg
from psycopg import sql

import coldstream
from coldstream import Message
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.errors import ArchiveCorrupt, ArchiveError, ColdstreamError
from coldstream.migrations import install
from coldstream.sql import Names
from proof.fault_proxy import FAULTS, FaultProxy, Rule
from proof.s3_server import S3Server, s3_server

END = datetime(2025, 1, 9, tzinfo=UTC)
START = datetime(2025, 1, 2, tzinfo=UTC)
MESSAGES = 2_000
FILE_ROWS = 1_100  # of two files
_SMALL_DISK = 64 * 1024

# What a step asks of the store: the step, the method, the path.
REQUESTS = {
    "archive: look": ("archive", "GET", "list-type"),
    "archive: file": ("archive", "PUT", r"\.(parquet|csv)"),
    "archive: manifest": ("archive", "PUT", "_manifest-"),
    "verify: manifest": ("verify", "GET", "_manifest-"),
    "verify: size": ("verify", "HEAD", r"\.(parquet|csv)"),
    "verify: file": ("verify", "GET", r"\.(parquet|csv)"),
    "read: file": ("read", "GET", r"\.(parquet|csv)"),
    "rehydrate: manifest": ("rehydrate", "GET", "_manifest-"),
    "rehydrate: file": ("rehydrate", "GET", r"\.(parquet|csv)"),
}
# A fault in the body of an answer that has none is no fault.
_BODIES = {"truncated", "stalled body", "flipped", "other", "short"}


@dataclass(frozen=True)
class Case:
    """One fault of one kind of request; ``times`` is ``None`` for one that stays."""

    request: str
    fault: str
    times: int | None

    def __str__(self) -> str:
        return f"{self.request}, {self.fault}, {'once' if self.times else 'always'}"


class Lost(Exception):
    """What must never happen has happened."""


def all_cases() -> list[Case]:
    """Every request, every fault that it can meet, once and always."""
    return [
        Case(request, fault, times)
        for request, fault, times in product(REQUESTS, FAULTS, (1, None))
        if fault not in _BODIES or REQUESTS[request][1] == "GET"
    ]


def chosen(number: int | None, seed: int) -> list[Case]:
    """N cases, every request and every fault among them; all, in order, for ``None``."""
    cases = all_cases()
    if number is None:
        return cases
    random.Random(seed).shuffle(cases)
    found: list[Case] = []
    requests, faults = set(REQUESTS), set(FAULTS)
    for both in (True, False):
        for case in cases:
            new = (case.request in requests, case.fault in faults)
            if all(new) if both else any(new):
                requests.discard(case.request)
                faults.discard(case.fault)
                found.append(case)
    rest = [case for case in cases if case not in found]
    return sorted(found + rest[: max(0, number - len(found))], key=all_cases().index)


class Prover:
    """A store with one chunk of history, and its archive behind the proxy."""

    def __init__(self, dsn: str, s3: S3Server, proxy: FaultProxy, *, format: str) -> None:
        self.dsn, self.proxy, self.format = dsn, proxy, format
        self.schema = f"prove_faults_{secrets.token_hex(4)}"
        self.url = s3.url(self.schema)
        self.options = s3.options | {
            "endpoint": proxy.endpoint,
            "read_timeout": "1s",
            "max_retries": "2",
            "retry_timeout": "20",
        }
        self.direct = ArchiveLocation.open(self.url, s3.options)
        with psycopg.connect(dsn, autocommit=True) as connection:
            install(connection, Names(self.schema))
            names = {"schema": sql.Identifier(self.schema), "name": sql.Literal(self.schema)}
            connection.execute(sql.SQL(_NO_JOBS).format(**names))
            connection.execute(sql.SQL(_HISTORY).format(**names), [START, MESSAGES])
        self.truth = self.read()

    def drop_store(self) -> None:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute("SET client_min_messages = warning")
            name = sql.Identifier(self.schema)
            connection.execute(sql.SQL("DROP TABLE {}.messages CASCADE").format(name))
            connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(name))
            connection.execute(sql.SQL("DROP ROLE {}").format(name))

    @contextmanager
    def opened(self) -> Iterator[coldstream.Store]:
        with coldstream.connect(
            self.dsn,
            schema=self.schema,
            archive=self.url,
            archive_options=self.options,
            max_size=1,
        ) as store:
            yield store

    def state(self) -> str:
        with self.opened() as store:
            return store.lifecycle.get_chunks()[0].state

    # The steps. Each raises what went wrong.

    def archive(self) -> None:
        # As if it were the first export: otherwise the manifest that is there already is found. Who
        # writes there stays known: without that no database may.
        for info in list(self.direct.list()):
            if "/_writers/" not in info.key:
                self.direct.delete(info.key)
        with self.opened() as store:
            store.lifecycle.archive(
                END,
                again=True,
                format=self.format,  # type: ignore[arg-type]
                file_rows=FILE_ROWS,
            )

    def verify(self) -> None:
        with self.opened() as store:
            for each in store.lifecycle.verify():
                if each.problem is not None:
                    raise each.problem

    def drop(self) -> None:
        with self.opened() as store:
            store.lifecycle.drop(END)

    def read(self) -> list[Message]:
        with self.opened() as store:
            return list(store.get_all_messages())

    def rehydrate(self) -> None:
        with self.opened() as store:
            store.lifecycle.rehydrate(START, END)

    # The states they start from.

    def bring_to(self, step: str) -> None:
        if step == "archive":
            return
        state = self.state()
        if state not in ("dropped", "rehydrated"):
            self.archive()
            if step == "verify":
                return
            self.verify()
        if state != "dropped":
            self.drop()
        if self.state() != "dropped":
            raise Lost(f"the chunk could not be dropped: {self.state()}")

    # What has to hold.

    def attempt(self, step: str) -> ColdstreamError | None:
        """Do the step; gives the error that it stopped with."""
        before = self.state()
        try:
            if step == "read":
                self.check(self.read())
            else:
                getattr(self, step)()
        except ColdstreamError as error:
            if "\n" in str(error):
                raise Lost(f"an error of several lines: {error}") from error
            if isinstance(error, ArchiveError) and not str(error):
                raise Lost("an error without words") from error
            after = self.state()
            allowed = {"archive": {before, "closed", "exporting"}, "verify": {"exported"}}
            if after not in allowed.get(step, {"dropped"}):
                raise Lost(f"{step} stopped and left the chunk {after}") from error
            if after not in ("dropped", "verified", "rehydrated"):
                self.drop()
                if self.state() == "dropped":
                    raise Lost("what is not proved was dropped") from error
            return error
        return None

    def check(self, messages: list[Message]) -> None:
        if messages != self.truth:
            raise Lost(f"a read gave {len(messages)} messages that are not the ones written")

    def prove(self, step: str, broken: AbstractContextManager[object]) -> str:
        """One attempt inside what ``broken`` did; then the same without it. Gives the outcome."""
        self.bring_to(step)
        with broken:
            error = self.attempt(step)
        if step != "read" and error is not None and (again := self.attempt(step)):
            raise Lost(f"it does not succeed without the fault either: {again}")
        self.check(self.read())
        if error is None:
            return "succeeded"
        if isinstance(error, ArchiveCorrupt):
            return "found to be damaged"
        return str(error).rpartition(": ")[2]

    def prove_case(self, case: Case) -> str:
        step, method, path = REQUESTS[case.request]
        rule = Rule(case.fault, method, path, times=case.times)
        outcome = self.prove(step, self.proxy.broken(rule))
        if rule.met == 0:
            raise Lost("no request met the fault: the case proves nothing")
        return outcome


@contextmanager
def full_disk() -> Iterator[None]:
    """Temporary files go where they do not fit: a small file system where one may be mounted, or
    else a limit of the size of files."""
    before = tempfile.tempdir
    with tempfile.TemporaryDirectory(prefix="coldstream-full-") as folder:
        mounted = (
            os.geteuid() == 0
            and not subprocess.run(
                ["mount", "-t", "tmpfs", "-o", f"size={_SMALL_DISK}", "tmpfs", folder],
                check=False,
                capture_output=True,
            ).returncode
        )
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        try:
            if mounted:
                tempfile.tempdir = folder
            else:
                resource.setrlimit(resource.RLIMIT_FSIZE, (_SMALL_DISK, limits[1]))
            yield
        finally:
            tempfile.tempdir = before
            if mounted:
                subprocess.run(["umount", folder], check=True)
            else:
                resource.setrlimit(resource.RLIMIT_FSIZE, limits)


# They would close and compress as they like.
_NO_JOBS = """
SELECT public.alter_job(job_id, scheduled => false) FROM timescaledb_information.jobs
WHERE hypertable_schema = {name} OR proc_schema = {name}
"""
_HISTORY = """
INSERT INTO {schema}.messages (stream_name, position, type, data, metadata, time, id)
SELECT 'account-' || n %% 20, n / 20, 'Deposited',
  jsonb_build_object('amount', n, 'note', md5(n || 'a') || md5(n || 'b') || md5(n || 'c')),
  NULL, %s + n * INTERVAL '1 minute', md5(n || 'd')::uuid
FROM generate_series(0, %s - 1) AS n
ORDER BY n
"""


def prove(
    dsn: str,
    s3: S3Server,
    cases: list[Case],
    *,
    format: str = "parquet",
    say: Callable[[str], None] = print,
) -> Counter[str]:
    """Go through the cases and the full disks; gives how often each outcome was.

    Raises:
        Lost: the first that does not hold, with its case.
    """
    outcomes: Counter[str] = Counter()
    with FaultProxy(s3.endpoint, stall=10) as proxy:
        with store(dsn, s3, proxy, format) as prover:
            for case in cases:
                try:
                    outcome = prover.prove_case(case)
                except Lost as error:
                    raise Lost(f"{case}: {error}") from error
                outcomes[outcome] += 1
                say(f"{case.request:20} {case.fault:13} {_times(case):7} {outcome}")
        with store(dsn, s3, proxy, format) as prover:
            for step in ("archive", "verify", "rehydrate"):
                outcome = prover.prove(step, full_disk())
                if outcome == "succeeded":
                    raise Lost(f"{step}: the disk was not full")
                outcomes[outcome] += 1
                say(f"{step:20} full disk     {_times(None):7} {outcome}")
    return outcomes


@contextmanager
def store(dsn: str, s3: S3Server, proxy: FaultProxy, format: str) -> Iterator[Prover]:
    """A store of its own, dropped at the end."""
    prover = Prover(dsn, s3, proxy, format=format)
    try:
        yield prover
    finally:
        prover.drop_store()


def _times(case: Case | None) -> str:
    return "once" if case and case.times else "always"


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=None)
    parser.add_argument("--format", choices=["parquet", "csv"], default="parquet")
    parser.add_argument("--dsn", default=None)
    given = parser.parse_args(words)
    cases = chosen(given.cases, given.seed)
    started = time.monotonic()
    with ExitStack() as stack:
        dsn = given.dsn
        if dsn is None:
            from coldstream.embedded import EmbeddedServer

            dsn = stack.enter_context(EmbeddedServer()).dsn
        s3 = stack.enter_context(s3_server())
        try:
            outcomes = prove(dsn, s3, cases, format=given.format)
        except Lost as error:
            print(f"FAILED: {error}", file=sys.stderr)
            return 1
    total = sum(outcomes.values())
    print(
        f"\n{total} faults in {time.monotonic() - started:.0f} s; nothing lost, nothing wrong read"
    )
    for outcome, number in outcomes.most_common():
        print(f"{number:6} {outcome}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
