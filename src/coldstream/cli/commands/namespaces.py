"""The stores of a database."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

from cyclopts import App, Parameter

from coldstream.cli.app import COMMANDS, STORE, app
from coldstream.cli.options import DryRun, Json, Server, positional

namespaces_app = App(name="namespaces", group=STORE, group_commands=COMMANDS)
app.command(namespaces_app)

Name = Annotated[str, positional("The name of the schema.")]


@namespaces_app.default
def namespaces(*, server: Server, json: Json = False) -> None:
    """List the stores of a database: a namespace is a schema with a store."""
    _show(server.dsn, json=json)


@namespaces_app.command(name="list")
def list_(*, server: Server, json: Json = False) -> None:
    """List the stores of a database, as the command by itself does."""
    _show(server.dsn, json=json)


@namespaces_app.command
def create(name: Name, /, *, server: Server, dry_run: DryRun = False, json: Json = False) -> None:
    """Install a store into a schema of its own; coldstream init has the settings."""
    import coldstream
    from coldstream.cli.views.human import printable
    from coldstream.cli.views.render import write_json

    done = coldstream.install(server.dsn, schema=name, dry_run=dry_run)
    if json:
        write_json(
            {"schema": done.schema, "dry_run": dry_run, "actions": done.actions}
            | {"warnings": done.warnings}
        )
        return
    if dry_run and done.changed:
        print("Nothing was changed. A run would say:")
    for action in done.actions:
        print(printable(action))
    for warning in done.warnings:
        print(f"warning: {printable(warning)}", file=sys.stderr)
    if not done.changed:
        print(f"nothing to do: the store in schema {done.schema} is current")


@namespaces_app.command
def delete(
    name: Name,
    /,
    *,
    server: Server,
    yes: Annotated[
        str | None,
        Parameter(metavar="NAME", help="The name once more: do not ask before it is done."),
    ] = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Drop a store with all of its messages. It asks for the name once more.

    What is in its archive stays there, and so do the roles.
    """
    import coldstream
    from coldstream.cli.prompt import confirm_name
    from coldstream.cli.views.human import human_count, printable
    from coldstream.cli.views.render import write_json
    from coldstream.migrations.connection import direct_connection
    from coldstream.migrations.namespaces import namespace_of

    with direct_connection(server.dsn, name) as connection:
        found = namespace_of(connection, name)
    what = (
        f"{printable(name)} with {human_count(found.streams)} streams, global positions to "
        f"{human_count(found.messages)}"
    )
    if not dry_run:
        confirm_name(f"This drops {what}.", name, yes)
        coldstream.delete_namespace(server.dsn, name)
    if json:
        write_json(asdict(found) | {"dry_run": dry_run})
        return
    print(f"{'would drop' if dry_run else 'dropped'} {what}")
    if found.archive is not None:
        print(f"{found.archived} archived chunks stay in {printable(found.archive)}")


def _show(dsn: str, *, json: bool) -> None:
    import coldstream
    from coldstream.cli.views.render import Column, Unit, render_table

    columns = [
        Column("schema", "schema"),
        Column("streams", "streams", Unit.COUNT),
        Column("messages", "positions", Unit.COUNT),
        Column("archived", "archived chunks", Unit.COUNT),
        Column("archive", "archive", aside=True),
    ]
    rows = [asdict(each) for each in coldstream.namespaces(dsn)]
    render_table("Namespaces", columns, rows, json=json)
