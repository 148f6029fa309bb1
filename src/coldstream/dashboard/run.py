"""The dashboard's server: an open store behind one address, until it is told to stop."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass

from coldstream.errors import InvalidInput, SetupError, Unavailable

try:
    import uvicorn
    from starlette.applications import Starlette
except ModuleNotFoundError as error:
    raise SetupError(
        f"The dashboard needs {error.name}", hint="pip install 'coldstream[dashboard]'"
    ) from error

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Listen:
    """Where it listens, and by which other names browsers may call it (``HOST`` or ``HOST:PORT``):
    behind a proxy, its name.

    Raises:
        InvalidInput: another address than loopback, and no name.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.is_loopback and not self.names:
            raise InvalidInput(
                f"{self.host} is no loopback address, and nobody said how browsers call it",
                hint="Give the name too: --public-name dashboard.example:8080.",
            )

    @property
    def is_loopback(self) -> bool:
        return self.host in _LOOPBACK or self.host.startswith("127.")

    def hosts(self, port: int) -> list[str]:
        """What ``Host`` may be. HTTP leaves its own port out."""
        own = {*_LOOPBACK, self.host} if self.is_loopback else {*_LOOPBACK}
        named = [f"[{each}]" if ":" in each else each for each in own]
        return [*(f"{each}:{port}" for each in named), *(named if port == 80 else ()), *self.names]


def serve(
    listen: Listen, application: Callable[[int], Starlette], ready: Callable[[int], None]
) -> None:
    """Answer until SIGINT or SIGTERM. ``application`` is made, and ``ready`` called, with the port,
    which is another one where 0 was asked for.

    Raises:
        Unavailable: the address is taken.
    """
    try:
        family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
        bound = socket.create_server((listen.host, listen.port), family=family)
    except OSError as error:
        raise Unavailable(
            f"Cannot listen on {listen.host}:{listen.port}: {error.strerror or error}",
            hint="Give another one: --port N.",
        ) from error
    port: int = bound.getsockname()[1]
    config = uvicorn.Config(
        application(port),
        # Its own lines would have every address that is asked for.
        access_log=False,
        log_config=None,
        server_header=False,
        # What a proxy says of the caller anybody can say.
        proxy_headers=False,
        timeout_graceful_shutdown=5,
    )
    ready(port)
    with bound:
        uvicorn.Server(config).run(sockets=[bound])
