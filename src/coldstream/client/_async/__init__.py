"""The async client, written by hand."""

from coldstream.client._async.client import AsyncClient

__all__ = ["AsyncClient"]
