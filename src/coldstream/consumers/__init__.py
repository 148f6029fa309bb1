"""Consumers: subscriptions that miss nothing, across every tier.

``_async`` is written by hand, ``_sync`` is generated from it; what needs no connection is beside
them. A consumer reads with the client and keeps its positions by functions of the store
(``join_consumer`` and those it names).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coldstream.consumers._async.consumer import AsyncConsumer
    from coldstream.consumers._async.positions import AsyncPositions
    from coldstream.consumers._async.registry import AsyncConsumers
    from coldstream.consumers._async.unit import AsyncContext
    from coldstream.consumers._sync.consumer import Consumer
    from coldstream.consumers._sync.positions import Positions
    from coldstream.consumers._sync.registry import Consumers
    from coldstream.consumers._sync.unit import Context
    from coldstream.consumers.handlers import Handlers
    from coldstream.consumers.options import ConsumerOptions
    from coldstream.consumers.registered import ConsumerFailure, ConsumerMember

# Loaded when asked for: whoever only decodes a payload needs no connection, and no psycopg.
_MODULES = {
    "AsyncConsumer": "_async.consumer",
    "AsyncConsumers": "_async.registry",
    "AsyncContext": "_async.unit",
    "AsyncPositions": "_async.positions",
    "Consumer": "_sync.consumer",
    "ConsumerFailure": "registered",
    "ConsumerMember": "registered",
    "ConsumerOptions": "options",
    "Consumers": "_sync.registry",
    "Context": "_sync.unit",
    "Handlers": "handlers",
    "Positions": "_sync.positions",
}


# Not for type checkers: to them every name would be there, a mistyped one too.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *_MODULES})


__all__ = [
    "AsyncConsumer",
    "AsyncConsumers",
    "AsyncContext",
    "AsyncPositions",
    "Consumer",
    "ConsumerFailure",
    "ConsumerMember",
    "ConsumerOptions",
    "Consumers",
    "Context",
    "Handlers",
    "Positions",
]
