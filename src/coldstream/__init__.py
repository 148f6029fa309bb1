"""Coldstream: Message DB on TimescaleDB, with history that gets cheaper as it ages."""

from coldstream._version import __version__

__all__ = ["__version__"]
