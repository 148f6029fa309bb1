"""The public stores: the client together with the lifecycle."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from coldstream.client._async import AsyncStore as AsyncClient
from coldstream.client._concurrency import in_thread
from coldstream.client._sync import Store as SyncClient

if TYPE_CHECKING:
    from coldstream.archive.location import ObjectInfo
    from coldstream.consumers import AsyncConsumers, Consumers
    from coldstream.lifecycle import Chunk, Drop, Lifecycle, OlderThan, Policy, Step, Transition
    from coldstream.lifecycle.adopt import Adopted, Forked
    from coldstream.lifecycle.publish import Publication
    from coldstream.lifecycle.rebuild import Rebuilt
    from coldstream.lifecycle.verify import Verification

T = TypeVar("T")


class Store(SyncClient):
    __doc__ = SyncClient.__doc__

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


class AsyncStore(AsyncClient):
    __doc__ = AsyncClient.__doc__

    @cached_property
    def lifecycle(self) -> AsyncLifecycle:
        """Compress, archive, verify, drop, rehydrate; all that is due by a policy."""
        return AsyncLifecycle(self)

    @cached_property
    def consumers(self) -> AsyncConsumers:
        """Where the store's consumers are; reset, pause and delete them."""
        from coldstream.consumers import AsyncConsumers

        return AsyncConsumers(self)


class AsyncLifecycle:
    """:class:`coldstream.lifecycle.Lifecycle`, awaited: the same arguments, results and errors.

    Each call runs in a thread with a connection of its own. Where the server takes one connection
    only, the store gives its own up for that time.
    """

    def __init__(self, store: AsyncStore) -> None:
        self._store = store

    async def get_chunks(self) -> list[Chunk]:
        return await self._call(lambda lifecycle: lifecycle.get_chunks())

    async def compress(self, older_than: OlderThan, **options: Any) -> list[Chunk]:
        return await self._call(lambda lifecycle: lifecycle.compress(older_than, **options))

    async def archive(self, older_than: OlderThan, **options: Any) -> list[Chunk]:
        return await self._call(lambda lifecycle: lifecycle.archive(older_than, **options))

    async def verify(self, **options: Any) -> list[Verification]:
        return await self._call(lambda lifecycle: lifecycle.verify(**options))

    async def rebuild(self, **options: Any) -> list[Rebuilt]:
        return await self._call(lambda lifecycle: lifecycle.rebuild(**options))

    async def get_archive(self) -> str | None:
        return await self._call(lambda lifecycle: lifecycle.get_archive())

    async def adopt(self) -> Adopted:
        return await self._call(lambda lifecycle: lifecycle.adopt())

    async def fork(self) -> Forked:
        return await self._call(lambda lifecycle: lifecycle.fork())

    async def clean(self, *arguments: Any, **options: Any) -> list[ObjectInfo]:
        return await self._call(lambda lifecycle: lifecycle.clean(*arguments, **options))

    async def drop(self, older_than: OlderThan, **options: Any) -> list[Drop]:
        return await self._call(lambda lifecycle: lifecycle.drop(older_than, **options))

    async def rehydrate(self, start: datetime, end: datetime, **options: Any) -> list[Chunk]:
        return await self._call(lambda lifecycle: lifecycle.rehydrate(start, end, **options))

    async def get_policy(self) -> Policy:
        return await self._call(lambda lifecycle: lifecycle.get_policy())

    async def set_policy(self, policy: Policy) -> list[str]:
        return await self._call(lambda lifecycle: lifecycle.set_policy(policy))

    async def get_transitions(self, limit: int = 100) -> list[Transition]:
        return await self._call(lambda lifecycle: lifecycle.get_transitions(limit))

    async def run(self, policy: Policy | None = None, **options: Any) -> list[Step]:
        return await self._call(lambda lifecycle: lifecycle.run(policy, **options))

    async def publish(self, **options: Any) -> Publication:
        return await self._call(lambda lifecycle: lifecycle.publish(**options))

    async def _call(self, call: Callable[[Lifecycle], T]) -> T:
        connections = self._store._connections
        connections.check_open()
        if self._store.max_size == 1:
            # The next call of the store connects again.
            await connections.release()

        def run() -> T:
            with Store(
                self._store.dsn,
                schema=self._store.schema,
                archive=self._store.archive,
                archive_options=self._store.archive_options,
                max_size=1,
            ) as store:
                return call(store.lifecycle)

        return await in_thread(run)
