"""The consumers that keep their positions in the store: where they are, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from coldstream.cli.app import COMMANDS, STORE, app, group
from coldstream.cli.options import Database, DryRun, Json, Yes, opened, positional

if TYPE_CHECKING:
    from coldstream.consumers import ConsumerMember
    from coldstream.store import Store

consumers_app = App(name="consumers", group=STORE, group_commands=COMMANDS)
app.command(consumers_app)

Name = Annotated[str, positional("The consumer's name.")]


@consumers_app.default
def consumers(*, database: Database, json: Json = False) -> None:
    """List the store's consumers: where each is, how far behind, and which process runs it.

    A group has a line for each member. The lag of a category is estimated in old history, and
    exact near the end. Processes that wait take over when
    that one ends.
    """
    from coldstream.cli.views.consumers import show_consumers

    with opened(database) as store:
        found = store.consumers.get_consumers()
    show_consumers(found, json=json)


@consumers_app.command
def failures(
    name: Annotated[str | None, positional("Of this consumer alone.")] = None,
    /,
    *,
    database: Database,
    limit: Annotated[
        int, Parameter(metavar="N", validator=Number(gte=1), help="How many, the newest ones.")
    ] = 50,
    json: Json = False,
) -> None:
    """List the messages that consumers went past without having handled them, and why."""
    from coldstream.cli.views.consumers import show_failures

    with opened(database) as store:
        found = store.consumers.get_failures(name, limit)
        if name is not None and not found:
            # Of a consumer that was deleted they are kept.
            _members(store, name)
    show_failures(found, json=json)


@consumers_app.command
def reset(
    name: Name,
    /,
    *,
    database: Database,
    to: Annotated[
        str,
        Parameter(
            metavar="POSITION|TIME",
            help="start, end, a position as coldstream consumers shows it, a time "
            "(2026-01-31T10:00Z) or an age (2h): before the first message written since then.",
        ),
    ],
    dry_run: DryRun = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Move a consumer, every member of it, to another position.

    A process that works for it drops the message in hand, and goes on from there. Going back has
    messages handled again, and going forward leaves some out.
    """
    from coldstream.cli.positions import parse_place, position_of
    from coldstream.cli.prompt import confirm
    from coldstream.cli.views.consumers import show_reset

    place = parse_place(to)
    with opened(database) as store:
        members = _members(store, name)
        position = position_of(store.consumers, members[0].source or None, place)
        if not dry_run:
            at = ", ".join(str(member.position) for member in members)
            confirm(f"Move {name} from position {at} to {position}?", yes=yes)
            store.consumers.reset(name, position)
    show_reset(name, members, position, done=not dry_run, json=json)


@consumers_app.command
def pause(name: Name, /, *, database: Database) -> None:
    """Make a consumer stop after the message in hand, and wait. It stays paused when its processes
    are restarted.
    """
    from coldstream.cli.views.human import printable

    with opened(database) as store:
        _members(store, name)
        store.consumers.pause(name)
    print(f"paused {printable(name)}; coldstream consumers resume lets it go on")


@consumers_app.command
def resume(name: Name, /, *, database: Database) -> None:
    """Let a consumer that was paused go on."""
    from coldstream.cli.views.human import printable

    with opened(database) as store:
        _members(store, name)
        store.consumers.resume(name)
    print(f"resumed {printable(name)}")


@consumers_app.command
def delete(name: Name, /, *, database: Database, dry_run: DryRun = False, yes: Yes = False) -> None:
    """Forget a consumer and its positions. What it did not handle stays in the list of failures.

    Refused while a process works for it.
    """
    from coldstream.cli.prompt import confirm
    from coldstream.cli.views.human import printable

    with opened(database) as store:
        members = _members(store, name)
        at = ", ".join(str(member.position) for member in members)
        if not dry_run:
            confirm(f"Forget {name} and its position ({at})?", yes=yes)
            store.consumers.delete(name)
    print(f"{'would delete' if dry_run else 'deleted'} {printable(name)}, which was at {at}")


@consumers_app.command
def resize(
    name: Name,
    size: Annotated[int, positional("How many members it is to have.", name="SIZE")],
    /,
    *,
    database: Database,
    may_repeat: Annotated[
        bool,
        Parameter(
            help="Also where members are at different positions: then messages are repeated."
        ),
    ] = False,
) -> None:
    """Change the number of a consumer's members. Restart its processes with that group_size.

    Refused while a process works for it, and where messages would be handled again: streams fall to
    other members, which go on from the lowest position of all.
    """
    from coldstream.cli.views.human import printable

    with opened(database) as store:
        before = len(_members(store, name))
        position = store.consumers.resize(name, size, may_repeat=may_repeat)
    print(f"resized {printable(name)} from {before} to {size}, at {position}")


notify = group(
    "notify",
    "Whether writes wake consumers by NOTIFY, so that a message is handled at once.\n\n"
    "Off is the default: consumers look for new messages at least twice a second. Every "
    "transaction that writes pays for it, most where many write at the same time: coldstream bench "
    "--rows 'consumer.*' measures it on your server. On and off are for the store's owner.",
)
consumers_app.command(notify)


@notify.command
def on(*, database: Database, json: Json = False) -> None:
    """Make writes wake consumers."""
    _notify(database, True, json=json)


@notify.command
def off(*, database: Database, json: Json = False) -> None:
    """Stop that: consumers look for new messages by themselves."""
    _notify(database, False, json=json)


@notify.default
@notify.command
def status(*, database: Database, json: Json = False) -> None:
    """Show whether writes wake consumers."""
    _notify(database, None, json=json)


def _notify(database: Database, wanted: bool | None, *, json: bool) -> None:
    from coldstream.cli.views.render import write_json

    with opened(database) as store:
        if wanted is not None:
            store.consumers.set_notify(wanted)
        notifies = store.consumers.notifies()
    if json:
        write_json({"notify": notifies})
    else:
        print("on: writes wake consumers" if notifies else "off: writes wake nobody")


def _members(store: Store, name: str) -> list[ConsumerMember]:
    """The members of a consumer.

    Raises:
        ConsumerError: there is none of this name.
    """
    from coldstream.errors import ConsumerError

    known = store.consumers.get_consumers()
    found = [member for member in known if member.consumer == name]
    if not found:
        names = ", ".join(dict.fromkeys(member.consumer for member in known))
        raise ConsumerError(
            f"No consumer of this name: {name}",
            hint=f"There are: {names}."
            if names
            else "No consumer keeps its position in the store.",
        )
    return found
