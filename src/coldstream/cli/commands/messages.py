"""Messages, from and to a terminal or a pipe."""

from __future__ import annotations

import sys
from itertools import islice
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from coldstream.cli.app import STORE, app
from coldstream.cli.options import (
    AllCategories,
    Correlation,
    Database,
    Json,
    Limit,
    Member,
    Size,
    Tiers,
    opened,
    positional,
)

if TYPE_CHECKING:
    from coldstream.messages.json import JsonText


@app.command(group=STORE)
def write(
    stream: Annotated[str, positional("The stream: a category, a dash and an id (account-123).")],
    type: Annotated[str, positional("The message's type, such as Deposited.")],
    data: Annotated[
        str | None,
        Parameter(
            help="JSON, stored without loss; - reads it from stdin.",
            allow_leading_hyphen=True,
        ),
    ] = None,
    /,
    *,
    database: Database,
    metadata: Annotated[str | None, Parameter(metavar="JSON", help="Metadata, as JSON.")] = None,
    id: Annotated[
        str | None, Parameter(metavar="UUID", help="The message's id (default: a new UUIDv7).")
    ] = None,
    expected_version: Annotated[
        int | None,
        Parameter(
            metavar="N",
            allow_leading_hyphen=True,
            validator=Number(gte=-1),
            help="Write only if the stream's last message is at this position; -1: only if it has "
            "none.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Write one message to a stream, and print where it went."""
    from coldstream.cli.views.human import printable
    from coldstream.cli.views.render import write_json
    from coldstream.client.arguments import check_id, check_stream
    from coldstream.errors import InvalidInput

    # DATA may be a negative number, so a misspelt option ends up there.
    if data is not None and data.startswith("--"):
        raise InvalidInput(f"Unknown option: {data}", hint="coldstream write --help")
    check_stream(stream)
    if not type.strip():
        raise InvalidInput("The type is empty", hint="Give a name such as Deposited.")
    if id is not None:
        check_id(id)
    body = _json_text("DATA", sys.stdin.read() if data == "-" else data)
    about = _json_text("--metadata", metadata)
    with opened(database) as store:
        result = store.write_message(stream, type, body, about, id, expected_version)
    if json:
        write_json({"position": result.position, "global_position": result.global_position})
    else:
        print(
            f"{printable(stream)}: position {result.position}, "
            f"global position {result.global_position}"
            + ("; it has no data" if body is None else "")
        )


@app.command(group=STORE)
def read(
    name: Annotated[
        str | None,
        positional("A stream (account-123) or a category (account).", name="STREAM-OR-CATEGORY"),
    ] = None,
    /,
    *,
    database: Tiers,
    all: AllCategories = False,
    position: Annotated[
        int | None,
        Parameter(
            metavar="N",
            validator=Number(gte=0),
            help="Start at this position of the stream, or else at this global position.",
        ),
    ] = None,
    limit: Limit = None,
    correlation: Correlation = None,
    member: Member = None,
    size: Size = None,
    json: Json = False,
) -> None:
    """Read a stream, a category, or everything, from every tier; in order, and to its end.

    With --json, one object a line, its data and metadata as they are stored.
    """
    from coldstream.cli.views.human import printable
    from coldstream.cli.views.messages import human_lines, json_lines
    from coldstream.errors import InvalidInput
    from coldstream.messages.names import is_category

    if (name is None) == (not all):
        raise InvalidInput("Give a stream or a category, or --all for every category")
    if name == "":
        raise InvalidInput("The name of the stream or category is empty")
    of_category = name is not None and is_category(name)
    if not of_category and not (correlation is None and member is None and size is None):
        raise InvalidInput("--correlation, --member and --size are for a category")
    page = min(limit or 1000, 1000)
    with opened(database) as store:
        if name is None:
            found = store.get_all_messages(position or 1, page)
        elif of_category:
            found = store.get_category_messages(
                name, position or 1, page, correlation, member, size
            )
        else:
            found = store.get_stream_messages(name, position or 0, page)
        line = None
        for line in (json_lines if json else human_lines)(islice(found, limit)):
            sys.stdout.write(line)
    if line is None and not json:
        # A name that is misspelt looks like one that has no messages yet.
        what = "everything" if name is None else f"{'category' if of_category else 'stream'} {name}"
        print(f"no messages: {printable(what)}", file=sys.stderr)


def _json_text(what: str, text: str | None) -> JsonText | None:
    """The text itself, once it is known to be JSON."""
    from json import loads

    from coldstream.errors import InvalidInput
    from coldstream.messages.json import JsonText

    if text is None:
        return None
    try:
        # The numbers stay what they are, of any size; Python would not read the longest.
        loads(text, parse_constant=_no_constant, parse_int=str, parse_float=str)
    except RecursionError:
        # As deep as the server takes it.
        pass
    except ValueError as error:
        raise InvalidInput(
            f"{what} is not JSON: {error}", hint="""Quote it for the shell: '{"amount": 11}'."""
        ) from None
    return JsonText(text)


def _no_constant(name: str) -> None:
    raise ValueError(f"it has no {name}")
