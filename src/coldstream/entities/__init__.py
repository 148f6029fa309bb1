"""Entities: the state that the messages of a stream add up to. No I/O.

The client reads and writes for them (``client/_async/entities.py``). A room of its own, because it
stands below the client, and consumers stand above it.
"""

from __future__ import annotations

from coldstream.entities.cache import EntityCache
from coldstream.entities.entity import Entity
from coldstream.entities.projection import Projection
from coldstream.entities.snapshots import Snapshots

__all__ = ["Entity", "EntityCache", "Projection", "Snapshots"]
