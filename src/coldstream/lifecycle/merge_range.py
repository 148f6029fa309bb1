"""A range that the database and the archive both have: what the database lacks of it is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from psycopg import sql

from coldstream.archive.format.rows import Row
from coldstream.archive.manifest.manifest import Manifest
from coldstream.archive.read.restore import archived_rows
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.client.incoming import correlation_category, fill_incoming
from coldstream.errors import LifecycleError
from coldstream.lifecycle.restored_streams import RestoredStreams, by_stream
from coldstream.lifecycle.session import Session
from coldstream.sql import query

_ROWS = 1_000
"""Of the database at a time."""
_LOADED = 20_000
"""Into the database at a time."""


def merge_range(session: Session, location: ArchiveLocation, key: str, manifest: Manifest) -> int:
    """Load what the archive has more of a range, in the caller's transaction; gives how many
    messages. What the database has more stays: the next export has both.

    Raises:
        ArchiveCorrupt: a file is not the one of the manifest.
        LifecycleError: both have another message at one position.
    """
    session.rows("begin_merge", [manifest.range_start])
    session.rows("make_incoming")
    streams = RestoredStreams(session, manifest, in_database=True)
    ours = _database_rows(session, manifest)
    mine = next(ours, None)
    missing: list[Row] = []
    loaded, is_more = 0, False
    for rows in archived_rows(location, manifest):
        streams.add(by_stream(rows))
        for row in rows:
            while mine is not None and _place(mine) < _place(row):
                mine, is_more = next(ours, None), True
            if mine is None or _place(mine) != _place(row):
                missing.append(row)
                continue
            if tuple(mine[:8]) != tuple(row[:8]):
                raise LifecycleError(
                    f"The archive has another message than the database at position {row[1]} of "
                    f"the stream {row[3]}",
                    hint="The database was written to after it was restored. Restore it once more "
                    "and rebuild before anybody writes, or make it a store of its own: coldstream "
                    "archive fork.",
                )
            mine = next(ours, None)
        if len(missing) >= _LOADED:
            loaded += _load(session, missing)
            missing = []
    loaded += _load(session, missing)
    is_more = is_more or mine is not None
    ours.close()
    streams.finish()
    session.rows("finish_merge", [manifest.range_start, key, manifest.digest, is_more])
    return loaded


def _place(row: Any) -> tuple[bytes, int]:
    """Where a row comes in the archive's order."""
    return row[3].encode(), row[1]


def _database_rows(session: Session, manifest: Manifest) -> Any:
    """The range's rows in the database, in the archive's order, as they were when this began."""
    statement = sql.SQL(query("export_rows", session.schema)).format(
        range_start=sql.Literal(manifest.range_start), range_end=sql.Literal(manifest.range_end)
    )

    def rows() -> Iterator[Any]:
        with session.connection.cursor("coldstream_merge") as cursor:
            cursor.itersize = _ROWS
            cursor.execute(statement)
            yield from cursor

    return rows()


def _load(session: Session, rows: list[Row]) -> int:
    if rows:
        fill_incoming(
            session.connection,
            session.schema,
            ((*row[:8], correlation_category(row[6])) for row in rows),
        )
        session.rows("merge_incoming")
    return len(rows)
