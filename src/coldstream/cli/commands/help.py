"""Help by name, as other programs have it."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from coldstream.cli.app import OTHER, app


@app.command(name="help", group=OTHER, config=())
def help_(
    *command: Annotated[str, Parameter(name="COMMAND", help="A command, such as archive clean.")],
) -> None:
    """Show what a command does and how it is called: the same as COMMAND --help."""
    app([*command, "--help"], exit_on_error=False, print_error=False, result_action="return_value")
