"""Another engine for a store that is there."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from coldstream.cli.app import STORE, app
from coldstream.cli.options import Database, DryRun, Json
from coldstream.errors import InvalidInput

if TYPE_CHECKING:
    from coldstream.migrations.move import MovePlan


@app.command(group=STORE)
def upgrade(
    *,
    database: Database,
    to: Annotated[
        Literal["timescale", "postgres"] | None,
        Parameter(
            metavar="ENGINE",
            help="timescale: the store gets chunks and tiers; postgres: it becomes an ordinary "
            "table.",
        ),
    ] = None,
    cancel: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Give a move up that was broken off: what was copied goes, and the store stays.",
        ),
    ] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Move a store to another engine, in place, while programs write and read.

    It copies in steps, compares the digests of both sides, and then switches, which programs wait
    for: it prints how long. Run it again after it was broken off, and it goes on. There is room
    needed for a second copy of messages until it ends.
    """
    from coldstream.cli.views.human import human_count, human_duration
    from coldstream.cli.views.progress import step
    from coldstream.cli.views.render import write_json
    from coldstream.migrations.connection import direct_connection
    from coldstream.migrations.move import cancel as give_up
    from coldstream.migrations.move import move, plan_move
    from coldstream.sql import Names

    if (to is None) != cancel:
        raise InvalidInput(
            "Say where the store shall move to", hint="--to timescale, --to postgres, or --cancel."
        )
    names = Names(database.schema)
    with direct_connection(database.dsn, names.schema) as connection:
        if to is None:
            done = give_up(connection, names) if not dry_run else False
            if json:
                write_json({"schema": names.schema, "cancelled": done})
            else:
                print(
                    "the move was given up" if done else "nothing to give up: no move is under way"
                )
            return
        plan = plan_move(connection, names, to)
        if plan is None:
            if json:
                write_json({"schema": names.schema, "engine": to, "moved": False})
            else:
                print(f"nothing to do: the store in schema {names.schema} has the engine {to}")
            return
        if dry_run:
            if json:
                write_json(asdict(plan) | {"dry_run": True})
            else:
                _show(plan)
            return
        with step("move", total=plan.last_position, noun="positions") as running:
            moved = move(connection, names, to, report=lambda position, last: running.to(position))
    if moved is None:
        print(f"nothing to do: the store in schema {names.schema} has the engine {to}")
    elif json:
        write_json(asdict(moved) | {"moved": True})
    else:
        for warning in moved.warnings:
            print(f"warning: {warning}")
        print(
            f"moved to the engine {to}: {human_count(moved.messages)} messages in "
            f"{human_duration(moved.seconds)}; writers and readers waited "
            f"{moved.switch_seconds:.2f} s for the switch"
        )


def _show(plan: MovePlan) -> None:
    from coldstream.cli.views.human import human_bytes, human_count, printable

    messages = human_count(plan.messages) + (" or more" if plan.messages >= 1_000_000 else "")
    print(
        f"Would move the store in schema {plan.schema} from the engine {plan.engine} to {plan.to}: "
        f"{messages} messages, {human_bytes(plan.bytes)} with indexes, and about as much beside "
        "them until it ends."
    )
    if plan.copied_to:
        print(
            f"Goes on after a move that was broken off, at global position "
            f"{human_count(plan.copied_to)} of {human_count(plan.last_position)}."
        )
    for obstacle in plan.obstacles:
        print(f"Not as it is: {printable(obstacle)}.")
