"""Entities: the state that the messages of a stream add up to.

``projection``, ``entity``, ``snapshots`` and ``cache`` need no connection. ``_async/fetch.py``
reads and writes for them, written by hand; ``_sync`` is generated from it. What it needs of a store
are four methods, so that it stands beside the consumers and knows nothing of them.
"""

from __future__ import annotations

from coldstream.entities.cache import EntityCache
from coldstream.entities.entity import Entity
from coldstream.entities.projection import Projection
from coldstream.entities.snapshots import Snapshots

__all__ = ["Entity", "EntityCache", "Projection", "Snapshots"]
