"""A store's lifecycle: compress, archive, verify, drop, rehydrate. A file per verb.

What is due is decided by age; what may be done is decided by the chunk's state in the ledger
(:mod:`coldstream.lifecycle.states`). Every verb can be killed at any point and run again.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from coldstream.client._sync import Store
from coldstream.errors import InvalidInput
from coldstream.lifecycle.chunk import Chunk
from coldstream.lifecycle.compress import compress
from coldstream.lifecycle.drop import Drop, drop
from coldstream.lifecycle.session import OlderThan, Progress, no_progress, reading

if TYPE_CHECKING:
    from coldstream.archive.location import ArchiveLocation
    from coldstream.lifecycle.export import Format
    from coldstream.lifecycle.verify import Verification

__all__ = ["Chunk", "Drop", "Lifecycle", "OlderThan", "Progress"]


class Lifecycle:
    """The lifecycle of one store. ``older_than`` is an age or an aware time: what ended before.

    Every method raises LifecycleBusy while another lifecycle works on the store, and Unavailable
    when the connection is lost; what has not been proved by then has not been dropped. A direct
    connection is needed (the lock belongs to a session), not a pooler in transaction mode.
    """

    def __init__(
        self,
        store: Store,
        *,
        progress: Progress = no_progress,
    ) -> None:
        self._store = store
        self.progress = progress

    def get_chunks(self) -> list[Chunk]:
        """Every chunk of the store, whatever its tier, oldest first."""
        with reading(self._store) as session:
            return session.chunks()

    def compress(self, older_than: OlderThan, *, dry_run: bool = False) -> list[Chunk]:
        """Move chunks into the columnstore; gives them as they are afterwards.

        Raises:
            UnsupportedEdition: the Apache edition has none.
        """
        return compress(self._store, older_than, dry_run=dry_run, progress=self.progress)

    def archive(
        self,
        older_than: OlderThan,
        *,
        format: Format = "parquet",
        again: bool = False,
        spool_dir: Path | None = None,
        dry_run: bool = False,
    ) -> list[Chunk]:
        """Export chunks to the archive; gives them as they are afterwards. They stay in the
        database, sealed: their rows do not change any more.

        ``again``: also what was exported before and is still in the database.

        Raises:
            ArchiveUnavailable: the location cannot be written; nothing was sealed then.
            LifecycleError: a retention policy of TimescaleDB drops chunks of this store.
        """
        from coldstream.lifecycle.export import archive

        return archive(
            self._store,
            self._locate(None),
            older_than,
            format=format,
            again=again,
            spool_dir=spool_dir,
            dry_run=dry_run,
            progress=self.progress,
        )

    def verify(self, *, again: bool = False) -> list[Verification]:
        """Read exported objects back and prove them; with ``again``, every archived object.

        They are read where the store's ``archive`` says, or else where the ledger does. What is
        proved there is read from there from then on: so a copied archive is taken into use.

        A damaged object is a result, not an exception: look at ``problem``.
        """
        from coldstream.lifecycle.verify import verify

        return verify(self._store, self._locate, again=again, progress=self.progress)

    def drop(self, older_than: OlderThan, *, dry_run: bool = False) -> list[Drop]:
        """Drop verified chunks from the database; gives all that are due, and why some stay.

        Raises:
            ChunkChanged: the rows are not the ones that were verified; that chunk stays.
            LifecycleBusy: a reader kept a chunk locked through every try.
        """
        return drop(self._store, older_than, dry_run=dry_run, progress=self.progress)

    def rehydrate(self, start: datetime, end: datetime, *, dry_run: bool = False) -> list[Chunk]:
        """Load archived chunks that a range of time touches back into the database.

        Raises:
            InvalidInput: the store has nothing in the range.
            Archived: a part of it was dropped by force.
            ArchiveUnavailable, ArchiveCorrupt: an object cannot be read, or is damaged.
            ChunkChanged: what was loaded is not what was archived; nothing was loaded.
        """
        from coldstream.lifecycle.rehydrate import rehydrate

        return rehydrate(
            self._store, self._locate, start, end, dry_run=dry_run, progress=self.progress
        )

    def _locate(self, archive_url: str | None) -> ArchiveLocation:
        """The store's archive location, or else the one the ledger names."""
        from coldstream.archive.location import ArchiveLocation

        url = self._store.archive or archive_url
        if url is None:
            raise InvalidInput(
                "No archive location",
                hint="Give --archive or COLDSTREAM_ARCHIVE: s3://bucket/prefix or file:///folder.",
            )
        return ArchiveLocation.open(url, self._store.archive_options)
