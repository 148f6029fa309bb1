"""The archive as an Apache Iceberg table."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from coldstream.cli.app import LIFECYCLE, app, group
from coldstream.cli.options import DryRun, Json, Tiers, opened

if TYPE_CHECKING:
    from coldstream.lifecycle import Publication

iceberg = group("iceberg", "The archive as an Apache Iceberg table.", group=LIFECYCLE)
app.command(iceberg)

Catalog = Annotated[
    str,
    Parameter(
        name="--iceberg",
        metavar="CATALOG",
        help="The catalog: database (the store's own), the URL of a REST catalog, a SQLAlchemy "
        "URL, or the name of a catalog in pyiceberg's configuration.",
    ),
]


@iceberg.command
def publish(
    *,
    database: Tiers,
    catalog: Catalog = "database",
    anew: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Forget the table and make it anew, where its metadata is lost.",
        ),
    ] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Publish the archive as an Apache Iceberg table.

    The table holds the verified Parquet files as they are; nothing is copied. Publishing twice
    changes nothing. Where COLDSTREAM_ICEBERG is set, coldstream verify publishes what it has
    proved. Needs the extra "iceberg".
    """
    from coldstream.lifecycle import Lifecycle

    with opened(database) as store:
        found = Lifecycle(store, iceberg=catalog).publish(dry_run=dry_run, anew=anew)
    _show(found, dry=dry_run, json=json)


@iceberg.command
def status(*, database: Tiers, catalog: Catalog = "database", json: Json = False) -> int:
    """Show whether the table has what the ledger says. Exit status 1 where it has not.

    Needs the extra "iceberg".
    """
    from coldstream.lifecycle import Lifecycle

    with opened(database) as store:
        found = Lifecycle(store, iceberg=catalog).publish(dry_run=True)
    _show(found, dry=True, json=json)
    return 1 if found.added or found.removed else 0


def _show(found: Publication, *, dry: bool, json: bool) -> None:
    from coldstream.cli.views.render import Column, Unit, render_record

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
