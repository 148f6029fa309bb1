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
        Parameter(
            metavar="FOLDER",
            help="Keep the data in this folder (default: it goes when the server stops).",
        ),
    ] = None,
    port: Annotated[
        int,
        Parameter(
            metavar="PORT",
            validator=Number(gte=0, lte=65535),
            show_default=False,
            help="Listen on this port of 127.0.0.1 (default: a free one).",
        ),
    ] = 0,
    with_history: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="With a store in schema message_store that holds ten weeks of messages, from 2 "
            "January 2025 on: those that the pages of the documentation begin with.",
        ),
    ] = False,
    load: Annotated[
        str | None,
        Parameter(
            metavar="FILE",
            help="With a store in schema message_store that holds the messages of this file, which "
            "coldstream export wrote, at their global positions.",
        ),
    ] = None,
) -> int:
    """Run TimescaleDB for a while, to try things on. For development only.

    It prints a DSN, takes one connection at a time, and stops on Ctrl-C.
    """
    from coldstream.embedded.dev import run_dev
    from coldstream.embedded.weeks import MESSAGES, write_weeks
    from coldstream.errors import InvalidInput

    def echo(line: str) -> None:
        print(line, flush=True)

    def loaded(dsn: str) -> None:
        import coldstream

        coldstream.install(dsn)
        with coldstream.connect(dsn, max_size=1) as store:
            found = store.import_file(str(load), global_positions="keep")
        echo(f"the store in schema message_store has {found.messages} messages of {load}")

    def prepare(dsn: str) -> None:
        write_weeks(dsn)
        echo(f"the store in schema message_store has ten weeks of history, {MESSAGES} messages")

    if load is not None:
        if with_history:
            raise InvalidInput("Give --with-history or --load, not both")
        return run_dev(data_dir, port, echo=echo, prepare=loaded)
    return run_dev(data_dir, port, echo=echo, prepare=prepare if with_history else None)
