"""From the database to the archive and back, a chunk at a time."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from coldstream.cli.app import LIFECYCLE, app
from coldstream.cli.options import (
    Database,
    DryRun,
    Json,
    OlderThan,
    Tiers,
    Yes,
    lifecycle_of,
    opened,
)
from coldstream.errors import ArchiveCorrupt, InvalidInput

if TYPE_CHECKING:
    from datetime import datetime

    from coldstream.lifecycle.verify import Verification


@app.command(group=LIFECYCLE)
def chunks(
    *,
    database: Database,
    wide: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Also how long a chunk is kept in the database, and its object in the archive.",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """List every chunk of the store: its tier, its state, and what it takes in each tier.

    A chunk that is still open does not say how many messages it holds.
    """
    from coldstream.cli.views.chunks import ALL, WIDE, say_where, show_chunks
    from coldstream.cli.views.lifecycle import warn_of_functions

    with opened(database) as store:
        found = store.lifecycle.get_chunks()
        bookkeeping = store.lifecycle.get_bookkeeping()
        replaced = store.lifecycle.get_replaced_functions()
    show_chunks("Chunks", WIDE if wide else ALL, found, json=json)
    if found and not json:
        say_where(found, bookkeeping)
    if replaced:
        warn_of_functions(replaced)


@app.command(group=LIFECYCLE)
def compress(
    *,
    database: Database,
    older_than: OlderThan,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Move old chunks into TimescaleDB's columnstore; every client still reads them."""
    from coldstream.cli.durations import parse_cutoff
    from coldstream.cli.views.chunks import COMPRESSED, WAITING, show_chunks, watching
    from coldstream.cli.views.human import printable

    cutoff = parse_cutoff(older_than)
    with opened(database) as store:
        found = store.lifecycle.compress(cutoff, dry_run=True)
        if found and not dry_run:
            with watching("compress", len(found)) as progress:
                found = lifecycle_of(store, progress).compress(cutoff, planned=found)
    if found or json:
        title = "Would be compressed" if dry_run else "Compressed"
        show_chunks(title, WAITING if dry_run else COMPRESSED, found, json=json)
    else:
        print(f"nothing to compress: no chunk in row form is older than {printable(older_than)}")


@app.command(group=LIFECYCLE)
def verify(
    *,
    database: Tiers,
    all: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Everything in the archive, not only what was never verified.",
        ),
    ] = False,
    deep: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Recompute the digests of rows that were proved before, too.",
        ),
    ] = False,
    sample: Annotated[
        str | None,
        Parameter(metavar="N|PERCENT", help="Verify only a random N or PERCENT of them: 5 or 10%."),
    ] = None,
    start: Annotated[
        str | None,
        Parameter(name="--from", metavar="TIME", help="Only chunks that end after this time."),
    ] = None,
    end: Annotated[
        str | None,
        Parameter(name="--to", metavar="TIME", help="Only chunks that start before this time."),
    ] = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> int:
    """Read archived chunks back from storage and prove them. Exit status 1 when one is not proved.

    A chunk that was never verified is proved row by row. Any other is proved by the SHA-256 of its
    files, and with --deep row by row again. --deep, --sample, --from and --to include chunks that
    were verified before.
    """
    from coldstream.cli.durations import parse_time
    from coldstream.cli.views.chunks import VERIFIED, show_chunks, watching
    from coldstream.cli.views.human import one_line
    from coldstream.cli.views.lifecycle import show_publication

    part = None if sample is None else _part(sample)
    first = None if start is None else parse_time(start)
    last = None if end is None else parse_time(end)
    all = all or deep or any(each is not None for each in (part, first, last))
    with opened(database) as store:
        results = lifecycle_of(store).verify(
            again=all, deep=deep, sample=part, start=first, end=last, dry_run=True
        )
        if not results and not dry_run:
            # Then the archive is asked whether it is there.
            results = lifecycle_of(store).verify(planned=results)
        elif not dry_run:
            with watching("verify", len(results)) as progress:
                results = lifecycle_of(store, progress).verify(
                    again=all, deep=deep, sample=part, start=first, end=last, planned=results
                )
    if results or json:
        show_chunks(
            "Would be verified" if dry_run else "Verified",
            VERIFIED,
            [each.chunk for each in results],
            json=json,
            more={
                each.chunk.range_start: {
                    "result": _result(each),
                    "problem": str(each.problem) if each.problem else None,
                }
                for each in results
            },
        )
    else:
        print("nothing to verify: " + _nothing(all, first, last))
    show_publication(results.publication)
    problems = [each.problem for each in results if each.problem is not None]
    for problem in problems:
        hint = f" ({problem.hint})" if problem.hint else ""
        print(f"coldstream: {one_line(str(problem) + hint)}", file=sys.stderr)
    return 1 if problems else 0


def _result(found: Verification) -> str:
    """Damaged is what is not as it was written; what cannot be reached is merely not proved."""
    if found.is_due:
        return "verify"
    if found.problem is None:
        return "verified"
    return "damaged" if isinstance(found.problem, ArchiveCorrupt) else "not proved"


def _part(text: str) -> int | float:
    """A number of objects, or a share of them."""
    digits, percent = text.strip().removesuffix("%"), text.strip().endswith("%")
    try:
        part = float(digits) / 100 if percent else int(digits)
    except ValueError:
        part = 0
    if part <= 0 or (percent and part > 1):
        raise InvalidInput(f"{text!r} is not a sample", hint="write a number, or a share as 10%")
    return part


def _nothing(all: bool, first: datetime | None, last: datetime | None) -> str:
    if not all:
        return "all is verified"
    if first is None and last is None:
        return "the archive is empty"
    return "the archive has nothing of that time"


@app.command(group=LIFECYCLE)
def drop(
    *,
    database: Tiers,
    older_than: OlderThan,
    kept: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Also drop chunks that were rehydrated for a time that has not passed.",
        ),
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Drop old chunks from the database: only those that are verified in the archive.

    Before a chunk goes, the archive is asked whether it still has its files, and its rows are
    compared with what was verified, under a lock. What stays is listed, and why.
    Streams that were rehydrated of such a chunk go as well. Consumers of other Message DB clients
    that could not be started again are named, by the streams that they keep their positions in.
    """
    from coldstream.cli.durations import parse_cutoff
    from coldstream.cli.prompt import confirm
    from coldstream.cli.views.chunks import (
        DROPS,
        chunks_in_words,
        drop_question,
        show_chunks,
        watching,
    )
    from coldstream.cli.views.human import human_count, printable
    from coldstream.cli.views.lifecycle import say_archive, show_position_streams

    with opened(database) as store:
        cutoff = parse_cutoff(older_than)
        due = store.lifecycle.drop(cutoff, kept=kept, dry_run=True)
        found = [each.chunk for each in due]
        going = [each.chunk for each in due if each.reason is None]
        more = {
            each.chunk.range_start: {
                "result": f"stays, {each.reason}" if each.reason else "drop",
                "stays": each.reason,
                "position_streams": list(each.position_streams),
            }
            for each in due
        }
        if not json and due:
            show_chunks("Older than " + older_than, DROPS, found, more=more)
        show_position_streams(each.position_streams for each in due)
        if going:
            say_archive(store, dropping=True)
        if going and not dry_run:
            confirm(drop_question(going), yes=yes)
            with watching("drop", len(going)) as progress:
                # Nothing that was not shown: more may have become old enough in between.
                lifecycle_of(store, progress).drop(cutoff, kept=kept, planned=due)
            now = {chunk.range_start: chunk for chunk in store.lifecycle.get_chunks()}
            found = [now[chunk.range_start] for chunk in found]
    if json:
        show_chunks("", DROPS, found, json=True, more=more)
    elif not due:
        print(f"nothing to drop: no chunk in the database is older than {printable(older_than)}")
    elif not going:
        none_verified = all(each.chunk.in_database and not each.chunk.is_kept for each in due)
        why = "is verified in the archive" if none_verified else "may go yet"
        print(f"nothing to drop: none of them {why}")
    else:
        messages = human_count(sum(chunk.messages_in_database or 0 for chunk in going))
        print(
            f"{'would drop' if dry_run else 'dropped'} {chunks_in_words(len(going))} with "
            f"{messages} messages; {len(due) - len(going)} stay"
        )
    for each in due:
        if each.problem:
            raise each.problem


@app.command(group=LIFECYCLE)
def rehydrate(
    *,
    database: Tiers,
    start: Annotated[
        str,
        Parameter(name="--from", metavar="TIME", help="The start of the range of time to load."),
    ],
    end: Annotated[
        str, Parameter(name="--to", metavar="TIME", help="Its end; whole chunks are loaded.")
    ],
    streams: Annotated[
        list[str] | None,
        Parameter(
            metavar="PATTERN",
            negative="",
            help="Only the streams that it matches: * is any text, ? any character, so 'account-*' "
            "(in quotes) is a category. May be given more than once.",
        ),
    ] = None,
    keep_for: Annotated[
        str | None,
        Parameter(
            name="--for",
            metavar="LENGTH",
            help="How long they stay: coldstream lifecycle run drops them afterwards (else: until "
            "coldstream drop). Chunks that are in the database already are kept as long, too.",
        ),
    ] = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Load archived chunks back into the database, for clients that know the database alone.

    They are dropped again without a new export. Of two lengths for one chunk the longer counts.
    With --streams, other readers still find the chunk in the archive. A run that was stopped is
    gone on with by the next one; a dry run says what the rows take, and about how long it takes.
    """
    from coldstream.cli.durations import parse_length, parse_time
    from coldstream.cli.views.chunks import (
        ARCHIVED,
        WAITING,
        say_estimate,
        show_chunks,
        watching,
    )
    from coldstream.lifecycle.loading import ROWS_A_SECOND

    range = (parse_time(start), parse_time(end))
    if range[0] >= range[1]:
        raise InvalidInput(f"The range ends before it starts: {start} to {end}")
    length = parse_length(keep_for) if keep_for else None
    with opened(database) as store:
        found = store.lifecycle.rehydrate(*range, streams=streams, dry_run=True)
        if found and not dry_run:
            with watching("rehydrate", len(found)) as progress:
                found = lifecycle_of(store, progress).rehydrate(
                    *range, streams=streams, keep_for=length, planned=found
                )
        elif not dry_run:
            # For what is there already: it stays as long.
            store.lifecycle.rehydrate(*range, streams=streams, keep_for=length)
    if found or json:
        title = "Would be rehydrated" if dry_run else "Rehydrated"
        seconds = {
            each.range_start: {"estimated_seconds": (each.messages or 0) / ROWS_A_SECOND}
            for each in found
        }
        show_chunks(
            title,
            WAITING if dry_run else ARCHIVED,
            found,
            json=json,
            more=seconds if dry_run else None,
        )
        if dry_run and not json:
            say_estimate(found)
    else:
        what = "all of it is" if streams is None else "these streams are"
        print(f"nothing to rehydrate: {what} in the database")
