"""A consumer: handlers, and the loop that gives them every message once and in order."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Literal, TypeAlias, Unpack, overload

from coldstream.client._async.client import AsyncClient, Tiers
from coldstream.client._async.statements import connections_of
from coldstream.client.concurrency import called_on_signals
from coldstream.client.whose import cancelled_when
from coldstream.consumers._async.failures import AsyncFailures
from coldstream.consumers._async.leases import AsyncLeases
from coldstream.consumers._async.positions import (
    AsyncNoPositions,
    AsyncPositions,
    AsyncSolo,
    AsyncStreamPositions,
)
from coldstream.consumers._async.wakeups import AsyncWakeups
from coldstream.consumers._async.work import AsyncMembers, AsyncWork
from coldstream.consumers.decorators import ForModel
from coldstream.consumers.handlers import F, Handlers, M
from coldstream.consumers.lease import Lease, LeaseLost
from coldstream.consumers.options import ConsumerOptions, Options, Source
from coldstream.errors import ConsumerError, InvalidInput, Unavailable

_log = logging.getLogger("coldstream.consumers")

PositionsArgument: TypeAlias = Literal["database", "stream"] | AsyncPositions | None


class AsyncConsumer:
    """Handles the messages of a category, a stream or everything (``source`` ``None``): each one,
    in order, once those before it are handled, whatever tier they are in; then waits for more.

    ``name``: what its position is kept under. Every process that is started with the same name
    works for the same consumer. Without one no position is kept, and each run begins at ``start``.

    ``positions``: ``"database"``: a handler that uses ``context.connection()`` has its position
    recorded in the same transaction, so what it does there is done exactly once. One process works,
    others wait and take over within ``lease`` seconds and a third; it renews its lease in the
    background. ``"stream"``: in a position stream, as Eventide keeps it. Or an object with ``load``
    and ``save`` (see :class:`AsyncPositions`). With these two, only one process may run.

    ``start``: where a consumer begins that has no position yet: ``"start"``, ``"end"`` (messages
    that are written from now on) or a position. ``group_size``: the streams of a category are
    divided into that many members, by their cardinal id as Message DB does; the processes that run
    share the members among themselves, and those of one that dies go to the others.
    ``group_member``: this process handles that member and no other. ``correlation``: as of
    :meth:`AsyncStore.get_category_messages`.

    ``batch_size``: messages read at a time at least, and handed to a batch handler at most.
    ``transaction_size``: messages a transaction at most, of handlers that use the connection; a
    failure rolls back all of it, and the messages are then handled one by one.
    ``position_update_interval``: how many messages may be handled, by handlers that do not, before
    the position is recorded; a crash repeats at most that many, and a batch. Left out, 1; with
    ``"stream"``, 100.

    ``watch``: whether to be woken when something was written, by one watcher that all consumers of
    the process share, over a connection of its own; left out, where the server takes several
    connections and no pooler is in between. ``min_interval``, ``max_interval``: without a watcher,
    seconds between looks for new messages; the first is after a message, and each look that finds
    none doubles it. ``notify``: whether to be woken by NOTIFY instead; left out, where the store
    has it switched on (``coldstream consumers notify on``).

    ``attempts``: how often a message is tried before ``on_failure``: ``"stop"`` raises
    HandlerFailed; ``"skip"`` records it (``coldstream consumers failures``) and goes on;
    ``"dead_letter"`` writes it to ``<category>:deadLetter-<name>`` too, in the same transaction.
    Between attempts are ``first_pause`` seconds, twice as many each time, ``longest_pause`` at
    most. What is not the message's fault (the server is away, a deadlock) is tried for ever.

    ``tiers``: as of :meth:`AsyncStore.get_category_messages`.

    Raises:
        InvalidInput: arguments that cannot be meant.
    """

    def __init__(
        self,
        store: AsyncClient,
        source: str | None,
        name: str | None = None,
        *,
        handlers: Handlers | None = None,
        positions: PositionsArgument = "database",
        tiers: Tiers = "all",
        **options: Unpack[ConsumerOptions],
    ) -> None:
        given: dict[str, Any] = {**options}
        if given.get("position_update_interval") is None:
            given["position_update_interval"] = 100 if positions == "stream" else 1
        self._options = Options(Source(source), name, **given)
        self.handlers = Handlers() if handlers is None else handlers
        self._store = store
        self._tiers = tiers
        self._members = self._choose_members(positions)
        self._failures = AsyncFailures(store, self._options, self._is_stopped)
        self._works: dict[int, AsyncWork] = {}
        self._running = self._stop = False
        self._wakeups: AsyncWakeups | None = None

    @property
    def name(self) -> str | None:
        return self._options.name

    @overload
    def handler(self, model: type[M], /) -> ForModel[M]: ...
    @overload
    def handler(self, name: str, /, *types: str | type[Any]) -> Callable[[F], F]: ...
    @overload
    def handler(
        self, model: type[Any], other: str | type[Any], /, *types: str | type[Any]
    ) -> Callable[[F], F]: ...
    @overload
    def handler(self, function: F, /) -> F: ...
    def handler(self, *types: Any) -> Any:
        """See :meth:`Handlers.handler`."""
        return self.handlers.handler(*types)

    def default_handler(self, function: F) -> F:
        """See :meth:`Handlers.default_handler`."""
        return self.handlers.default_handler(function)

    def batch_handler(self, function: F) -> F:
        """See :meth:`Handlers.batch_handler`."""
        return self.handlers.batch_handler(function)

    def stop(self) -> None:
        """Finish the message in hand, call off what is being read, record the position, and have
        ``run`` return; also one that is called later. From any thread, and from a signal
        handler."""
        self._stop = True
        self._wake()

    async def run(self, *, live: bool = True, handle_signals: bool = True) -> int:
        """Handle messages until :meth:`stop` is called, or SIGTERM or SIGINT come. Returns how many
        it went past.

        ``live`` false: until nothing is left to handle. ``handle_signals`` false: leave signals to
        the program; otherwise they call :meth:`stop` where that can be had (the main thread).

        Raises:
            HandlerFailed: a handler failed for good; the position is before its message.
            ConsumerError: the consumer is known as something else, was deleted, or is at a position
                that there cannot be.
            Archived, ArchiveUnavailable, ArchiveCorrupt: history that it needs cannot be read.
            NotInstalled, SetupError: the store is not there, or is of another release.
            Unavailable: the server cannot be reached at the start; later it is waited for, where
                ``live`` is false for as many tries as a message has.
        """
        self.handlers.check()
        if self._running:
            raise ConsumerError(
                f"{self._options.name or 'The consumer'} is running already",
                hint="Make another Consumer of the same name: they share the work.",
            )
        self._running = True
        self._failures.patient = live
        try:
            if not handle_signals:
                return await self._run(live=live)
            with called_on_signals(self.stop):
                return await self._run(live=live)
        finally:
            # Not at the beginning: who called stop() before then wants it not to begin.
            self._running = self._stop = False

    async def _run(self, *, live: bool) -> int:
        await self._store.open()
        wakeups = self._wakeups = AsyncWakeups(self._store, self._options, self._is_stopped)
        try:
            try:
                with cancelled_when(self._is_left):
                    await self._members.join()
            except Unavailable:
                if not self._stop:
                    raise
                return 0
            await self._look_for_nobodys()
            if live:
                await wakeups.begin()
            return await self._loop(wakeups, live=live)
        finally:
            self._wakeups = None
            await wakeups.close()
            await self._end()

    async def _loop(self, wakeups: AsyncWakeups, *, live: bool) -> int:
        handled = 0
        while not self._stop:
            wakeups.look()
            try:
                found = await self._turn()
            except LeaseLost:
                # Its work was dropped; another's turn comes at once.
                continue
            except Unavailable as error:
                if not self._failures.patient or not self._failures.is_passing(error):
                    raise
                await self._failures.wait(error)
                continue
            handled += found
            self._failures.over()
            if found:
                wakeups.found()
            elif not live and self._works:
                break
            elif not self._stop:
                await wakeups.wait(has_work=bool(self._works))
        return handled

    async def _turn(self) -> int:
        """Give each member that is this process's a turn. Returns how many messages there were."""
        leases = {lease.member: lease for lease in await self._members.leases()}
        for member, work in list(self._works.items()):
            if leases.get(member) is not work.lease:
                del self._works[member]
                await work.close()
        handled = 0
        for member, lease in leases.items():
            # Also one that was granted and is to be given up before it had a turn.
            if not lease.keep:
                await self._give_up(lease)
                continue
            work = self._works.get(member) or self._begin(lease)
            try:
                found = await work.turn()
                if not found:
                    await work.record()
                handled += found
            except LeaseLost:
                await self._drop(work)
                raise
            if self._stop:
                break
        return handled

    def _begin(self, lease: Lease) -> AsyncWork:
        work = AsyncWork(
            self._store,
            self._options,
            self.handlers,
            self._members,
            lease,
            self._tiers,
            lambda: self._stop or not lease.keep,
            self._is_left,
            patient=self._failures.patient,
        )
        self._works[lease.member] = work
        _log.info(
            "Consumer %s reads %s, member %d of %d, from %d",
            *(self._options.name, self._options.source, lease.member, lease.size, lease.position),
        )
        return work

    async def _drop(self, work: AsyncWork) -> None:
        self._works.pop(work.lease.member, None)
        await self._members.reload(work.lease)

    async def _give_up(self, lease: Lease) -> None:
        """Hand a member over to a process that has fewer."""
        work = self._works.pop(lease.member, None)
        if work is not None:
            await work.close()
            try:
                await work.record()
            except LeaseLost:
                return
        await self._members.release(lease)

    async def _end(self) -> None:
        """Record what was handled, and give every member up. Where the database is away, what was
        not recorded is handled again, and leases end by themselves."""
        for work in self._works.values():
            await work.close()
            try:
                await work.record()
            except LeaseLost:
                pass
            except Unavailable as error:
                _log.warning(
                    "Consumer of %s could not record its position: %s", self._options.source, error
                )
        self._works = {}
        await self._members.leave()

    async def _look_for_nobodys(self) -> None:
        """Say so where there are messages that fall to no member of a group: those of a stream
        without an id."""
        category = self._options.source.name
        if self._options.group_size == 1 or category is None:
            return
        version = await self._store.stream_version(category)
        if version is not None:
            _log.warning(
                "Consumer %s: the %d messages of the stream %s, which has no id, fall to no member "
                "of the group and are not handled. Write them to a stream with an id, or read the "
                "category without a group.",
                *(self._options.name, version + 1, category),
            )

    def _wake(self) -> None:
        """Have the loop go on that waits: there is something to do, or it is to end."""
        wakeups = self._wakeups
        if wakeups is not None:
            wakeups.wake()

    def _is_stopped(self) -> bool:
        return self._stop

    def _is_left(self) -> bool:
        """Whether nobody waits any more for what is read. A server of one connection cannot be told
        so."""
        return self._stop and not connections_of(self._store).takes_one

    def _choose_members(self, positions: PositionsArgument) -> AsyncMembers:
        store, options = self._store, self._options
        name = options.name
        if positions == "database" and name is not None:
            return AsyncLeases(store, options, self._wake)
        if options.group_size > 1 and options.group_member is None:
            raise InvalidInput(
                "The members of a group are shared among processes by the database",
                hint="Name the consumer, or say which member this process is.",
            )
        if positions is None or positions == "database":
            return AsyncSolo(store, options, AsyncNoPositions())
        if positions != "stream":
            if not hasattr(positions, "load") or not hasattr(positions, "save"):
                raise InvalidInput(
                    f"positions must be 'database', 'stream' or have load and save: {positions!r}"
                )
            return AsyncSolo(store, options, positions)
        source = options.source
        if source.name is None or source.is_stream:
            raise InvalidInput("A position stream belongs to a category")
        if options.group_size > 1 and name is None:
            raise InvalidInput("A member of a group needs a name for its position stream")
        return AsyncSolo(store, options, AsyncStreamPositions(store, source.name, name))
