"""What is wrong with a store, and what mends it."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from coldstream.cli.app import STORE, app
from coldstream.cli.options import DryRun, Json, Tiers, Yes


@app.command(group=STORE)
def doctor(
    *,
    database: Tiers,
    deep: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Compare heads with messages, too: reads every message in the database.",
        ),
    ] = False,
    fix: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Run the statements that mend without harm, after they were shown.",
        ),
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    json: Json = False,
) -> int:
    """Look for what is wrong with the store, its server and its archive, and say what mends it.

    Exit status 1 where something is wrong that somebody should be woken for. Nothing is changed
    without --fix. Every finding is on the page of the documentation that is called Findings.
    """
    from coldstream.cli.prompt import confirm
    from coldstream.cli.views.doctor import show_examination, show_fixes
    from coldstream.doctor import Examination, Fixed, examine
    from coldstream.doctor import fix as mend
    from coldstream.doctor.fix import fixable
    from coldstream.errors import InvalidInput
    from coldstream.migrations.connection import direct_connection

    if (dry_run or yes) and not fix:
        raise InvalidInput(
            "Without --fix nothing is changed", hint="coldstream doctor --fix --dry-run shows what."
        )

    # Not as an opened store: that refuses one that is not whole, of which this has to tell.
    with direct_connection(database.dsn, database.schema) as connection:

        def look() -> Examination:
            return examine(
                connection,
                database.schema,
                deep=deep,
                archive=database.archive,
                archive_options=database.archive_options,
            )

        found = look()
        done: list[Fixed] | None = None
        safe = fixable(found.findings) if fix else []
        if safe:
            if not json:
                show_examination(found, json=False)
                show_fixes(safe, title="Would run" if dry_run else "To run")
            if not dry_run:
                statements = "1 statement" if len(safe) == 1 else f"{len(safe)} statements"
                confirm(f"Run {statements}?", yes=yes)
                done = mend(connection, safe)
                found = look()
        if not (safe and dry_run and not json):
            show_examination(found, json=json, safe=safe if fix else None, done=done)
    failed = any(each.problem for each in done or [])
    return 0 if found.is_healthy and not failed else 1
