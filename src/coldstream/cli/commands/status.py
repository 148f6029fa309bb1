"""A store at a glance."""

from __future__ import annotations

import time
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from coldstream.cli.app import STORE, app
from coldstream.cli.options import Database, Json, opened


@app.command(group=STORE)
def status(
    *,
    database: Database,
    watch: Annotated[
        float | None,
        Parameter(
            metavar="SECONDS",
            validator=Number(gte=0.1),
            help="Show it again after this long, until Ctrl-C.",
        ),
    ] = None,
    json: Json = False,
) -> int:
    """Show the store at a glance: what is in which tier, what is due, who is behind, what is wrong.

    Exit status 1 where something is wrong that somebody should be woken for. No message is read.
    """
    from coldstream.cli.views.render import console
    from coldstream.cli.views.status import show_status

    with opened(database) as store:
        while True:
            found = store.status()
            if watch is not None and not json:
                console().clear()
            show_status(found, json=json)
            if watch is None:
                return 0 if found.is_healthy else 1
            time.sleep(watch)
