"""The archive: messages that left the database, in object storage.

Nothing here opens a database session: rows come in as plain tuples or Arrow batches and go out as
:class:`coldstream.message.Message`.

- ``location``: the object store behind a URL
- ``rows``, ``digest``, ``summary``: what one archived row is, and what is proved about many
- ``parquet``, ``csv``, ``ordering``: the two file formats, and reading them in global order
- ``layout``, ``manifest``, ``export``: key names, what a bucket says of itself, and the steps
- ``reader``, ``merge``, ``filters``: streams and categories over many objects
- ``inventory``: the newest manifest of every range
- ``query``, ``filesystem``: SQL over all of it with DuckDB

``pyarrow`` and ``obstore`` (extra ``archive``) are imported by these modules only, never by
``import coldstream``.
"""
