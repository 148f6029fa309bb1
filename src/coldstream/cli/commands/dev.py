"""A server to try Coldstream with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from coldstream.cli.app import TRY_IT, app


@app.command(group=TRY_IT)
def dev(
    *,
    data_dir: Annotated[
        Path | None,
        Parameter(help="Keep the data in this folder (default: it goes when the server stops)."),
    ] = None,
    port: Annotated[
        int,
        Parameter(
            validator=Number(gte=0, lte=65535),
            show_default=False,
            help="Listen on this port of 127.0.0.1 (default: a free one).",
        ),
    ] = 0,
) -> int:
    """Run TimescaleDB for a while, to try things on. For development only.

    It prints a DSN, takes one connection at a time, and stops on Ctrl-C.
    """
    from coldstream.embedded.dev import run_dev

    return run_dev(data_dir, port, echo=lambda line: print(line, flush=True))
