"""The application that the command modules register on."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from cyclopts import App, Group, Parameter
from cyclopts.argument import ArgumentCollection
from cyclopts.config import Env

from coldstream._version import __version__
from coldstream.cli import profiles

TRY_IT = Group("Try it", sort_key=0)
STORE = Group("The store", sort_key=1)
LIFECYCLE = Group("Its lifecycle", sort_key=2)
COMMANDS = Group("Commands", sort_key=3)
WHERE = Group("Where the store is", sort_key=8)
OTHER = Group("Other", sort_key=9)


FROM_ENVIRONMENT = frozenset(("--dsn", "--schema", "--archive", "--archive-option", "--iceberg"))
"""Where the store and its archive are: the same for every command. What a command does is said on
its line alone, so that no variable left over from another one makes it do more."""


class Environment(Env):
    """Some options as variables, ``--dsn`` as ``COLDSTREAM_DSN``. A variable that is empty is one
    that is not set."""

    def __call__(self, app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
        named = next((each for each in arguments if each.name == "--profile"), None)
        if named is not None:
            profiles.use(named.tokens[-1].value if named.tokens else None)
        super().__call__(app, commands, arguments)
        for argument in arguments:
            taken = argument.name in FROM_ENVIRONMENT
            argument.tokens[:] = [
                token
                for token in argument.tokens
                if token.source != self.source or (token.value and taken)
            ]


ABOVE = ("coldstream.dashboard.command", "coldstream.demo.command")
"""Rooms with a command of their own. They use the command line, so it knows them by name alone."""


def create(**settings: Any) -> App:
    """An application with our conventions and no command."""
    return App(
        name="coldstream",
        help="Message DB on TimescaleDB, with history that gets cheaper as it ages.\n\n"
        "COLDSTREAM_DSN, COLDSTREAM_SCHEMA, COLDSTREAM_ARCHIVE and COLDSTREAM_ARCHIVE_OPTION stand "
        "for the options of these names, and a profile for all of them. coldstream COMMAND --help "
        "has examples.",
        default_parameter=Parameter(show_env_var=False),
        help_format="plaintext",
        version=__version__,
        version_flags=["--version"],
        group_commands=OTHER,
        config=Environment("COLDSTREAM_", command=False),
        suppress_keyboard_interrupt=False,
        **settings,
    )


def group(name: str, help: str, **settings: Any) -> App:
    """A command that has commands of its own; register it with ``app.command``. Each action is a
    command: what a group does by itself, if anything, takes no word."""
    return App(
        name=name,
        help=help,
        help_format="plaintext",
        version_flags=[],
        group_commands=COMMANDS,
        **settings,
    )


app = create()
app.register_install_completion_command(
    help="Make the shell complete coldstream's commands and options.", config=()
)


def load() -> App:
    """The application with every command: each module of ``coldstream.cli.commands``, and those
    of rooms that stand on the command line."""
    from coldstream.cli import commands, examples

    for module in pkgutil.iter_modules(commands.__path__, f"{commands.__name__}."):
        importlib.import_module(module.name)
    for name in ABOVE:
        importlib.import_module(name)
    examples.add(app)
    return app
