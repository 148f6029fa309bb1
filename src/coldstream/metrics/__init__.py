"""Figures of a store and of appenders, for Prometheus (extra ``metrics``)."""

from coldstream.metrics.collectors import AppenderCollector, StoreCollector
from coldstream.metrics.series import SERIES, Series

__all__ = ["SERIES", "AppenderCollector", "Series", "StoreCollector"]
