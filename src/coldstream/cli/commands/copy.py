"""From a running Message DB into a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from coldstream.cli.app import STORE, app
from coldstream.cli.options import Database, DryRun, Json, positional
from coldstream.errors import InvalidInput

if TYPE_CHECKING:
    from coldstream.copying import Copy


@app.command(group=STORE)
def copy_from(
    source: Annotated[str, positional("The DSN of the Message DB. SELECT on its table is enough.")],
    /,
    *,
    database: Database,
    source_schema: Annotated[
        str, Parameter(metavar="SCHEMA", help="The schema of the source's table messages.")
    ] = "message_store",
    clamp_times: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Bring times that no store takes (in the future, or before the year 1) to the "
            "nearest one that it does. Without it a source that has any is refused.",
        ),
    ] = False,
    verify: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Copy nothing: compare digests by stream and range of positions on both sides. "
            "Exit status 1 where they differ.",
        ),
    ] = False,
    follow: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Go on copying what is written at the source, until Ctrl-C.",
        ),
    ] = False,
    switch: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Copy, compare, make the source refuse writes by a trigger, copy the rest, and "
            "let writers into the store. With --back: the other way round. Needs the owner of the "
            "source's table.",
        ),
    ] = False,
    back: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="After --switch: bring what is written to the store to the source, until Ctrl-C. "
            "The source is whole then, for the day on which one goes back to it.",
        ),
    ] = False,
    open_: Annotated[
        bool,
        Parameter(
            name="--open",
            negative="",
            show_default=False,
            help="Let writers into the store: the source is not written to any more.",
        ),
    ] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> int:
    """Copy a Message DB into a store: ids, positions, global positions, times and JSON as they are.

    The store has to be new, or a copy of this source: then it goes on where it was. It takes no
    writes until --switch, or --open where nobody writes to the source any more. Run it again after
    a failure, or a kill: nothing is brought twice.
    """
    from coldstream.cli.views.copy import (
        copying,
        show_copied,
        show_plan,
        show_switched,
        show_verified,
    )
    from coldstream.copying import Copy

    options = {
        "--dry-run": dry_run,
        "--verify": verify,
        "--open": open_,
        "--follow": follow,
        "--back": back,
        "--switch": switch and not back,
    }
    chosen = [name for name, is_set in options.items() if is_set]
    if len(chosen) > 1:
        raise InvalidInput(f"Not one thing to do: {', '.join(chosen)}", hint="Give one option.")

    def copy(progress: object = None) -> Copy:
        return Copy(
            source,
            database.dsn,
            schema=database.schema,
            source_schema=source_schema,
            clamp_times=clamp_times,
            **({} if progress is None else {"progress": progress}),  # type: ignore[arg-type]
        )

    if dry_run:
        plan = copy().plan()
        show_plan(plan, json=json)
        return 1 if plan.outside else 0
    if verify:
        with copying("verify") as progress:
            verified = copy(progress).verify()
        show_verified(verified, json=json)
        return 0 if verified.is_equal else 1
    if open_:
        show_copied(copy().open(), json=json)
        return 0
    if switch:
        with copying("switch") as progress:
            work = copy(progress)
            switched = work.switch_back() if back else work.switch()
        show_switched(switched, back=back, json=json)
        return 0
    if back:
        with copying("back") as progress:
            copy(progress).back()
        return 0
    with copying("follow" if follow else "copy") as progress:
        work = copy(progress)
        copied = work.follow() if follow else work.run()
    show_copied(copied, json=json)
    return 0
