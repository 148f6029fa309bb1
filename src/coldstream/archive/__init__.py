"""The archive: messages that left the database, in object storage.

Nothing here opens a database session: rows come in as plain tuples or Arrow batches and go out as
:class:`coldstream.messages.message.Message`.

- ``location``: the object store behind a URL
- ``rows``, ``digest``, ``summary``: what one archived row is, and what is proved about many
- ``parquet``, ``csv``, ``ordering``: the two file formats, and reading them in global order
- ``layout``, ``manifest``, ``export``: key names, what a bucket says of itself, and the steps
- ``reader``, ``merge``, ``filters``: streams and categories over many objects
- ``inventory``: the newest manifest of every range
- ``query``, ``filesystem``: SQL over all of it with DuckDB

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
