"""The public stores: the client together with entities, consumers and the lifecycle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from coldstream.client._async import AsyncClient
from coldstream.client._async.statements import connections_of
from coldstream.client._sync import Client
from coldstream.client._sync.statements import connections_of as connections_of_sync
from coldstream.client.concurrency import in_thread
from coldstream.entities._async.fetch import AsyncFetching
from coldstream.entities._sync.fetch import Fetching

if TYPE_CHECKING:
    from coldstream.consumers import AsyncConsumers, Consumers
    from coldstream.doctor import Examination
    from coldstream.files.export import Exported, FileFormat, OnMessages
    from coldstream.files.load import GlobalPositions, Imported
    from coldstream.insights import Measured, Status
    from coldstream.lifecycle import Lifecycle
    from coldstream.lifecycle.awaited import AsyncLifecycle

T = TypeVar("T")


def _nothing(done: int, /) -> None:
    """Say nothing."""


class Store(Fetching, Client):
    __doc__ = Client.__doc__

    @cached_property
    def lifecycle(self) -> Lifecycle:
        """Compress, archive, verify, drop, rehydrate; all that is due by a policy."""
        from coldstream.lifecycle import Lifecycle

        return Lifecycle(self)

    @cached_property
    def consumers(self) -> Consumers:
        """Where the store's consumers are; reset, pause and delete them."""
        from coldstream.consumers import Consumers

        return Consumers(self)

    def status(self) -> Status:
        """The store at a glance: tiers, what is due, consumers, and what is wrong, worst first.
        From the ledger, heads and statistics; no message is read.

        Raises:
            Unavailable: no connection.
        """
        from coldstream.insights import read_status

        connections = connections_of_sync(self)
        return read_status(connections.rows, self.schema)

    def measured(self) -> Measured:
        """How much is written, and how small it gets, by the newest chunks whose time is over.
        From the ledger; no message is read.

        Raises:
            Unavailable: no connection.
        """
        from coldstream.insights import read_measured

        return read_measured(connections_of_sync(self).rows)

    def doctor(self, *, deep: bool = False) -> Examination:
        """Look for what is wrong with the store, its server and its archive: findings, worst first,
        each with why it matters and the command that mends it; and what could not be looked at.
        Nothing is changed. ``deep``: heads are compared with messages, all of which are read.

        Raises:
            Unavailable: no connection.
        """
        from coldstream.doctor import examine

        with connections_of_sync(self).connection() as connection:
            return examine(
                connection,
                self.schema,
                deep=deep,
                archive=self.archive,
                archive_options=self.archive_options,
            )

    def export(
        self,
        target: str | Path,
        *,
        categories: Sequence[str] = (),
        streams: Sequence[str] = (),
        position: int | None = None,
        last_position: int | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        format: FileFormat | None = None,
        scrub: str | Path | None = None,
        overwrite: bool = False,
        dry_run: bool = False,
        progress: OnMessages = _nothing,
    ) -> Exported:
        """Write messages of every tier to a file, in the order of global positions (of one stream,
        in its own), a page in memory.

        ``target``: a path, the URL of an object, or ``-`` for the standard output. ``format``:
        ``ndjson``, ``eventodb`` or ``parquet``; left out, the name says it. ``.gz`` and ``.zst``
        are compressed. ``categories`` and ``streams``: those; none is everything. ``position`` and
        ``last_position``: of one stream its positions, else global ones. ``start`` and ``end``:
        times, the end not included. ``scrub``: a file of rules that make fields hashes or
        constants. ``progress`` is called with how many messages are done. ``dry_run`` reads, and
        writes nothing.

        Raises:
            InvalidInput: no such category, format, folder or rule; or the file exists.
            Archived, ArchiveUnavailable, ArchiveCorrupt: a part of it cannot be read, or the target
                cannot be written; then there is no file.
        """
        from coldstream.files.export import export, scrub_of
        from coldstream.files.selection import Selection

        return export(
            self,
            str(target),
            Selection(tuple(categories), tuple(streams), position, last_position, start, end),
            format=format,
            scrub=scrub_of(scrub),
            overwrite=overwrite,
            dry_run=dry_run,
            progress=progress,
        )

    def import_file(
        self,
        source: str | Path,
        *,
        global_positions: GlobalPositions = "new",
        batch_size: int = 50_000,
        dry_run: bool = False,
        checking: OnMessages = _nothing,
        progress: OnMessages = _nothing,
    ) -> Imported:
        """Bring the messages of a file along, which :meth:`export` or EventoDB wrote, with the ids,
        positions and times that they have. For the store's owner.

        ``source``: a path, the URL of an object, or ``-`` for the standard input. The whole file is
        read and checked first (``checking`` is called meanwhile): it must be whole, in the order of
        global positions, and have no id and no position twice; or nothing is written. Then a
        transaction has ``batch_size`` messages (``progress`` is called after each). A call that
        was killed is made again: a message that is there with its position and its id is left as
        it is. ``global_positions``: as of :meth:`import_messages`. ``dry_run`` checks the file.

        Raises:
            InvalidInput: the file is wrong, and the line; nothing was written.
            ColdstreamError: as of :meth:`import_messages`, with the line: what was committed before
                stays, and the call can be made again.
        """
        from coldstream.files.load import import_file

        return import_file(
            self,
            str(source),
            global_positions=global_positions,
            batch_size=batch_size,
            dry_run=dry_run,
            checking=checking,
            progress=progress,
        )


class AsyncStore(AsyncFetching, AsyncClient):
    __doc__ = AsyncClient.__doc__

    @cached_property
    def lifecycle(self) -> AsyncLifecycle:
        """Compress, archive, verify, drop, rehydrate; all that is due by a policy."""
        from coldstream.lifecycle.awaited import AsyncLifecycle

        return AsyncLifecycle(self)

    @cached_property
    def consumers(self) -> AsyncConsumers:
        """Where the store's consumers are; reset, pause and delete them."""
        from coldstream.consumers import AsyncConsumers

        return AsyncConsumers(self)

    async def status(self) -> Status:
        """:meth:`Store.status`, awaited."""
        return await self._call(lambda store: store.status())

    async def measured(self) -> Measured:
        """:meth:`Store.measured`, awaited."""
        return await self._call(lambda store: store.measured())

    async def doctor(self, *, deep: bool = False) -> Examination:
        """:meth:`Store.doctor`, awaited."""
        return await self._call(lambda store: store.doctor(deep=deep))

    async def export(
        self,
        target: str | Path,
        *,
        categories: Sequence[str] = (),
        streams: Sequence[str] = (),
        position: int | None = None,
        last_position: int | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        format: FileFormat | None = None,
        scrub: str | Path | None = None,
        overwrite: bool = False,
        dry_run: bool = False,
        progress: OnMessages = _nothing,
    ) -> Exported:
        """:meth:`Store.export`, awaited: it runs in a thread with a connection of its own, and
        calls ``progress`` there."""
        return await self._call(
            lambda store: store.export(
                target,
                categories=categories,
                streams=streams,
                position=position,
                last_position=last_position,
                start=start,
                end=end,
                format=format,
                scrub=scrub,
                overwrite=overwrite,
                dry_run=dry_run,
                progress=progress,
            )
        )

    async def import_file(
        self,
        source: str | Path,
        *,
        global_positions: GlobalPositions = "new",
        batch_size: int = 50_000,
        dry_run: bool = False,
        checking: OnMessages = _nothing,
        progress: OnMessages = _nothing,
    ) -> Imported:
        """:meth:`Store.import_file`, awaited: it runs in a thread with a connection of its own, and
        calls ``checking`` and ``progress`` there."""
        return await self._call(
            lambda store: store.import_file(
                source,
                global_positions=global_positions,
                batch_size=batch_size,
                dry_run=dry_run,
                checking=checking,
                progress=progress,
            )
        )

    async def _call(self, call: Callable[[Store], T]) -> T:
        connections = connections_of(self)
        connections.check_open()
        if self.max_size == 1:
            # The next call of the store connects again.
            await connections.release()

        def run() -> T:
            with Store(**self._options, max_size=1) as store:
                return call(store)

        return await in_thread(run)
