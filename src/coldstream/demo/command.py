"""The whole idea, on real events."""

from __future__ import annotations

import signal
from pathlib import Path
from types import FrameType
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from coldstream.cli.app import TRY_IT, app
from coldstream.cli.options import Json, Yes


# Without the environment: COLDSTREAM_DSN names a store that somebody uses.
@app.command(group=TRY_IT, config=())
def demo(
    *,
    messages: Annotated[
        int,
        Parameter(
            metavar="N",
            validator=Number(gte=1000, lte=1_000_000),
            help="How many messages to write (1,000 at least).",
        ),
    ] = 5000,
    dsn: Annotated[
        str | None,
        Parameter(
            metavar="DSN",
            help="Run on this server (default: an embedded one), in a schema of its own that goes "
            "at the end.",
        ),
    ] = None,
    schema: Annotated[
        str | None,
        Parameter(
            metavar="SCHEMA",
            help="The schema to make (default: coldstream_demo; message_store on an embedded "
            "server).",
        ),
    ] = None,
    keep: Annotated[
        Path | None,
        Parameter(
            metavar="FOLDER",
            help="Keep the data and the archive in this folder, which must be empty, and say how "
            "to look at them.",
        ),
    ] = None,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """See it work: real events from write to archive and back.

    It downloads some hundred GitHub webhook deliveries, writes ten weeks of them, compresses,
    archives, verifies and drops what is old, reads across all of it, and proves by digest that
    nothing is lost. It takes about a minute, leaves nothing behind, and reads no COLDSTREAM_
    variable.
    """
    from coldstream.demo.run import run_demo

    previous = signal.signal(signal.SIGTERM, _terminated)
    try:
        run_demo(messages=messages, dsn=dsn, schema=schema, keep=keep, replace=yes, json=json)
    finally:
        signal.signal(signal.SIGTERM, previous)


def _terminated(signum: int, frame: FrameType | None) -> None:
    # Passes through every context manager, as Ctrl-C does.
    raise SystemExit(128 + signum)
