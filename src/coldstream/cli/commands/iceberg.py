"""The archive as an Apache Iceberg table."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

from cyclopts import Parameter

from coldstream.cli.app import LIFECYCLE, app
from coldstream.cli.options import Database, DryRun, Json, opened, positional


@app.command(group=LIFECYCLE)
def iceberg(
    action: Annotated[
        Literal["status", "publish"],
        positional("status: is the table what the ledger says? publish: make it so."),
    ],
    /,
    *,
    database: Database,
    iceberg: Annotated[
        str,
        Parameter(
            metavar="CATALOG",
            help="The catalog: database (the store's own), the URL of a REST catalog, a SQLAlchemy "
            "URL, or the name of a catalog in pyiceberg's configuration.",
        ),
    ] = "database",
    anew: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="With publish: forget the table and make it anew, where its metadata is lost.",
        ),
    ] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> int:
    """Publish the archive as an Apache Iceberg table, or look whether it is published.

    The table holds the verified Parquet files as they are; nothing is copied. Publishing twice
    changes nothing. Where COLDSTREAM_ICEBERG is set, coldstream verify publishes what it has
    proved. Needs the extra "iceberg". Status exits 1 where the table is not in step.
    """
    from coldstream.cli.views.render import Column, Unit, render_record
    from coldstream.errors import InvalidInput

    if action == "status" and anew:
        raise InvalidInput("--anew goes with coldstream iceberg publish")
    with opened(database) as store:
        store.lifecycle.iceberg = iceberg
        found = store.lifecycle.publish(dry_run=dry_run or action == "status", anew=anew)
    dry = action == "status" or dry_run
    columns = [
        Column("metadata_location", "metadata"),
        Column("files", "files", Unit.COUNT),
        Column("messages", "messages", Unit.COUNT),
        Column("expected_messages", "messages to be there", Unit.COUNT),
        Column("added", "to add" if dry else "added"),
        Column("removed", "to remove" if dry else "removed"),
        Column("not_publishable", "not Parquet, so not published"),
    ]
    row = {column.key: getattr(found, column.key) for column in columns}
    if not json:
        for name in ("added", "removed", "not_publishable"):
            row[name] = len(row[name])
    render_record(found.table, columns, row, json=json)
    if found.not_publishable:
        print(
            "CSV files are not published: archive what is still in the database --again as Parquet",
            file=sys.stderr,
        )
    return 1 if action == "status" and (found.added or found.removed) else 0
