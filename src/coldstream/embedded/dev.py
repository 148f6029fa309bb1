"""``coldstream dev``: the embedded server in the foreground."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from .server import EmbeddedServer


class _Stop(BaseException):
    """SIGTERM, wherever the program is: like ``KeyboardInterrupt``, not an ``Exception``."""


def run_dev(
    data_dir: Path | None,
    port: int,
    *,
    echo: Callable[[str], None],
    prepare: Callable[[str], None] | None = None,
) -> int:
    """Runs the embedded server until SIGINT (Ctrl-C) or SIGTERM; returns 0.

    ``echo`` gets every line meant for the user. ``prepare`` gets the DSN before anybody else.
    Only in the main thread, because of the signals.
    Raises ``EmbeddedError`` when the server cannot be started, or ends by itself.
    """
    previous = signal.signal(signal.SIGTERM, _raise_stop)
    try:
        _serve(data_dir, port, echo, prepare)
    except (KeyboardInterrupt, _Stop):
        echo("stopped")
    finally:
        signal.signal(signal.SIGTERM, previous)
    return 0


def _raise_stop(signum: int, frame: FrameType | None) -> None:
    raise _Stop


def _serve(
    data_dir: Path | None,
    port: int,
    echo: Callable[[str], None],
    prepare: Callable[[str], None] | None,
) -> None:
    with EmbeddedServer(data_dir, port=port, optimize=True, progress=echo) as server:
        if prepare is not None:
            prepare(server.dsn)
        echo(server.dsn)
        echo(
            "For trying and testing, never for production: one connection at a time, "
            + ("data kept in " + str(data_dir) if data_dir else "data gone when it stops")
            + ". Ctrl-C stops it."
        )
        server.wait()
