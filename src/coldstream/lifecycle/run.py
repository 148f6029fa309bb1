"""All that is due by a policy, under one lock: what cron calls."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from coldstream.archive.export import Export, Files
from coldstream.client._sync import Client
from coldstream.errors import (
    ArchiveConflict,
    ArchiveError,
    ArchiveUnavailable,
    ColdstreamError,
    InvalidInput,
    LifecycleError,
    Unavailable,
)
from coldstream.lifecycle.chunk import Chunk
from coldstream.lifecycle.chunk_rows import ChunkRows
from coldstream.lifecycle.compress import compress_chunk
from coldstream.lifecycle.drop import drop_chunk
from coldstream.lifecycle.export import export_chunk
from coldstream.lifecycle.incarnation import claim, own_location
from coldstream.lifecycle.plan import Step, Verb, plan
from coldstream.lifecycle.planned import as_closed, check_same
from coldstream.lifecycle.policy import Policy, get_policy
from coldstream.lifecycle.position_streams import position_streams
from coldstream.lifecycle.session import Locate, Progress, Session, looking, working
from coldstream.lifecycle.still_there import missing_from_archive
from coldstream.lifecycle.verify import verify_chunk

# A rehydration that nobody goes on with is dropped.
_LEFT_ALONE = timedelta(days=1)


def run(
    store: Client,
    locate: Locate,
    policy: Policy | None,
    *,
    files: Files,
    wait: timedelta,
    dry_run: bool,
    planned: Iterable[Step] | None,
    progress: Progress,
) -> list[Step]:
    """Do what is due by ``policy``, or else by the store's; gives every step and its outcome."""
    if dry_run:
        with looking(store) as session:
            session.rows("check_no_retention_policy")
            steps = plan(session, policy or get_policy(session), sizes=True)
            touched = {step.chunk.range_start: step.chunk for step in steps}
            closed = {each.range_start: each for each in as_closed(session, touched.values())}
            steps = [replace(step, chunk=closed[step.chunk.range_start]) for step in steps]
            steps = _with_problems(session, locate, steps)
            dropping = [step.chunk for step in steps if step.verb == "drop"]
            found = position_streams(session, dropping)
            return [
                replace(step, position_streams=tuple(found.get(step.chunk.range_start, ())))
                if step.verb == "drop"
                else step
                for step in steps
            ]
    shown = (
        None
        if planned is None
        else {(step.chunk.range_start, step.verb): step.chunk for step in planned}
    )
    with working(store, wait=wait) as session:
        session.rows("check_no_retention_policy")
        session.rows("forget_staged", [_LEFT_ALONE])
        steps = plan(session, policy or get_policy(session), sizes=False)
        if shown is not None:
            steps = [step for step in steps if (step.chunk.range_start, step.verb) in shown]
        export = None
        if any(step.verb == "archive" for step in steps):
            # Before anything is done: that nobody said where to is no failure of a chunk.
            export = Export(own_location(store, session), store.schema, files)
        with ChunkRows(session, store.dsn) as rows:
            work = _Run(session, rows, locate, export, progress, shown or {})
            done = [work.outcome(step) for step in steps]
            work.end()
            return done


def _with_problems(session: Session, locate: Locate, steps: list[Step]) -> list[Step]:
    """The drops that would fail, because the archive has no longer what was verified, or cannot be
    asked. Of what the same run archives first there is nothing to ask yet."""
    first = {step.chunk.range_start for step in steps if step.verb in ("archive", "verify")}
    asked = [
        step.chunk for step in steps if step.verb == "drop" and step.chunk.range_start not in first
    ]
    problems: dict[datetime, ArchiveError | None]
    starts = [chunk.range_start for chunk in asked]
    try:
        problems = dict(zip(starts, missing_from_archive(session, locate, asked), strict=True))
    except ArchiveUnavailable as error:
        problems = dict.fromkeys(starts, error)
    return [
        replace(step, outcome="failed", problem=problem)
        if step.verb == "drop" and (problem := problems.get(step.chunk.range_start))
        else step
        for step in steps
    ]


class _Run:
    """The steps of one run, and what earlier ones mean for later ones.

    A chunk that fails ends its own steps alone. Storage that cannot be reached ends what needs it,
    a drop too; compressing goes on. A lost connection ends everything.
    """

    def __init__(
        self,
        session: Session,
        rows: ChunkRows,
        locate: Locate,
        export: Export | None,
        progress: Progress,
        shown: Mapping[tuple[datetime, Verb], Chunk],
    ) -> None:
        self._shown = shown
        self._session = session
        self._rows = rows
        self._locate = locate
        self._exports = export
        self._progress = progress
        self._failed: set[datetime] = set()
        self._storage_failed = False
        self._connection_failed = False

    def outcome(self, step: Step) -> Step:
        """Do the step, unless one before it failed that it needs."""
        needs_storage = step.verb != "compress"
        if (
            self._connection_failed
            or step.chunk.range_start in self._failed
            or (needs_storage and self._storage_failed)
        ):
            # A drop must not follow a verification that was not done.
            self._failed.add(step.chunk.range_start)
            return replace(step, outcome="skipped")
        started = time.monotonic()
        try:
            self._do(step)
        except ColdstreamError as error:
            problem = error
        except ValueError as error:
            problem = LifecycleError(f"A message cannot be archived: {error}")
        else:
            return replace(step, outcome="done", seconds=time.monotonic() - started)
        self._failed.add(step.chunk.range_start)
        self._storage_failed |= needs_storage and isinstance(problem, ArchiveUnavailable)
        self._connection_failed |= self._session.connection.closed
        return replace(step, outcome="failed", problem=problem, seconds=time.monotonic() - started)

    def end(self) -> None:
        """Name what was exported in the list of what has to be in the archive. Where that fails,
        the next run does it."""
        if self._exports is not None and self._exports.store_id is not None:
            with suppress(ArchiveError, Unavailable):
                claim(self._session, self._exports.location, probe=False)

    def _do(self, step: Step) -> None:
        match step.verb:
            case "compress":
                compress_chunk(self._session, step.chunk, self._progress)
            case "archive":
                self._export(step)
            case "verify":
                verify_chunk(self._session, self._locate, step.chunk, self._progress)
            case "drop":
                if shown := self._shown.get((step.chunk.range_start, step.verb)):
                    check_same(shown, step.chunk)
                drop_chunk(self._session, self._locate, step.chunk, self._progress)

    def _export(self, step: Step) -> None:
        if self._exports is None:
            raise InvalidInput("No archive location")
        if self._exports.store_id is None:
            # Before anything is sealed: a location that may not or cannot be written changes
            # nothing.
            try:
                claim(self._session, self._exports.location)
            except ArchiveConflict:
                self._storage_failed = True
                raise
            store_id = str(self._session.one("store_id")[0])
            self._exports = replace(self._exports, store_id=store_id)
        export_chunk(self._session, self._rows, self._exports, step.chunk, self._progress)
