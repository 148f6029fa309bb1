"""``coldstream dashboard``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from coldstream.cli.app import STORE, app
from coldstream.cli.logs import LogFormat, log_to_stderr
from coldstream.cli.options import Json, Tiers, lifecycle_of, opened

if TYPE_CHECKING:
    from starlette.applications import Starlette


@app.command(group=STORE)
def dashboard(
    *,
    database: Tiers,
    port: Annotated[
        int,
        Parameter(
            metavar="N", validator=Number(gte=0, lte=65535), help="Its port; 0 is any free one."
        ),
    ] = 8080,
    host: Annotated[
        str, Parameter(metavar="HOST", help="Where to listen: loopback, or an address.")
    ] = "127.0.0.1",
    public_name: Annotated[
        tuple[str, ...],
        Parameter(
            metavar="HOST:PORT",
            negative="",
            show_default=False,
            help="A name that browsers call it by, other than loopback's (a proxy's, say). May be "
            "given several times. Any other name is refused.",
        ),
    ] = (),
    token_file: Annotated[
        Path | None,
        Parameter(
            metavar="FILE",
            help="The token is its first line, for reading; without it one is made and printed.",
        ),
    ] = None,
    allow_actions: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="A second token may act: run, verify, rehydrate, pause consumers, move them back.",
        ),
    ] = False,
    action_token_file: Annotated[
        Path | None,
        Parameter(
            metavar="FILE",
            help="With --allow-actions: that token is its first line; without it one is made.",
        ),
    ] = None,
    show_bodies: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Show data and metadata of messages too.",
        ),
    ] = False,
    log_format: LogFormat = "text",
    json: Json = False,
) -> None:
    """Show the store in a browser, until Ctrl-C: every chunk on a line of time, streams across
    tiers, consumers, the lifecycle. Loopback and read-only by default.

    A browser gives the token once; the printed address has it after a #, which browsers do not
    send. Whatever acts is a line on the standard error. Needs the extra "dashboard".
    """
    from coldstream.cli.views.render import write_json
    from coldstream.dashboard.run import Listen, serve
    from coldstream.errors import InvalidInput

    if action_token_file is not None and not allow_actions:
        raise InvalidInput("--action-token-file needs --allow-actions")
    log_to_stderr(log_format)
    listen = Listen(host, port, public_name)

    from coldstream.dashboard.app import create
    from coldstream.dashboard.context import Context
    from coldstream.dashboard.sessions import Sessions, new_token
    from coldstream.metrics.text import text_of

    tokens = {"read": _first_line(token_file) or new_token()}
    if allow_actions:
        tokens["act"] = _first_line(action_token_file) or new_token()
    shown = {
        role: token
        for role, token in tokens.items()
        if (token_file if role == "read" else action_token_file) is None
    }
    with opened(database, max_size=4) as store:
        context = Context(
            store,
            Sessions(tokens["read"], tokens.get("act")),
            lifecycle_of,
            show_bodies=show_bodies,
            may_act=allow_actions,
            metrics=text_of(store),
        )

        def application(port: int) -> Starlette:
            return create(context, hosts=listen.hosts(port), cookie=f"coldstream_{port}")

        def ready(port: int) -> None:
            where = f"http://{f'[{host}]' if ':' in host else host}:{port}"
            if json:
                write_json({"url": where, "tokens": shown})
            else:
                print(f"{database.schema} is on {where}")
                for role, token in shown.items():
                    print(f"to {role}: {where}/login#token={token}")
                print("Ctrl-C stops it")
            sys.stdout.flush()

        serve(listen, application, ready)


def _first_line(file: Path | None) -> str | None:
    """
    Raises:
        InvalidInput: it cannot be read, or has none.
    """
    from coldstream.errors import InvalidInput

    if file is None:
        return None
    try:
        line = file.read_text("utf-8").split("\n", 1)[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"Cannot read the token in {file}: {error}") from error
    if not line:
        raise InvalidInput(f"There is no token in the first line of {file}")
    return line
