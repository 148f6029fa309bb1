"""One look for all consumers of a process: what is written to a store wakes those it is for.

Writers do nothing for it. One thread for each store asks the server, over a connection of its own,
to say when a position was drawn; then which messages have become visible, and of which categories.
A wake-up is only a reason to look: what a consumer reads, it reads itself, up to its own frontier.
And it is not all there is: a consumer that is not woken looks by the clock, seldom while it is
watched for and often while it is not.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from threading import Event, Lock, Thread, current_thread
from typing import Any, TypeAlias

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from coldstream._forks import after_fork, leave
from coldstream.client.connect import connect
from coldstream.client.errors import mapped
from coldstream.consumers.missing import LOOK, Missing
from coldstream.errors import ColdstreamError
from coldstream.sql import query

_log = logging.getLogger("coldstream.consumers")

Wake: TypeAlias = Callable[[], None]

# Seconds that the server waits at most before it answers. It holds a snapshot meanwhile, does not
# notice that nobody listens any more, and may note statements that take longer than some time.
_WAIT = 0.2

# Seconds between two looks while one message follows another.
_BUSY = 0.01

# How far back the first look goes: whoever is at work then has drawn a position after it, mostly.
_BACK = 1000

# Seconds until another try, after the connection was lost; and where the server cannot be watched.
_RETRY, _RETRY_LATER = 1.0, 30.0

# Seconds without an answer until consumers are as good as not watched for: one comes after _WAIT,
# and of a network that swallows everything nobody hears.
_SILENCE = 5.0

# Seconds that the end of the last consumer waits for the thread.
_PATIENCE = 5.0

_POOLED = "a pooler is in between, which would give up one of its connections to it"
_STANDBY = "it is a standby, which does not show each position that is drawn"


class Subscription:
    """One consumer's. ``category`` ``None``: woken by whatever is written. ``wake`` is called by
    another thread, also when :attr:`is_watched` changes."""

    def __init__(self, watcher: Watcher, category: str | None, wake: Wake) -> None:
        self._watcher = watcher
        self.category = category
        self.wake = wake

    @property
    def is_watched(self) -> bool:
        """Whether all that becomes visible wakes it, now."""
        return self._watcher.is_sure and self._watcher.is_heard

    def close(self) -> None:
        """Be woken no more. The last one waits for the watcher's end."""
        _watchers.leave(self)

    @property
    def watcher(self) -> Watcher:
        return self._watcher


class Watcher:
    """Watches a store in a thread until it is closed."""

    def __init__(self, dsn: str, schema: str, timeout: float) -> None:
        self.dsn, self.schema, self.timeout = dsn, schema, timeout
        self.subscriptions: frozenset[Subscription] = frozenset()
        self.is_sure = False
        self._connection: Connection[TupleRow] | None = None
        self._heard_at = 0.0
        self._closed = Event()
        self._complained = False
        self._missing = Missing()
        self._last = 0
        self._closed_before: Any = None
        self._thread = Thread(target=self._run, name="coldstream-watch", daemon=True)

    @property
    def is_heard(self) -> bool:
        """Whether the server has answered lately."""
        return time.monotonic() - self._heard_at < _SILENCE

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """End it, within reason."""
        self._closed.set()
        connection = self._connection
        if connection is not None:
            # Or its end would come when the server's wait is over. It may be over by itself.
            with suppress(psycopg.Error, OSError):
                connection.cancel_safe(timeout=_PATIENCE)
        if self._thread is not current_thread():
            self._thread.join(_PATIENCE)

    def abandon(self) -> None:
        """In a child process: the connection is the parent's, and the thread is not there."""
        leave(self._connection)

    def _run(self) -> None:
        while not self._closed.is_set():
            pause = _RETRY
            try:
                pause = self._watch()
            except ColdstreamError as error:
                if not self._closed.is_set():
                    self._complain("%s", error)
            except Exception:
                # Consumers go on by the clock, whatever it was.
                _log.exception("Consumers of %s are not woken: an error of Coldstream", self.schema)
                pause = _RETRY_LATER
            self._disconnect()
            self._set_sure(False)
            self._closed.wait(pause)

    def _watch(self) -> float:
        """Watch until closed. Returns seconds until another try, where it cannot."""
        self._connection = connect(
            self.dsn, self.schema, name="coldstream watch", timeout=self.timeout
        )
        if self._ask("session_is_ours")[0] is not True:
            self._complain("%s", _POOLED)
            return _RETRY_LATER
        last = self._drawn(-1, 0.0)
        if last is None:
            self._complain("%s", _STANDBY)
            return _RETRY_LATER
        self._missing = Missing()
        self._last = last
        self._closed_before = None
        self._look(max(last - _BACK, 0), last)
        self._complained = False
        drawn_at = 0.0
        while not self._closed.is_set():
            self._set_sure(self._missing.is_known)
            last = self._drawn(self._last, self._missing.pause(time.monotonic(), _WAIT))
            if last is None:
                return _RETRY
            if last < self._last:
                # Restored, or reset: nothing that was known holds.
                self._missing, self._last = Missing(), last
                self._wake_all()
            elif last > self._last:
                # What follows at once is looked at together: each look costs the server one.
                before, drawn_at = drawn_at, time.monotonic()
                if drawn_at - before < 2 * _BUSY:
                    self._closed.wait(_BUSY)
                    last = max(last, self._drawn(last, 0.0) or 0)
                    drawn_at = time.monotonic()
                self._look(self._last, last)
            elif self._missing.due(time.monotonic()):
                self._look(last, last)
            self._end_writers()
        return 0.0

    def _look(self, after: int, last: int) -> None:
        """Wake those whose messages have become visible."""
        asked = self._missing.due(time.monotonic())
        is_long = last - after > LOOK
        positions = self._new(last if is_long else after, last, asked)
        self._missing.looked(time.monotonic(), after, last, asked, positions)
        self._last = last
        if is_long:
            self._wake_all()

    def _new(self, after: int, last: int, asked: list[int]) -> list[int]:
        """Wake those of what is visible. Returns its positions."""
        closed_before, positions, categories = self._ask("new_messages", after, last, asked, LOOK)
        if closed_before != self._closed_before:
            self._closed_before = closed_before
            self._wake_all()
        else:
            self._wake(set(categories))
        return list(positions)

    def _end_writers(self) -> None:
        """What was missing when everybody had not ended who has by now is there, or never will."""
        missing = self._missing
        if not missing.wants_writers(time.monotonic()):
            return
        (writers,) = self._ask("writers_at_work", missing.writers)
        if missing.at_work(time.monotonic(), writers):
            rest = missing.rest()
            if rest:
                found = self._new(self._last, self._last, rest)
                missing.looked(time.monotonic(), self._last, self._last, rest, found)
            if missing.ended():
                self._wake_all()

    def _drawn(self, last: int, seconds: float) -> int | None:
        (position,) = self._ask("await_position", last, seconds)
        return None if position is None else int(position)

    def _ask(self, name: str, *arguments: Any) -> TupleRow:
        assert self._connection is not None
        with mapped(self.schema):
            statement = query(name, self.schema).encode()
            row = self._connection.execute(statement, arguments, prepare=True).fetchone()
        assert row is not None
        self._heard_at = time.monotonic()
        return row

    def _wake(self, categories: Iterable[str]) -> None:
        if not categories:
            return
        for each in self.subscriptions:
            if each.category is None or each.category in categories:
                each.wake()

    def _wake_all(self) -> None:
        for each in self.subscriptions:
            each.wake()

    def _set_sure(self, sure: bool) -> None:
        """Everybody looks once more: between a consumer's last look and this, something may have
        come that nobody was woken for."""
        if sure != self.is_sure:
            self.is_sure = sure
            self._wake_all()

    def _complain(self, text: str, *arguments: object) -> None:
        # Once, until it has worked again.
        level = logging.DEBUG if self._complained else logging.WARNING
        self._complained = True
        _log.log(level, "Consumers of %s look by the clock alone: " + text, self.schema, *arguments)

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                connection.close()


class _Watchers:
    """Those of the process: one for each store that a consumer waits for."""

    def __init__(self) -> None:
        self._all: dict[tuple[str, str], Watcher] = {}
        self._lock = Lock()
        after_fork(self)

    def join(
        self, dsn: str, schema: str, timeout: float, category: str | None, wake: Wake
    ) -> Subscription:
        with self._lock:
            watcher = self._all.get((dsn, schema))
            is_new = watcher is None
            if watcher is None:
                watcher = self._all[dsn, schema] = Watcher(dsn, schema, timeout)
            subscription = Subscription(watcher, category, wake)
            watcher.subscriptions |= {subscription}
            if is_new:
                watcher.start()
        return subscription

    def leave(self, subscription: Subscription) -> None:
        watcher = subscription.watcher
        with self._lock:
            watcher.subscriptions -= {subscription}
            is_last = not watcher.subscriptions
            if is_last and self._all.get((watcher.dsn, watcher.schema)) is watcher:
                del self._all[watcher.dsn, watcher.schema]
        if is_last:
            watcher.close()

    def forked(self) -> None:
        for watcher in self._all.values():
            watcher.abandon()
        self._all, self._lock = {}, Lock()


_watchers = _Watchers()


def subscribe(
    dsn: str, schema: str, timeout: float, category: str | None, wake: Wake
) -> Subscription:
    """Have ``wake`` called when messages of a category (``None``: any) become visible, until the
    subscription is closed. Nothing is waited for: the watcher connects by itself."""
    return _watchers.join(dsn, schema, timeout, category, wake)
