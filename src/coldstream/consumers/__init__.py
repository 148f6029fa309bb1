"""Consumers: subscriptions that miss nothing, across every tier.

``_async`` is written by hand, ``_sync`` is generated from it; what needs no connection is beside
them. A consumer reads with the client and keeps its positions by functions of the store
(``join_consumer`` and those it names).
"""

from __future__ import annotations

from coldstream.consumers._async.consumer import AsyncConsumer
from coldstream.consumers._async.positions import AsyncPositions
from coldstream.consumers._async.registry import AsyncConsumers
from coldstream.consumers._async.unit import AsyncContext
from coldstream.consumers._sync.consumer import Consumer
from coldstream.consumers._sync.positions import Positions
from coldstream.consumers._sync.registry import Consumers
from coldstream.consumers._sync.unit import Context
from coldstream.consumers.handlers import Handlers
from coldstream.consumers.registered import ConsumerFailure, ConsumerMember

__all__ = [
    "AsyncConsumer",
    "AsyncConsumers",
    "AsyncContext",
    "AsyncPositions",
    "Consumer",
    "ConsumerFailure",
    "ConsumerMember",
    "Consumers",
    "Context",
    "Handlers",
    "Positions",
]
