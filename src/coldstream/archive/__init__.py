"""The archive: messages that left the database, in object storage.

Nothing here opens a database session: rows come in as plain tuples or Arrow batches and go out as
:class:`coldstream.messages.message.Message`.

- ``storage``: the object store behind a URL, caches, temporary files
- ``format``: what an archived row is; Parquet and CSV
- ``manifest``: what a bucket says of itself: names, manifests, whose it is
- ``read``: streams and categories over many files
- ``engines``: DuckDB and Iceberg
- ``export``: the steps from rows to files that are proved and committed

A room uses those above it in this list and none below.

``pyarrow`` and ``obstore`` are imported by these modules only, never by ``import coldstream``. An
installation that lacks them (made without its dependencies) is told so here, before any of them is
imported.
"""

from importlib.util import find_spec

from coldstream.errors import SetupError


def _check(*names: str) -> None:
    for name in names:
        try:
            found = find_spec(name) is not None
        except ValueError:
            found = False
        if not found:
            raise SetupError(
                f"The archive cannot be read: {name} is not installed",
                hint="pip install coldstream, with its dependencies.",
            )


_check("obstore", "pyarrow")
