"""SQL over the archive."""

from __future__ import annotations

import sys
from typing import Annotated

from cyclopts import Parameter

from coldstream.cli.app import STORE, app
from coldstream.cli.options import Archive, Json


@app.command(group=STORE)
def query(
    sql: Annotated[
        str,
        Parameter(
            help="The query, in DuckDB's SQL; - reads it from stdin.",
            allow_leading_hyphen=True,
        ),
    ],
    /,
    *,
    archive: Archive,
    csv: Annotated[bool, Parameter(negative="", show_default=False, help="Print CSV.")] = False,
    json: Json = False,
    memory_limit: Annotated[
        str | None,
        Parameter(
            metavar="SIZE",
            help="How much memory the query may take, such as 500MB or 4GB; by default four "
            "fifths of the machine's. What does not fit goes to temporary files.",
        ),
    ] = None,
    allow_external_access: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            show_env_var=False,
            help="Let the query read and write local files, see the network, attach databases and "
            "load extensions. Without it, it reads the archive and nothing else.",
        ),
    ] = False,
) -> None:
    """Query the archive with SQL. It needs no database.

    messages has every archived message once, archived_ranges a row for each range. Needs the extra
    "query". A table shows 1,000 rows at most; --json and --csv print all, as they come.
    """
    from coldstream.archive.engines.query import check, errors, opened
    from coldstream.archive.storage.location import ArchiveLocation
    from coldstream.cli.views.results import rows_of, write_csv_rows, write_json_rows, write_table
    from coldstream.errors import InvalidInput

    if csv and json:
        raise InvalidInput("Give --csv or --json, not both")
    # It may begin with a comment, so a misspelt option ends up there.
    if sql.startswith("--") and "\n" not in sql:
        raise InvalidInput(f"Unknown option: {sql}", hint="coldstream query --help")
    text = sys.stdin.read() if sql == "-" else sql
    if not text.strip():
        raise InvalidInput("The query is empty")
    write = write_csv_rows if csv else write_json_rows if json else write_table
    if not allow_external_access:
        check(text)
    location = ArchiveLocation.open(archive.archive, archive.archive_options)
    with (
        opened(
            location,
            archive.schema,
            memory_limit=memory_limit,
            allow_external_access=allow_external_access,
        ) as connection,
        errors(),
    ):
        connection.execute(text)
        columns = connection.description or []
        write(
            [name for name, *_ in columns],
            [str(type) for _, type, *_ in columns],
            rows_of(connection.to_arrow_reader(1_000)),
        )
