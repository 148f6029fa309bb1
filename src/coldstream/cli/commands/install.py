"""A store in a database of your own."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

from cyclopts import Parameter

from coldstream.cli.app import STORE, app
from coldstream.cli.options import Database, DryRun, Json

ChunkInterval = Annotated[
    str | None,
    Parameter(metavar="LENGTH", help="What a new chunk covers (at the first install: 7d)."),
]
Layout = Annotated[
    Literal["bucket", "stream"] | None,
    Parameter(
        metavar="LAYOUT",
        help="The layout of the columnstore (at the first install: bucket); stream is for few, "
        "very long streams.",
    ),
]
CompressAfter = Annotated[
    str | None,
    Parameter(
        metavar="AGE", help="The age at which a chunk is compressed (at the first install: 7d)."
    ),
]
Compression = Annotated[
    Literal["lz4", "pglz"] | None,
    Parameter(
        metavar="METHOD",
        help="How the columnstore is compressed: lz4 is read faster (at the first install, where "
        "the server has it); pglz is smaller.",
    ),
]
Engine = Annotated[
    Literal["timescale", "postgres"] | None,
    Parameter(
        metavar="ENGINE",
        help="timescale (at the first install), or postgres: an ordinary table, without the "
        "extension and without tiers.",
    ),
]
Role = Annotated[
    str | None,
    Parameter(
        metavar="ROLE", help="The application's role, which is made (default: named as the schema)."
    ),
]


@app.command(group=STORE)
def init(
    *,
    database: Database,
    chunk_interval: ChunkInterval = None,
    layout: Layout = None,
    compress_after: CompressAfter = None,
    compression: Compression = None,
    engine: Engine = None,
    role: Role = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Install a store into a schema of a database, or bring it up to this release.

    It creates the extension timescaledb where it may (not for --engine postgres), prints what it
    did, and does nothing when there is nothing to do. A setting that is left out stays as it
    is. --dry-run prints the SQL.
    """
    from coldstream.cli.durations import parse_length
    from coldstream.cli.views.human import printable
    from coldstream.cli.views.render import write_json
    from coldstream.migrations import Settings, install
    from coldstream.migrations.connection import direct_connection
    from coldstream.sql import Names

    names = Names(database.schema, role)
    settings = Settings(
        parse_length(chunk_interval) if chunk_interval else None,
        layout,
        parse_length(compress_after) if compress_after else None,
        compression,
        engine,
    )
    with direct_connection(database.dsn, names.schema) as connection:
        done = install(connection, names, settings, dry_run=dry_run)
    if json:
        write_json(
            {"schema": done.schema, "dry_run": dry_run, "actions": done.actions}
            | {"warnings": done.warnings}
            | ({"sql": done.sql} if dry_run else {})
        )
        return
    # The SQL is what a program may want from a dry run; what it means is for people.
    out = sys.stderr if dry_run else sys.stdout
    if dry_run:
        print("\n".join(done.sql), flush=True)
        if done.changed:
            print("Nothing was changed. A run would say:", file=out)
    for action in done.actions:
        print(printable(action), file=out)
    for warning in done.warnings:
        print(f"warning: {printable(warning)}", file=sys.stderr)
    if not done.changed:
        print(f"nothing to do: the store in schema {done.schema} is current", file=out)


@app.command(group=STORE)
def sql(
    *,
    schema: Annotated[
        str, Parameter(metavar="SCHEMA", help="The schema to install into.")
    ] = "message_store",
    role: Role = None,
    timescaledb_schema: Annotated[
        str, Parameter(metavar="SCHEMA", help="The schema that the extension timescaledb is in.")
    ] = "public",
    chunk_interval: ChunkInterval = None,
    layout: Layout = None,
    compress_after: CompressAfter = None,
    compression: Compression = None,
    engine: Engine = None,
) -> None:
    """Print the SQL of a first install, without a database: to read it, or to run it with psql.

    It is one transaction: psql -v ON_ERROR_STOP=1 -f coldstream.sql.
    """
    from coldstream.cli.durations import parse_length
    from coldstream.migrations import Settings, plan_sql
    from coldstream.sql import Names

    settings = Settings(
        parse_length(chunk_interval) if chunk_interval else None,
        layout,
        parse_length(compress_after) if compress_after else None,
        compression,
        engine,
    )
    for statement in plan_sql(Names(schema, role, timescaledb_schema), settings):
        print(statement)
