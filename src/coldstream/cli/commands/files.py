"""Messages out of the store into files, and into it."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from coldstream.cli.app import STORE, app
from coldstream.cli.options import DryRun, Json, Tiers, opened
from coldstream.errors import InvalidInput


@app.command(group=STORE)
def export(
    target: Annotated[
        str,
        Parameter(
            name="FILE",
            help="The file: a path, - for stdout, or s3://bucket/name. .gz and .zst are "
            "compressed, .parquet is Parquet.",
            allow_leading_hyphen=True,
        ),
    ],
    /,
    *,
    database: Tiers,
    category: Annotated[
        tuple[str, ...],
        Parameter(
            negative="", metavar="CATEGORY", help="Only this category; may be given several times."
        ),
    ] = (),
    stream: Annotated[
        tuple[str, ...],
        Parameter(
            negative="", metavar="STREAM", help="Only this stream; may be given several times."
        ),
    ] = (),
    position: Annotated[
        int | None,
        Parameter(
            metavar="N",
            validator=Number(gte=0),
            help="Begin at this position of the one stream, or else at this global position.",
        ),
    ] = None,
    last_position: Annotated[
        int | None, Parameter(metavar="N", validator=Number(gte=0), help="End with this one.")
    ] = None,
    start: Annotated[
        str | None,
        Parameter(name="--from", metavar="TIME", help="Only messages of this time or later."),
    ] = None,
    end: Annotated[
        str | None, Parameter(name="--to", metavar="TIME", help="Only messages before this time.")
    ] = None,
    format: Annotated[
        Literal["ndjson", "eventodb", "parquet"] | None,
        Parameter(
            metavar="FORMAT",
            help="ndjson, eventodb or parquet, where the name does not say it (else: ndjson).",
        ),
    ] = None,
    scrub: Annotated[
        str | None,
        Parameter(
            metavar="RULES",
            help="A file of rules that make fields of data and metadata hashes or constants.",
        ),
    ] = None,
    overwrite: Annotated[
        bool, Parameter(negative="", show_default=False, help="Replace a file that exists.")
    ] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Write messages to a file: everything, or what the options select; from every tier.

    The file has its name when it is whole. A dry run reads and counts, and writes nothing.
    """
    from coldstream.cli.durations import parse_time
    from coldstream.cli.views.files import show_exported
    from coldstream.cli.views.progress import step

    with (
        opened(database) as store,
        step("read" if dry_run else "export", noun="messages") as running,
    ):
        found = store.export(
            target,
            categories=category,
            streams=stream,
            position=position,
            last_position=last_position,
            start=None if start is None else parse_time(start),
            end=None if end is None else parse_time(end),
            format=format,
            scrub=scrub,
            overwrite=overwrite,
            dry_run=dry_run,
            progress=running.to,
        )
    show_exported(found, dry_run=dry_run, json=json)


@app.command(name="import", group=STORE)
def import_(
    source: Annotated[
        str,
        Parameter(
            name="FILE",
            help="The file: a path, - for stdin, or s3://bucket/name.",
            allow_leading_hyphen=True,
        ),
    ],
    /,
    *,
    database: Tiers,
    global_positions: Annotated[
        Literal["new", "keep"],
        Parameter(
            metavar="NEW|KEEP",
            help="new: they are given anew. keep: they are the file's, and go up from beyond the "
            "last one of the store.",
        ),
    ] = "new",
    batch_size: Annotated[
        int, Parameter(metavar="N", validator=Number(gte=1), help="Messages a transaction.")
    ] = 50_000,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Bring the messages of a file along, with their ids, positions and times: NDJSON or Parquet of
    coldstream export, or EventoDB's export.

    The whole file is checked before anything is written. An import that was stopped is run again:
    what is there is left as it is. A dry run checks the file.
    """
    from coldstream.cli.views.files import show_imported
    from coldstream.cli.views.progress import step

    _check_file(source, "import")
    with opened(database, max_size=2) as store, step("import", noun="messages") as running:

        def checking(done: int) -> None:
            running.part("check")

        def progress(done: int) -> None:
            running.part("write")
            running.to(done)

        found = store.import_file(
            source,
            global_positions=global_positions,
            batch_size=batch_size,
            dry_run=dry_run,
            checking=checking,
            progress=progress,
        )
        running.end()
    show_imported(found, dry_run=dry_run, json=json)


def _check_file(name: str, command: str) -> None:
    # A misspelt option ends up there, for it may be a hyphen.
    if name.startswith("-") and name != "-":
        raise InvalidInput(
            f"Unknown option: {name}", hint=f"coldstream {command} --help; a file: ./{name}"
        )
