"""The async client, written by hand."""

from coldstream.client._async.store import AsyncStore

__all__ = ["AsyncStore"]
