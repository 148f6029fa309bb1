"""Messages as they come, to a terminal or a pipe."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from coldstream.cli.app import STORE, app
from coldstream.cli.options import (
    AllCategories,
    Correlation,
    Json,
    Limit,
    Member,
    Size,
    Tiers,
    opened,
    positional,
)


@app.command(group=STORE)
def consume(
    name: Annotated[
        str | None,
        positional("A category (account) or a stream (account-123).", name="CATEGORY-OR-STREAM"),
    ] = None,
    /,
    *,
    database: Tiers,
    all: AllCategories = False,
    start: Annotated[
        str | None,
        Parameter(
            name="--from",
            metavar="POSITION|TIME",
            help="Where to begin: start (the default), end, a global position (of a stream: its "
            "own), a time (2026-01-31T10:00Z) or an age (2h).",
        ),
    ] = None,
    follow: Annotated[
        bool,
        Parameter(
            name=("--follow", "-f"),
            negative="",
            show_default=False,
            help="At the end, go on with what is written, until Ctrl-C.",
        ),
    ] = False,
    live: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Only what is written from now on: --from end --follow.",
        ),
    ] = False,
    type: Annotated[
        list[str] | None,
        Parameter(
            metavar="TYPE",
            negative="",
            help="Only messages of this type. May be given more than once.",
        ),
    ] = None,
    limit: Limit = None,
    correlation: Correlation = None,
    member: Member = None,
    size: Size = None,
    json: Json = False,
) -> None:
    """Print the messages of a category, a stream, or everything, as they come: from a position on,
    from every tier, each one and in order.

    With --json, one object a line, its data and metadata as they are stored; each line is flushed.
    Where the store has NOTIFY switched on (coldstream consumers notify), a new message is printed
    at once; otherwise within half a second. SIGTERM ends it with exit status 0.

    It keeps no position, for what has been printed has not been handled: the other end of a pipe
    may fail. The last line that was handled has the global position; --from goes on with the next
    one.
    """
    from coldstream.cli.positions import parse_place, position_of
    from coldstream.cli.views.consumed import Printer
    from coldstream.cli.views.consumed import consume as consume_with
    from coldstream.cli.views.messages import human_lines, json_lines
    from coldstream.consumers import Consumer
    from coldstream.errors import InvalidInput
    from coldstream.messages.names import is_category

    if (name is None) == (not all):
        raise InvalidInput("Give a category or a stream, or --all for every category")
    if name == "":
        raise InvalidInput("The name of the category or stream is empty")
    if live and start is not None:
        raise InvalidInput("--live begins at the end: leave --from out, or give --follow instead")
    filtered = not (correlation is None and member is None and size is None)
    if filtered and (name is None or not is_category(name)):
        raise InvalidInput("--correlation, --member and --size are for a category")
    if (member is None) != (size is None):
        raise InvalidInput("--member and --size go together")
    if correlation is not None and not is_category(correlation):
        raise InvalidInput(f"Correlation must be a category: {correlation}")
    place = parse_place("end" if live else start or "start")
    # One to read with, one to read ahead with; a third, outside the pool, listens.
    with opened(database, max_size=2) as store:
        consumer = Consumer(
            store,
            name,
            start=position_of(store.consumers, name, place),
            group_member=member,
            group_size=1 if size is None else size,
            correlation=correlation,
            batch_size=1000 if type or limit is None else min(limit, 1000),
        )
        printer = Printer(json_lines if json else human_lines, type or (), limit)
        consume_with(consumer, printer, follow=follow or live)
