"""Collectors for a registry of prometheus_client, of the caller's own process."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from coldstream.errors import ColdstreamError, InvalidInput
from coldstream.metrics.families import Samples, families, samples_of
from coldstream.metrics.series import APPENDER, STORE

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

    from coldstream.insights import Status


class Watched(Protocol):
    """A store, or what asks one."""

    @property
    def schema(self) -> str: ...

    def status(self) -> Status: ...


class _Appender(Protocol):
    batches: int
    messages: int

    @property
    def pending(self) -> int: ...


class StoreCollector:
    """The figures of ``store.status()``: ``REGISTRY.register(StoreCollector(store))``.

    The store is asked when somebody scrapes, and at most once in ``seconds``; a write or a read
    does nothing for it. A store that does not answer has ``coldstream_up 0`` and no other figure.
    """

    def __init__(self, store: Watched, *, seconds: float = 10.0) -> None:
        self._store = store
        self._seconds = seconds
        self._lock = Lock()
        self._until = 0.0
        self._samples: Samples = {}

    def describe(self) -> Iterable[Metric]:
        """What it gives, without a question to the store."""
        return families(STORE, self._store.schema, {})

    def collect(self) -> Iterator[Metric]:
        # Several scrapers at once, and one answer: the others wait for it.
        with self._lock:
            if time.monotonic() >= self._until:
                self._samples = self._asked()
                self._until = time.monotonic() + self._seconds
            samples = self._samples
        return families(STORE, self._store.schema, samples)

    def _asked(self) -> Samples:
        try:
            return samples_of(self._store.status())
        except ColdstreamError:
            return {"coldstream_up": [((), 0.0)]}


class AppenderCollector:
    """What waits in appenders, and what they wrote; each by the name it is added with."""

    def __init__(self, schema: str, **appenders: _Appender) -> None:
        if not appenders:
            raise InvalidInput("No appender", hint="AppenderCollector(schema, orders=appender)")
        self._schema = schema
        self._appenders = appenders

    def describe(self) -> Iterable[Metric]:
        return families(APPENDER, self._schema, {})

    def collect(self) -> Iterator[Metric]:
        each = self._appenders.items()
        samples: Samples = {
            "coldstream_appender_pending_messages": [((name,), one.pending) for name, one in each],
            "coldstream_appender_messages_total": [((name,), one.messages) for name, one in each],
            "coldstream_appender_transactions_total": [
                ((name,), one.batches) for name, one in each
            ],
        }
        return families(APPENDER, self._schema, samples)
