"""Messages on their way: read at the source, brought into the store, compressed, all at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from queue import Empty, Full, Queue
from typing import Self

from psycopg.errors import OutOfMemory

from coldstream.client._sync.statements import rows_over
from coldstream.client.connect import connect
from coldstream.client.errors import mapped
from coldstream.copying.results import Copied, OnProgress, Times
from coldstream.copying.source import Source
from coldstream.errors import LifecycleBusy, Unavailable
from coldstream.lifecycle.session import Session, patiently
from coldstream.sql import query

_FEWEST = 100
_BLOCK = 256 * 1024
_BLOCKS = 32  # on their way: 8 MB
_WAIT = 0.5


class Loader:
    """Brings messages, a step a transaction. ``session``: of the lifecycle that compresses chunks
    meanwhile; without one none is. A context manager."""

    def __init__(
        self, dsn: str, source: Source, copied: Copied, *, session: Session | None, schema: str
    ) -> None:
        self.copied = copied
        self._schema = schema
        self._rows = copied.step_messages
        self._connection = connect(dsn, schema, name="coldstream copy")
        self._reading = source.again()
        self.session = Session(self._connection, schema)
        self._compressor = None if session is None else _Compressor(session)

    def __enter__(self) -> Self:
        # What is looked at under a lock must be what is there, whatever the database's default is.
        self.session.rows("read_committed")
        self.session.rows("lifecycle_settings", [False])
        self.session.rows("make_incoming")
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        try:
            if self._compressor is not None:
                self._compressor.end(quietly=kind is not None)
        finally:
            self._reading.connection.close()
            self._connection.close()

    def load(self, last: int, progress: OnProgress, total: int | None = None) -> Copied:
        """Bring everything up to this position, which has to be behind the source's frontier."""
        if self.copied.last_global_position >= last:
            return self.copied
        while True:
            try:
                self._load(last, progress, total)
            except Unavailable as error:
                # Times that follow no order may lie in more chunks than the server has locks for.
                if not isinstance(error.__cause__, OutOfMemory) or self._rows <= _FEWEST:
                    raise
                self._rows = max(self._rows // 4, _FEWEST)
            else:
                return self.copied

    def _load(self, last: int, progress: OnProgress, total: int | None) -> None:
        reader = Reader(self._reading, self.copied, last, self._rows)
        try:
            for bound, blocks in reader.steps():
                self._step(bound, blocks, progress, total)
        finally:
            reader.end()

    def _step(
        self, bound: int, blocks: Iterator[bytes], progress: OnProgress, total: int | None
    ) -> None:
        connection, after = self._connection, self.copied.last_global_position
        with mapped(self._schema), connection.transaction():
            with connection.cursor() as cursor:
                fill = query("fill_incoming", self._schema).encode()
                with cursor.copy(fill) as rows:
                    for block in blocks:
                        rows.write(block)
            [(messages, first_time, last_id)] = rows_over(
                connection, self._schema, "copy_incoming", [after, bound]
            )
        self.copied = replace(
            self.copied,
            last_global_position=bound,
            last_id=last_id,
            messages=self.copied.messages + messages,
        )
        progress("copy", self.copied.messages, total)
        if self._compressor is not None:
            self._compressor.compress_before(first_time)


def times_of(session: Session) -> Times:
    return Times(*session.one("times_and_chunks"))


def compress_ended(session: Session, before: datetime | None = None) -> None:
    """Compress the chunks that have ended before this time, or before now."""
    if times_of(session).has_columnstore:
        for (start,) in session.rows("chunks_to_compress", [before or "infinity"]):
            # What somebody reads all the time is left to the store's own job.
            with suppress(LifecycleBusy):
                patiently(session, "compress_range", [start])


class Reader:
    """Reads ahead in a thread of its own, so that the source and the store are both at work."""

    def __init__(self, source: Source, copied: Copied, last: int, rows: int) -> None:
        self._source = source
        self._bounded = source.bounded(copied.clamp)
        self._after = copied.last_global_position
        self._last = last
        self._rows = rows
        self._queue: Queue[int | bytes | BaseException | None] = Queue(_BLOCKS)
        self._is_stopped = threading.Event()
        self._thread = threading.Thread(target=self._read, name="coldstream copy", daemon=True)
        self._thread.start()

    def steps(self) -> Iterator[tuple[int, Iterator[bytes]]]:
        """The position that a step ends at, and its messages in PostgreSQL's binary form."""
        while isinstance(bound := self._next(), int):
            yield bound, self._blocks()

    def end(self) -> None:
        self._is_stopped.set()
        # It may wait for rows that the source has yet to sort.
        while self._thread.is_alive():
            with suppress(Exception):
                self._source.connection.cancel_safe(timeout=_WAIT)
            self._thread.join(_WAIT)

    def _blocks(self) -> Iterator[bytes]:
        while isinstance(block := self._next(), bytes):
            yield block

    def _next(self) -> int | bytes | None:
        while True:
            try:
                item = self._queue.get(timeout=_WAIT)
            except Empty:
                if not self._thread.is_alive() and self._queue.empty():
                    raise Unavailable("The thread that reads the source has ended") from None
                continue
            if isinstance(item, BaseException):
                raise item
            return item

    def _read(self) -> None:
        try:
            while not self._is_stopped.is_set():
                _, bound = self._source.bound(self._after, self._last, self._rows)
                if bound is None:
                    self._put(None)
                    return
                self._put(bound)
                block = Block(self._put)
                self._source.copy(self._after, bound, self._bounded, block.add)
                block.flush()
                self._put(None)
                self._after = bound
        except _Stopped:
            pass
        except BaseException as error:
            with suppress(_Stopped):
                self._put(error)

    def _put(self, item: int | bytes | BaseException | None) -> None:
        while not self._is_stopped.is_set():
            try:
                self._queue.put(item, timeout=_WAIT)
            except Full:
                continue
            return
        raise _Stopped


class _Stopped(Exception):
    """Nobody wants any more of it."""


class Block:
    """Gathers rows, for a step from thread to thread costs more than a row."""

    def __init__(self, put: Callable[[bytes], None]) -> None:
        self._put = put
        self._rows: list[bytes] = []
        self._bytes = 0

    def add(self, row: bytes) -> None:
        self._rows.append(row)
        self._bytes += len(row)
        if self._bytes >= _BLOCK:
            self.flush()

    def flush(self) -> None:
        if self._rows:
            self._put(b"".join(self._rows))
        self._rows, self._bytes = [], 0


class _Compressor:
    """Compresses chunks in a thread of its own, over the lifecycle's session. A chunk is full once
    a whole step has brought nothing of its time. A message of its time that comes later opens it
    again, and it is compressed once more in the end."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._queue: Queue[datetime | None] = Queue()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="coldstream copy", daemon=True)
        self._thread.start()

    def compress_before(self, time: datetime) -> None:
        if self._error is not None:
            raise self._error
        self._queue.put(time)

    def end(self, *, quietly: bool) -> None:
        """Wait until it is done."""
        self._queue.put(None)
        self._thread.join()
        if self._error is not None and not quietly:
            raise self._error

    def _work(self) -> None:
        try:
            while (time := self._newest()) is not None:
                compress_ended(self._session, time)
        except BaseException as error:
            self._error = error

    def _newest(self) -> datetime | None:
        """The last that was asked for: what was asked before is a part of it, or not full."""
        time = self._queue.get()
        while time is not None and not self._queue.empty():
            time = self._queue.get()
        return time
