"""To the archive, and what keeps it in order."""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from coldstream.cli.app import COMMANDS, LIFECYCLE, app
from coldstream.cli.options import DryRun, Json, OlderThan, Tiers, Yes, lifecycle_of, opened
from coldstream.settings import Format, Settings

if TYPE_CHECKING:
    from coldstream.errors import ColdstreamError
    from coldstream.lifecycle.rebuild import Rebuilt

archive_app = App(name="archive", group=LIFECYCLE, group_commands=COMMANDS)
app.command(archive_app)


@archive_app.default
def archive(
    *,
    database: Tiers,
    older_than: OlderThan,
    format: Annotated[
        Format, Parameter(metavar="FORMAT", help="The format of the files.")
    ] = "parquet",
    again: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Archive again what was archived before and is still in the database.",
        ),
    ] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Copy old chunks to the archive. They stay in the database, and do not change any more.

    Nothing is proved yet: coldstream verify reads them back, coldstream drop drops them.
    """
    from coldstream.cli.durations import parse_cutoff
    from coldstream.cli.views.chunks import ARCHIVED, WAITING, show_chunks, watching
    from coldstream.cli.views.human import printable
    from coldstream.cli.views.lifecycle import say_archive

    cutoff = parse_cutoff(older_than)
    file_rows = Settings.from_environment().file_rows
    with opened(database) as store:
        found = lifecycle_of(store).archive(
            cutoff, format=format, again=again, file_rows=file_rows, dry_run=True
        )
        if found:
            say_archive(store)
        if found and not dry_run:
            with watching("archive", len(found)) as progress:
                found = lifecycle_of(store, progress).archive(
                    cutoff, format=format, again=again, file_rows=file_rows, planned=found
                )
    if found or json:
        title = "Would be archived" if dry_run else "Archived, not verified yet"
        show_chunks(title, WAITING if dry_run else ARCHIVED, found, json=json)
    else:
        print(f"nothing to archive: what is older than {printable(older_than)} is archived")


@archive_app.command
def clean(
    *,
    database: Tiers,
    older_than: Annotated[
        str,
        Parameter(
            metavar="AGE",
            help="Only files that are this old: an export in progress has files without a "
            "manifest, too.",
        ),
    ] = "1d",
    dry_run: DryRun = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Delete from the archive what killed and failed exports left: files that no manifest names."""
    from coldstream.cli.durations import parse_length
    from coldstream.cli.prompt import confirm
    from coldstream.cli.views.human import human_bytes
    from coldstream.cli.views.lifecycle import say_archive
    from coldstream.cli.views.render import Column, Unit, render_table, write_json

    age = parse_length(older_than)
    with opened(database) as store:
        found = store.lifecycle.clean(age, dry_run=True)
        if found:
            say_archive(store)
        rows = [asdict(info) for info in found]
        files = f"{len(found)} files of {human_bytes(sum(info.bytes for info in found))}"
        if found and not json:
            columns = [
                Column("last_modified", "written", Unit.TIME),
                Column("bytes", "size", Unit.BYTES),
                Column("key", "file"),
            ]
            render_table("No manifest names them", columns, rows)
        if not dry_run:
            if found:
                confirm(f"Delete {files} from the archive?", yes=yes)
            # It also tells of the manifests that hide what could be deleted beside them.
            store.lifecycle.clean(age, planned=found)
    if json:
        write_json(rows)
    elif not found:
        print("nothing to clean: a manifest names every file, or it is not old enough")
    else:
        print(f"{'would delete' if dry_run else 'deleted'} {files}")


@archive_app.command
def rebuild(
    *,
    database: Tiers,
    accept_failed: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Let writers in although ranges could not be restored: positions of their streams "
            "may be given once more.",
        ),
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    json: Json = False,
) -> int:
    """Restore the ledger of the archive, and the heads of its streams, from the archive alone.

    For a new database, or one that knows less than the archive holds. Every file that is taken in
    is read and proved; ranges that are in the database get what they lack. It may be interrupted
    and run again. Writers are refused until all is restored. Exit status 1 when a range could not
    be restored.
    """
    from coldstream.cli.prompt import confirm
    from coldstream.cli.views.chunks import MESSAGES, RANGE, RESULT, range_in_words
    from coldstream.cli.views.human import one_line
    from coldstream.cli.views.lifecycle import say_archive
    from coldstream.cli.views.render import render_table, write_json

    def told(found: Rebuilt, number: int, count: int) -> None:
        if found.result not in ("known", "database"):
            between = range_in_words(found.range_start, found.range_end)
            more = f", {found.loaded} messages loaded" if found.loaded else ""
            print(f"{number} of {count}: {between}: {found.result}{more}", file=sys.stderr)

    with opened(database) as store:
        found = store.lifecycle.rebuild(accept_failed=accept_failed, dry_run=True)
        if found:
            say_archive(store)
        new = [each for each in found if each.result in ("restored", "merged")]
        if found and not json:
            rows = [
                {**asdict(each), "range": range_in_words(each.range_start, each.range_end)}
                for each in (replace(each, problem=None) for each in found)
            ]
            render_table("In the archive", [RANGE, MESSAGES, RESULT], rows)
        if not dry_run:
            if new:
                confirm(f"Restore {len(new)} archived ranges into {database.schema}?", yes=yes)
            found = store.lifecycle.rebuild(
                accept_failed=accept_failed, planned=found, on_range=told
            )
    problems = [each.problem for each in found if each.problem is not None]
    done = sum(each.result in ("restored", "merged") for each in found)
    if json:
        write_json([{**vars(each), "problem": _in_words(each.problem)} for each in found])
    elif not new and not problems:
        print("nothing to rebuild: the database has all that the archive holds")
    else:
        print(f"{'would restore' if dry_run else 'restored'} {done} of {len(found)} ranges")
    for problem in problems:
        print(f"coldstream: {one_line(_in_words(problem) or '')}", file=sys.stderr)
    return 1 if problems else 0


@archive_app.command
def repair(
    *, database: Tiers, dry_run: DryRun = False, yes: Yes = False, json: Json = False
) -> int:
    """Write the manifests again that somebody deleted from the archive, or damaged.

    From what this database knows of each file: every one is read and proved first. Without its
    manifest a range is in no query of the archive, and cannot be rebuilt. Exit status 1 when one
    cannot be written.
    """
    from coldstream.cli.prompt import confirm
    from coldstream.cli.views.chunks import MESSAGES, RANGE, RESULT, range_in_words, watching
    from coldstream.cli.views.human import one_line
    from coldstream.cli.views.lifecycle import say_archive
    from coldstream.cli.views.render import Column, render_table, write_json

    with opened(database) as store:
        found = store.lifecycle.repair(dry_run=True)
        if found:
            say_archive(store)
        lacking = [each for each in found if each.problem is None]
        if found and not json:
            rows = [
                {**vars(each), "range": range_in_words(each.range_start, each.range_end)}
                for each in found
            ]
            columns = [RANGE, MESSAGES, RESULT, Column("archive_manifest", "manifest")]
            render_table("Ranges without their manifest", columns, rows)
        if lacking and not dry_run:
            given_up = sum(each.result == "given up" for each in lacking)
            more = f", and give up {given_up} ranges that are lost" if given_up else ""
            confirm(f"Write {len(lacking) - given_up} manifests again{more}?", yes=yes)
            with watching("repair", len(lacking)) as progress:
                found = lifecycle_of(store, progress).repair(planned=found)
    problems = [each.problem for each in found if each.problem is not None]
    if json:
        write_json([{**vars(each), "problem": _in_words(each.problem)} for each in found])
    elif not found:
        print("nothing to repair: the archive has every manifest that this database knows")
    else:
        done = sum(each.problem is None and each.result != "given up" for each in found)
        print(f"{'would write' if dry_run else 'wrote'} {done} of {len(found)} manifests")
    for problem in problems:
        print(f"coldstream: {one_line(_in_words(problem) or '')}", file=sys.stderr)
    return 1 if problems else 0


def _in_words(problem: ColdstreamError | None) -> str | None:
    if problem is None:
        return None
    return f"{problem} ({problem.hint})" if problem.hint else str(problem)


@archive_app.command
def adopt(
    *, database: Tiers, dry_run: DryRun = False, yes: Yes = False, json: Json = False
) -> None:
    """Say that this database is the successor of the one that wrote to the archive last.

    After a restore, or where the archive was copied to another place, which --archive then names.
    The other database can no longer write to it.
    """
    from coldstream.cli.prompt import confirm
    from coldstream.cli.views.render import write_json

    with opened(database) as store:
        adopted = store.lifecycle.adopt(dry_run=True)
        if not dry_run:
            confirm("Is the database that wrote to the archive last gone for good?", yes=yes)
            adopted = store.lifecycle.adopt(planned=adopted)
    if json:
        write_json(asdict(adopted))
        return
    if dry_run:
        print(f"this database would archive to {adopted.archive_url}")
    else:
        print(f"this database archives to {adopted.archive_url} from now on")
    if adopted.behind:
        print(
            f"the archive has more of {len(adopted.behind)} ranges: run coldstream archive "
            "rebuild, before anything is written"
        )
    if adopted.lacking:
        print(
            f"the archive lacks the manifests of {len(adopted.lacking)} ranges: run coldstream "
            "archive repair"
        )


@archive_app.command
def fork(*, database: Tiers, dry_run: DryRun = False, yes: Yes = False, json: Json = False) -> None:
    """Say that this database is a copy, and make it a store of its own with another archive.

    --archive names the archive that it has from now on. What was archived before the copy was made
    is read where it is.
    """
    from coldstream.cli.prompt import confirm
    from coldstream.cli.views.render import write_json

    with opened(database) as store:
        forked = store.lifecycle.fork(dry_run=True)
        if not dry_run:
            confirm("Make this database a store of its own?", yes=yes)
            forked = store.lifecycle.fork(planned=forked)
    if json:
        write_json(asdict(forked))
        return
    if dry_run:
        place = f"archive to {forked.archive_url}" if forked.archive_url else "have no archive yet"
        print(f"this database would be a store of its own, and {place}")
    else:
        place = f"archives to {forked.archive_url}" if forked.archive_url else "has no archive yet"
        print(f"this database is the store {forked.store_id} from now on, and {place}")
    if forked.shared:
        verb = "would be" if dry_run else "are"
        print(f"{forked.shared} ranges that were archived before {verb} read where they are")
