"""From a Message DB into a store: everything that is there, in the order of global positions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from coldstream.client._sync import Client
from coldstream.client.connect import connect
from coldstream.copying.back import Return
from coldstream.copying.load import Loader, compress_ended, times_of
from coldstream.copying.results import (
    MESSAGES_PER_SECOND,
    Clamp,
    Copied,
    CopyPlan,
    OnProgress,
    Switched,
    Times,
    Verified,
    no_progress,
)
from coldstream.copying.session import at_look, at_work
from coldstream.copying.source import Source
from coldstream.copying.switch import switch, until
from coldstream.copying.verify import verify
from coldstream.errors import InvalidInput, LifecycleError
from coldstream.lifecycle.session import Session

_STEP, _FEWEST = 100_000, 200
_STEP_BYTES = 64 * 1024 * 1024
_STEP_CHUNKS = 200
_UNSORTED = 5


class Copy:
    """A copy of a Message DB into a store. ``source``: the DSN of the Message DB, whose table
    messages is in ``source_schema``; ``dsn`` and ``schema``: the store, which has to be installed
    and empty, or a copy of this source that goes on.

    Ids, positions, global positions, times, types and JSON are what they are at the source, with
    its gaps. The store refuses writes until :meth:`open`: the source is where
    messages are written. SELECT on the source's table is enough.

    ``clamp_times``: times that no store takes are brought to the nearest one that it does.
    ``progress``: called as it goes on.

    Every method raises InvalidInput where the source is no Message DB, SetupError where a right is
    missing, Unavailable where a server cannot be reached or was lost, and LifecycleError where the
    store is not empty and no copy of this source. A method that failed, or was killed, is called
    again: a copy goes on where it was, and brings nothing twice.
    """

    def __init__(
        self,
        source: str,
        dsn: str,
        *,
        schema: str = "message_store",
        source_schema: str = "message_store",
        clamp_times: bool = False,
        progress: OnProgress = no_progress,
    ) -> None:
        self._source_dsn = source
        self._source_schema = source_schema
        self._dsn = dsn
        self._schema = schema
        self._clamp_times = clamp_times
        self._progress = progress

    def plan(self) -> CopyPlan:
        """What :meth:`run` would do. Changes nothing, and reads all of the source once."""
        with self._source() as source, self._store() as store, at_look(store) as session:
            return self._plan(source, session)

    def run(self) -> Copied:
        """Copy everything that the source has now; gives how far the copy is. Each chunk whose
        range has ended is compressed as soon as it is full."""
        with self._source() as source, self._store() as store:
            last = source.frontier(self._wait)
            with at_work(store) as session:
                copied = self._begun(source, session)
                self._progress("copy", copied.messages, copied.source_messages)
                with Loader(
                    self._dsn, source, copied, session=session, schema=self._schema
                ) as loader:
                    copied = loader.load(last, self._progress, copied.source_messages)
                compress_ended(session)
                return copied

    def status(self) -> Copied | None:
        """How far the copy is; ``None`` where the store is none."""
        with self._store() as store, at_look(store) as session:
            return copied_of(session)

    def verify(self) -> Verified:
        """Compare what was copied with the source: digests by stream and range of positions. Reads
        all of both; the source may be written to meanwhile."""
        with self._source() as source, self._store() as store, at_look(store) as session:
            return verify(source, session, self._known(session), self._progress)

    def follow(self, stop: Callable[[], bool] = lambda: False, *, pause: float = 0.2) -> Copied:
        """:meth:`run`, and then go on copying what is written at the source, until ``stop`` says
        so; ``pause``: seconds between two looks. Nothing is missed that commits out of order: see
        :meth:`coldstream.copying.source.Source.frontier`."""
        copied = self.run()
        with self._source() as source, self._loader(source, copied) as loader:
            while not until(stop, pause):
                last = source.frontier(self._wait)
                copied = loader.load(last, no_progress)
                behind = max(source.last() - copied.last_global_position, 0)
                self._progress("follow", copied.messages, copied.messages + behind)
        return copied

    def switch(self) -> Switched:
        """:meth:`run`, compare, make the source refuse writes by a trigger, copy and compare the
        rest, and let writers into the store. The role has to own the source's table.

        Where the two sides differ the source takes writes again, and LifecycleError is raised.
        LifecycleBusy: a writer of the source has not ended."""
        with self._source() as source:
            source.check_may_refuse()
        copied = self.run()
        with self._source() as source, self._loader(source, copied) as loader:
            return switch(source, loader, self._progress)

    def back(self, stop: Callable[[], bool] = lambda: False, *, pause: float = 0.2) -> None:
        """The other direction, after :meth:`switch`: bring what is written to the store to the
        Message DB, until ``stop`` says so. The role has to own the source's table."""
        with self._source() as source, self._returning(source) as way:
            way.check()
            while True:
                way.bring(self._progress)
                if until(stop, pause):
                    return

    def switch_back(self) -> Switched:
        """:meth:`back`, compare, make the store refuse writes, bring the rest, compare, and let the
        Message DB take writes again. The store is its copy then, as before :meth:`switch`."""
        with self._source() as source:
            copied = self.status()
            if copied is not None and copied.opened_at is None and source.is_moved():
                # A switch of one direction or the other that was broken off: neither took writes.
                source.allow_writes()
                return Switched(copied, None, 0.0)
            with self._returning(source) as way:
                way.check()
                return way.switch(self._progress)

    def open(self) -> Copied:
        """Let writers into the store, whose global positions go on above the source's. For a source
        that is not written to any more; what is written there afterwards is not copied."""
        with self._source() as source, self._store() as store, at_work(store) as session:
            copied = self._known(session)
            if copied.opened_at is None and source.frontier() > copied.last_global_position:
                raise LifecycleError(
                    f"The source has messages after {copied.last_global_position} that are not "
                    "copied",
                    hint="Run coldstream copy-from once more.",
                )
            return Copied(*session.one("open_copied", [source.last_given()]))

    def _wait(self, writers: int) -> None:
        self._progress("wait", writers, None)

    def _known(self, session: Session) -> Copied:
        copied = copied_of(session)
        if copied is None:
            raise LifecycleError(
                "The store is no copy of a Message DB", hint="Run coldstream copy-from first."
            )
        return copied

    def _loader(self, source: Source, copied: Copied) -> Loader:
        return Loader(self._dsn, source, copied, session=None, schema=self._schema)

    @contextmanager
    def _returning(self, source: Source) -> Iterator[Return]:
        with self._store() as store, at_look(store):
            pass  # It is a store, and whole.
        connection = connect(self._dsn, self._schema, name="coldstream copy")
        try:
            session = Session(connection, self._schema)
            session.rows("read_committed")
            copied = self._known(session)
            if copied.opened_at is None:
                raise LifecycleError(
                    "There is nothing to bring back: writers were not let into the store",
                    hint="The Message DB is where messages are written.",
                )
            if source.first() != (copied.first_global_position, copied.first_id):
                raise LifecycleError(f"The store is a copy of another Message DB: {copied.source}")
            yield Return(source, session, copied)
        finally:
            connection.close()

    def _source(self) -> Source:
        return Source(self._source_dsn, self._source_schema)

    def _store(self) -> Client:
        return Client(self._dsn, schema=self._schema, max_size=2)

    def _plan(self, source: Source, session: Session) -> CopyPlan:
        times = times_of(session)
        copied = copied_of(session)
        clamp = self._clamp(source, times) if copied is None else copied.clamp
        found = _survey(source, times, clamp)
        outside = None if clamp is not None else source.outside(times.lowest, times.highest)
        return CopyPlan(
            source=source.name,
            messages=found["messages"],
            copied=copied.messages if copied else 0,
            first_global_position=found["first"],
            last_global_position=found["last"],
            first_time=found["first_time"],
            last_time=found["last_time"],
            chunks=found["chunks"],
            source_bytes=source.size(),
            data_bytes=found["bytes"],
            messages_per_second=MESSAGES_PER_SECOND,
            is_indexed=source.is_indexed,
            outside=outside,
        )

    def _clamp(self, source: Source, times: Times) -> Clamp | None:
        if not self._clamp_times:
            return None
        return Clamp(times.lowest, times.now, source.last())

    def _begun(self, source: Source, session: Session) -> Copied:
        """The copy, which begins now or goes on. What the source must not have is looked for before
        the first message is copied."""
        copied = copied_of(session)
        first = source.first()
        if first is None:
            raise InvalidInput(
                f"There is nothing to copy: {source.name} has no messages",
                hint="Use the store from the beginning.",
            )
        if copied is None:
            times = times_of(session)
            clamp = self._clamp(source, times)
            outside = None if clamp else source.outside(times.lowest, times.highest)
            if outside is not None:
                raise InvalidInput(
                    f"{outside.messages} messages have times that no store takes, the first at "
                    f"global position {outside.first_global_position}: {outside.first_time} to "
                    f"{outside.last_time}",
                    hint=f"Times are from {times.lowest:%Y-%m-%d} to now. Correct them at the "
                    "source, or copy with --clamp-times.",
                )
            source.check_unique()
            found = _survey(source, times, clamp)
            sizes = (found["messages"], _step(found, source))
        else:
            # Where there is none so far, nothing that was copied is touched by one.
            clamp = copied.clamp or self._clamp(source, times_of(session))
            sizes = (copied.source_messages, copied.step_messages)
        bounds = (clamp.first_time, clamp.last_time, clamp.last) if clamp else (None, None, None)
        copied = Copied(*session.one("begin_copy", [source.name, *first, *bounds, *sizes]))
        if copied.opened_at is not None:
            raise LifecycleError(
                f"The store takes writes since {copied.opened_at:%Y-%m-%d %H:%M:%S}Z: the copy has "
                "ended",
                hint="Nothing more of the source is copied into it.",
            )
        last = copied.last_global_position
        if last and source.id_at(last) != copied.last_id:
            raise LifecycleError(
                f"The source has another message at global position {last}, or none",
                hint="It was changed since, or restored. Begin anew in a new store.",
            )
        return copied


def copied_of(session: Session) -> Copied | None:
    found = session.rows("copied")
    return Copied(*found[0]) if found else None


def _survey(source: Source, times: Times, clamp: Clamp | None) -> dict[str, Any]:
    """One look at all of the source.

    Raises:
        InvalidInput: a message that no store takes.
    """
    rows = source.chunks(times.interval, source.bounded(clamp))
    if wrong := sum(row[6] for row in rows):
        raise InvalidInput(
            f"{wrong} messages of the source are incomplete, or have a position below zero or a "
            "global position below one",
            hint="Message DB writes none such. Correct them at the source.",
        )
    return {
        "messages": sum(row[1] for row in rows),
        "first": min((row[2] for row in rows), default=None),
        "last": max((row[3] for row in rows), default=None),
        "first_time": min((row[4] for row in rows), default=None),
        "last_time": max((row[5] for row in rows), default=None),
        "chunks": len(rows),
        "bytes": int(sum(row[7] for row in rows)),
    }


def _step(found: dict[str, Any], source: Source) -> int:
    """How many messages a step brings: so large that what it costs beside them does not count, and
    neither the session's table nor the locks of the chunks become many. Where each step sorts all
    that is left of the source, there are fewer of them."""
    more = 1 if source.is_indexed else _UNSORTED
    messages = max(int(found["messages"]), 1)
    by_bytes = more * _STEP_BYTES * messages // max(int(found["bytes"]), 1)
    by_chunks = _STEP_CHUNKS * messages // max(int(found["chunks"]), 1)
    return max(_FEWEST, min(more * _STEP, by_bytes, by_chunks))
