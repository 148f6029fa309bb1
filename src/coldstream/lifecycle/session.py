"""One lifecycle at a time: a connection that holds the store's lock for a whole run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from socket import gethostname
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from coldstream.again import Pauses, again
from coldstream.client._sync import Client
from coldstream.client._sync.statements import connections_of, rows_over
from coldstream.client.errors import mapped, no_store_row
from coldstream.errors import (
    ArchiveCorrupt,
    InvalidInput,
    LifecycleBusy,
    LifecycleError,
    Unavailable,
)
from coldstream.lifecycle.chunk import Chunk
from coldstream.sql import Names

if TYPE_CHECKING:
    from coldstream.archive.storage.location import ArchiveLocation

OlderThan: TypeAlias = timedelta | datetime

# A reader that is idle in a transaction keeps a drop or a compression waiting, and everybody who
# comes after that waits behind it: so wait shortly, let them pass, and try again.
_LOCK_TIMEOUT = "2s"
# To wait for a job that compresses a chunk.
_LONGEST_JOB = "30min"
_TRIES = 5
_PAUSE = 1.0


Locate: TypeAlias = "Callable[[str, str | None], ArchiveLocation]"
"""Opens the archive of a range, by the ledger's URL of it and that of the store's own archive:
where the caller says, for what is in the store's own, or else where the ledger does."""


class Progress(Protocol):
    """Called as a step goes on: a chunk, the step's name, what is done, and of how much."""

    def __call__(self, chunk: Chunk, step: str, done: int, total: int | None, /) -> None: ...


def no_progress(chunk: Chunk, step: str, done: int, total: int | None, /) -> None:
    """Say nothing."""


def on_no_range(found: object, number: int, count: int, /) -> None:
    """Say nothing of a range."""


@dataclass(frozen=True)
class Session:
    """A connection in autocommit mode, and the named statements of a store."""

    connection: Connection[TupleRow]
    schema: str

    def rows(self, name: str, arguments: Any = ()) -> list[TupleRow]:
        """The rows of a named statement; errors come out as ours."""
        return rows_over(self.connection, self.schema, name, arguments)

    def record(self, name: str, arguments: Any, *, seconds: float) -> None:
        """Run a named statement that ends a step which took so long already."""
        with mapped(self.schema), self.connection.transaction():
            self.rows("set_step_seconds", [str(seconds)])
            self.rows(name, arguments)

    def one(self, name: str, arguments: Any = ()) -> TupleRow:
        rows = self.rows(name, arguments)
        if not rows:
            # Each of them asks the table store, and gives one row.
            raise no_store_row()
        return rows[0]

    def chunks(self, *, sizes: bool = False) -> list[Chunk]:
        """Every chunk, oldest first. ``sizes``: those of now, to be shown; otherwise they
        are the ledger's. Asking for them takes the longer the more chunks there are."""
        return [Chunk(*row) for row in self.rows("get_chunks", [sizes])]

    def cutoff(self, older_than: OlderThan) -> datetime:
        """The time before which a chunk must have ended, by the server's clock.

        Raises:
            InvalidInput: an age below zero, or a time in the future.
        """
        now: datetime = self.one("server_time")[0]
        if isinstance(older_than, timedelta):
            try:
                cutoff = now - older_than
            except OverflowError:
                cutoff = datetime.min.replace(tzinfo=UTC)
        elif older_than.tzinfo is None:
            raise InvalidInput(f"A time without a time zone: {older_than}")
        else:
            cutoff = older_than
        if cutoff > now:
            raise InvalidInput(
                f"That means the future: {older_than}",
                hint="Give an age that is not negative, such as 7d, or a time in the past.",
            )
        return cutoff


@dataclass(frozen=True)
class _Looking(Session):
    """A session in which the server refuses every change. Each statement is a transaction of its
    own: none is open while the archive is asked, which may take minutes."""

    def rows(self, name: str, arguments: Any = ()) -> list[TupleRow]:
        with mapped(self.schema), self.connection.transaction():
            super().rows("read_only")
            super().rows("lifecycle_settings", [True])
            return super().rows(name, arguments)


@contextmanager
def looking(store: Client) -> Iterator[Session]:
    """A session for a dry run: it changes nothing, and needs no lock, so that one may look while
    another lifecycle is at work. It refuses the stores that :func:`working` refuses."""
    with connections_of(store).connection() as connection:
        session = _Looking(connection, store.schema)
        session.rows("check_tiers")
        session.rows("check_functions")
        session.rows("check_whole")
        yield session


@contextmanager
def reading(store: Client) -> Iterator[Session]:
    """A session that only looks, in one transaction."""
    with connections_of(store).connection() as connection, connection.transaction():
        session = Session(connection, store.schema)
        session.rows("check_tiers")
        session.rows("lifecycle_settings", [True])
        yield session


@contextmanager
def working(store: Client, *, wait: timedelta = timedelta(0)) -> Iterator[Session]:
    """A session that holds the store's lifecycle lock; ``wait``: how long to wait for it.

    Raises:
        LifecycleBusy: another session holds it.
        UnsupportedEngine: the store is an ordinary table.
    """
    table = Names(store.schema).render("@extschema@.messages")
    with connections_of(store).connection() as connection:
        session = Session(connection, store.schema)
        before: list[TupleRow] = []
        session.rows("check_tiers")
        _lock(session, table, wait)
        try:
            # What the history of the chunks shows, and the next one who finds the lock taken.
            session.rows("set_application_name", [f"coldstream {gethostname()} {os.getpid()}"])
            session.rows("read_committed")
            # Not for the session's whole life: it goes back to a pool.
            before = session.rows("lifecycle_settings", [False])
            session.rows("check_functions")
            # Where no background worker does it.
            _again(lambda: session.rows("close_ended_chunks"))
            yield session
        finally:
            if not connection.closed:
                for name, value, _ in before:
                    session.rows("set_setting", [name, value])
                session.rows("default_isolation")
                session.rows("lifecycle_unlock", [table])
                session.rows("reset_application_name")


def _lock(session: Session, table: str, wait: timedelta) -> None:
    """Take the store's lifecycle lock. The store's own job, which compresses what is due, has it
    for a chunk at a time: this waits for it, and the job leaves off when it meets this.

    Raises:
        LifecycleBusy
    """
    deadline = time.monotonic() + wait.total_seconds()
    while not session.one("lifecycle_lock", [table])[0]:
        holders = session.rows("lifecycle_holder", [table])
        if any(is_job for _, _, is_job in holders):
            with mapped(session.schema), session.connection.transaction():
                session.rows("set_lock_timeout", [_LONGEST_JOB])
                session.rows("wait_for_lifecycle_lock", [table])
            return
        if time.monotonic() >= deadline:
            raise LifecycleBusy(
                f"Another lifecycle is running on this store{_holder(holders)}",
                hint="Wait for it to end, then run this again.",
            )
        time.sleep(min(_PAUSE, max(0.0, deadline - time.monotonic())))


def _holder(holders: Sequence[TupleRow]) -> str:
    """Who has the lock, in words; nothing where that cannot be seen."""
    for application, since, _ in holders:
        return f": {application}, connected since {since.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"
    return ""


def patiently(session: Session, name: str, arguments: Any) -> None:
    """Run a named statement that needs a chunk for itself, in a transaction of its own.

    Raises:
        LifecycleBusy: the chunk's lock could not be acquired in any of the tries.
    """

    def once() -> None:
        with mapped(session.schema), session.connection.transaction():
            session.rows("set_lock_timeout", [_LOCK_TIMEOUT])
            session.rows(name, arguments)

    _again(once)


def each(chunks: Iterable[Chunk], step: Callable[[Chunk], object]) -> None:
    """Do a step for every chunk: one that cannot be done keeps no other.

    Raises:
        LifecycleError, ArchiveCorrupt: the first one's, once all were tried.
    """
    first: LifecycleError | ArchiveCorrupt | None = None
    for chunk in chunks:
        try:
            step(chunk)
        except (LifecycleError, ArchiveCorrupt) as error:
            first = first or error
    if first:
        raise first


def again_one(session: Session, name: str, arguments: Any) -> TupleRow:
    """The row of a named statement that is run again where others were in its way."""
    rows: list[TupleRow] = []
    _again(lambda: rows.append(session.one(name, arguments)))
    return rows[-1]


def _again(run: Callable[[], object]) -> None:
    """Run something that may be run again, as long as others are in its way: a lock could not
    be acquired in time, or it and another each waited for the other's, and it gave in. The other
    may be a reader of several chunks, or a job of TimescaleDB's."""

    def in_the_way(error: Exception) -> bool:
        deadlock = isinstance(error.__cause__, psycopg.errors.DeadlockDetected)
        return isinstance(error, LifecycleBusy) or (deadlock and isinstance(error, Unavailable))

    again(run, times=_TRIES, on=in_the_way, pauses=Pauses(_PAUSE, _PAUSE))


Reporter: TypeAlias = Callable[[str, int, int | None], None]


def reporter(progress: Progress, chunk: Chunk) -> Reporter:
    """The progress of one chunk, for a step that knows only its own name."""
    return lambda step, done, total: progress(chunk, step, done, total)
