"""A lifecycle that dies at a point of its own choosing: what proof/crashes.py is made of.

A point is the moment between two things that the lifecycle does to the world outside its process: a
statement it sends, a request to storage, a step it reports. So dying at every point is dying before
and after each of them. They are found by wrapping the three places that all of it goes through: a
step that is added later has its points with no line changed here.
"""

from __future__ import annotations

import functools
import inspect
import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from typing import Any

import coldstream
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.errors import ColdstreamError
from coldstream.lifecycle import Chunk, Lifecycle, Policy
from coldstream.lifecycle.session import Session

# What is rehydrated of a range where not all of it is.
PART = "account-1*"
# In a file: a chunk has two, which both have a part of one stream.
FILE_ROWS = 7

# Touches no storage: it puts names together.
_HARMLESS = {"open", "url_of"}
_DIED_WITH_SERVER = 3
# Imported once, in the process that the others are forked from: it has no threads yet.
_PRELOAD = [
    "coldstream.lifecycle.run",
    "coldstream.lifecycle.rehydrate",
    "pyarrow.parquet",
    "obstore",
    "psycopg_pool",
]


@dataclass(frozen=True)
class Place:
    """Where the store is. ``postmaster``: a server of ours, which may be stopped; its port."""

    dsn: str
    schema: str
    archive: str
    postmaster: int | None = None
    port: int = 0


@dataclass(frozen=True)
class Operation:
    """One call of the lifecycle. Ages and times are set so that all of the history is due."""

    name: str
    start: datetime
    end: datetime

    def run(self, lifecycle: Lifecycle) -> None:
        match self.name:
            case "compress":
                lifecycle.compress(self.end)
            case "run":
                age = timedelta(days=1)
                steps = lifecycle.run(Policy(age, age, age), file_rows=FILE_ROWS)
                failed = [step for step in steps if step.problem]
                if failed:
                    raise failed[0].problem or AssertionError
            case "rehydrate":
                lifecycle.rehydrate(self.start, self.end, keep_for=timedelta(days=365))
            case "part":
                lifecycle.rehydrate(
                    self.start, self.end, streams=PART, keep_for=timedelta(days=365)
                )
            case "drop":
                lifecycle.drop(self.end, kept=True)
            case _:
                raise ValueError(self.name)


@dataclass(frozen=True)
class Death:
    """Where a process was killed, or the server stopped; ``None``: it came to its end."""

    point: str | None


class Points:
    """Dies at the first point that is not in ``passed``, or at the one after N."""

    def __init__(
        self, place: Place, passed: Collection[str], countdown: int | None, tell: Connection
    ) -> None:
        self._place = place
        self._passed = passed
        self._countdown = countdown
        self._tell = tell
        self._told = False
        self._last = "start"

    def before(self, what: str) -> None:
        """Die here, or go on."""
        point = f"after {self._last}, before {what}"
        if self._told:
            return
        if self._countdown is None:
            if point in self._passed:
                return
        else:
            self._countdown -= 1
            if self._countdown > 0:
                return
        self._told = True
        self._tell.send(point)
        if self._place.postmaster is None:
            os.kill(os.getpid(), signal.SIGKILL)
        else:
            _stop_server(self._place)

    def done(self, what: str) -> None:
        self._last = what

    def wrap(self, owner: type, name: str, title: Callable[..., str]) -> None:
        """Every call of ``owner.name`` ends one point and begins another."""
        inner = getattr(owner, name)

        @functools.wraps(inner)
        def wrapped(*arguments: Any, **options: Any) -> Any:
            what = title(*arguments)
            self.before(what)
            result = inner(*arguments, **options)
            self.done(what)
            return result

        setattr(owner, name, wrapped)


def storage_requests() -> list[str]:
    """The methods of an archive location that reach storage."""
    return [
        name
        for name, _ in inspect.getmembers(ArchiveLocation, inspect.isfunction)
        if not name.startswith("_") and name not in _HARMLESS
    ]


def die_at(
    place: Place,
    operation: Operation,
    *,
    passed: Collection[str] = (),
    countdown: int | None = None,
    after_seconds: float | None = None,
) -> Death:
    """Run an operation in a process of its own that dies: at the first point not in ``passed``, at
    the point after N, or some time later from outside.

    Raises:
        AssertionError: the operation failed by itself.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOAD)
    told, tell = context.Pipe(duplex=False)
    process = context.Process(
        target=_operate, args=(place, operation, frozenset(passed), countdown, tell)
    )
    process.start()
    tell.close()
    process.join(after_seconds)
    killed_outside = process.is_alive() and after_seconds is not None
    if killed_outside:
        process.kill()
    process.join(60)
    try:
        point = told.recv()
    except EOFError:
        point = None
    status = process.exitcode
    process.close()
    if killed_outside:
        return Death("at any moment")
    expected = {0} if point is None else {-signal.SIGKILL, 0, _DIED_WITH_SERVER}
    assert status in expected, f"{operation.name} ended with status {status}"
    return Death(point)


def _operate(
    place: Place,
    operation: Operation,
    passed: Collection[str],
    countdown: int | None,
    tell: Connection,
) -> None:
    points = Points(place, passed, countdown, tell)
    points.wrap(Session, "rows", lambda _, name, *__: f"{operation.name}: {name}")
    for name in storage_requests():
        points.wrap(ArchiveLocation, name, lambda *_, name=name: f"{operation.name}: {name}")
    try:
        with coldstream.connect(
            place.dsn, schema=place.schema, archive=place.archive, max_size=1
        ) as store:

            def progress(chunk: Chunk, step: str, done: int, total: int | None, /) -> None:
                what = f"{operation.name}: {step} {'goes on' if done else 'begins'}"
                points.before(what)
                points.done(what)

            operation.run(Lifecycle(store, progress=progress))
            points.before("the end")
    except ColdstreamError:
        if place.postmaster is None:
            raise
        sys.exit(_DIED_WITH_SERVER)


def _stop_server(place: Place) -> None:
    """As if the power went: no checkpoint, no word to its clients."""
    assert place.postmaster is not None
    os.kill(place.postmaster, signal.SIGQUIT)
    while True:
        try:
            socket.create_connection(("127.0.0.1", place.port), 1).close()
        except OSError:
            return
        time.sleep(0.02)
