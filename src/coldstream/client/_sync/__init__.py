# Generated from src/coldstream/client/_async/__init__.py by `python tools/async_to_sync.py`.
# Do not edit: change the source and run the command (or `make generate`) again.

"""The async client, written by hand."""

from coldstream.client._sync.client import Client

__all__ = ["Client"]
