"""The figures of a store as Prometheus reads them, for a server of ours."""

from __future__ import annotations

from collections.abc import Callable

from coldstream.metrics.collectors import StoreCollector, Watched


def text_of(store: Watched) -> Callable[[], bytes] | None:
    """What gives ``/metrics`` of a store; ``None`` where prometheus_client is not installed."""
    try:
        from prometheus_client import CollectorRegistry, generate_latest
    except ModuleNotFoundError:
        return None
    registry = CollectorRegistry()
    registry.register(StoreCollector(store))
    return lambda: generate_latest(registry)
