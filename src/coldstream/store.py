"""The public stores: the client together with entities, consumers and the lifecycle."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from coldstream.client._async import AsyncClient
from coldstream.client._sync import Client
from coldstream.entities._async.fetch import AsyncFetching
from coldstream.entities._sync.fetch import Fetching

if TYPE_CHECKING:
    from coldstream.consumers import AsyncConsumers, Consumers
    from coldstream.lifecycle import Lifecycle
    from coldstream.lifecycle.awaited import AsyncLifecycle


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
