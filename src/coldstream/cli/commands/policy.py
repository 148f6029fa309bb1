"""The lifecycle as a whole: its policy, its runs, its history."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from coldstream.cli.app import LIFECYCLE, app, group
from coldstream.cli.options import Database, DryRun, Json, Tiers, Yes, lifecycle_of, opened
from coldstream.errors import InvalidInput
from coldstream.settings import Format, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import timedelta

    from coldstream.lifecycle import Step

lifecycle = group(
    "lifecycle", "All that is due, by a policy that is stored in the database.", group=LIFECYCLE
)
app.command(lifecycle)

_AGE = "An age (7d, 36h, 90 days, P7D), or never; left out, it stays as it is."


@lifecycle.command
def show(*, database: Tiers, json: Json = False) -> None:
    """Show at what ages chunks are compressed, archived and dropped, and where to."""
    from coldstream.cli.views.lifecycle import say_archive, show_policy

    with opened(database) as store:
        policy = store.lifecycle.get_policy()
        if not json:
            say_archive(store)
    show_policy(policy, json=json)


@lifecycle.command(name="set")
def set_(
    *,
    database: Database,
    compress_after: Annotated[str | None, Parameter(metavar="AGE", help=_AGE)] = None,
    archive_after: Annotated[str | None, Parameter(metavar="AGE", help=_AGE)] = None,
    drop_after: Annotated[str | None, Parameter(metavar="AGE", help=_AGE)] = None,
    json: Json = False,
) -> None:
    """Set at what ages chunks are compressed, archived and dropped, counted from the end of their
    time range.

    No age may be lower than the one before it. A chunk is dropped when it is old enough and
    verified in the archive, never otherwise.
    """
    from coldstream.cli.views.lifecycle import show_policy
    from coldstream.lifecycle import Policy

    with opened(database) as store:
        before = store.lifecycle.get_policy()
        policy = Policy(
            _age(compress_after, before.compress_after),
            _age(archive_after, before.archive_after),
            _age(drop_after, before.drop_after),
        )
        done = store.lifecycle.set_policy(policy)
    show_policy(policy, json=json)
    for line in done:
        print(line, file=sys.stderr)


@lifecycle.command
def run(
    *,
    database: Tiers,
    format: Annotated[
        Format, Parameter(metavar="FORMAT", help="The format of the files.")
    ] = "parquet",
    wait: Annotated[
        str | None,
        Parameter(
            metavar="LENGTH",
            help="How long to wait for another lifecycle on the store to end (else: not at all).",
        ),
    ] = None,
    every: Annotated[
        str | None,
        Parameter(
            metavar="LENGTH",
            help="Again and again, from the start of one run to the start of the next, until "
            "SIGTERM or Ctrl-C. A run that failed is followed sooner.",
        ),
    ] = None,
    monitor: Annotated[
        str | None,
        Parameter(
            metavar="HOST:PORT", help="With --every: answer /health and /metrics over HTTP there."
        ),
    ] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    json: Json = False,
) -> int:
    """Do all that is due by the policy: close, compress, archive, verify and drop chunks, and drop
    again what was rehydrated for a time that has passed.

    It does what is due when it starts. What becomes due while it waits or asks is left to the next
    run.

    Safe from cron on several hosts: while one is at work, others end with exit status 75. A chunk
    that fails does not keep the others from going on; then the exit status is 1.
    """
    from datetime import timedelta

    from coldstream.cli.durations import parse_length
    from coldstream.cli.prompt import confirm, somebody_is_there
    from coldstream.cli.views.chunks import drop_question, show_due, watching
    from coldstream.cli.views.lifecycle import (
        say_archive,
        show_left,
        show_position_streams,
        show_problems,
        show_publication,
        show_steps,
    )

    longest = parse_length(wait) if wait else timedelta(0)
    file_rows = Settings.from_environment().file_rows
    if every is not None:

        def once() -> Sequence[Step]:
            with opened(database) as store:
                return lifecycle_of(store).run(format=format, file_rows=file_rows, wait=longest)

        return _again_and_again(
            once, every, monitor=monitor, dry_run=dry_run, yes=yes, json=json, database=database
        )
    if monitor is not None:
        raise InvalidInput("--monitor is for a run --every so often")
    with opened(database) as store:
        planned = steps = lifecycle_of(store).run(dry_run=True)
        show_position_streams(step.position_streams for step in steps)
        verbs = {step.verb for step in steps}
        if verbs - {"compress"}:
            say_archive(store, dropping="drop" in verbs)
        if not dry_run:
            dropping = [step.chunk for step in steps if step.verb == "drop"]
            if dropping:
                if somebody_is_there() and not yes:
                    show_due(dropping)
                confirm(drop_question(dropping), yes=yes)
            touched = len({step.chunk.range_start for step in steps})
            with watching("run", touched) as progress:
                steps = lifecycle_of(store, progress).run(
                    format=format, file_rows=file_rows, wait=longest, planned=planned
                )
            show_left(planned, steps)
    show_steps(steps, json=json)
    show_publication(steps.publication)
    return show_problems(steps)


def _again_and_again(
    run: Callable[[], Sequence[Step]],
    every: str,
    *,
    monitor: str | None,
    dry_run: bool,
    yes: bool,
    json: bool,
    database: Tiers,
) -> int:
    from coldstream.cli.durations import parse_length
    from coldstream.cli.prompt import somebody_is_there
    from coldstream.cli.service import OfDatabase, serve

    if dry_run:
        raise InvalidInput("--dry-run is for one run", hint="Leave --every out.")
    if somebody_is_there() and not yes:
        # Nobody will be there to ask when the next run drops something.
        raise InvalidInput(
            "A service drops by the policy, and asks nobody",
            hint="coldstream lifecycle run --dry-run shows what is due; --yes starts the service.",
        )
    return serve(run, parse_length(every), monitor=monitor, json=json, watched=OfDatabase(database))


@lifecycle.command
def log(
    *,
    database: Database,
    limit: Annotated[int, Parameter(metavar="N", help="How many, the latest ones.")] = 50,
    json: Json = False,
) -> None:
    """Show what became of the chunks: every change of a state, when, by whom, and how long it took.

    The latest is last.
    """
    from coldstream.cli.views.lifecycle import show_transitions

    with opened(database) as store:
        transitions = store.lifecycle.get_transitions(limit)
    show_transitions(transitions[::-1], json=json)


def _age(text: str | None, before: timedelta | None) -> timedelta | None:
    """The age that ``text`` means; nothing said is the one of ``before``."""
    from coldstream.cli.durations import parse_length

    if text is None:
        return before
    return None if text.strip().lower() == "never" else parse_length(text)
