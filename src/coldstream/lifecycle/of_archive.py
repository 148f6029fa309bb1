"""The part of a store's lifecycle that is about its archive as a whole: what it says, whose it is,
and what is published of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from coldstream.client._sync import Client
from coldstream.lifecycle.session import Progress, no_progress, on_no_range, reading

if TYPE_CHECKING:
    from coldstream.archive.storage.location import ArchiveLocation, ObjectInfo
    from coldstream.lifecycle.adopt import Adopted, Forked
    from coldstream.lifecycle.publish import Publication
    from coldstream.lifecycle.rebuild import OnRange, Rebuilt
    from coldstream.lifecycle.repair import Repaired


class OfArchive:
    """See :class:`~coldstream.lifecycle.lifecycle.Lifecycle`, which this is a part of."""

    def __init__(
        self,
        store: Client,
        *,
        progress: Progress = no_progress,
        iceberg: str | None = None,
    ) -> None:
        self._store = store
        self._progress = progress
        self._iceberg = iceberg

    def publish(self, *, dry_run: bool = False, anew: bool = False) -> Publication:
        """Make the Iceberg table in the catalog ``iceberg`` what the ledger says: the verified
        Parquet objects, in one commit. A table that is, is left as it is.

        ``iceberg``: ``database`` (the store's own), the URL of a REST catalog, a SQLAlchemy URL, or
        the name of a catalog in pyiceberg's configuration. ``anew``: forget the table first, which
        repairs one whose metadata is lost.

        Raises:
            PublicationError: the catalog or the storage fails, or the table is another store's.
            SetupError: pyiceberg is not installed.
        """
        from coldstream.lifecycle.publish import DATABASE, publish

        return publish(self._store, self._iceberg or DATABASE, dry_run=dry_run, anew=anew)

    def rebuild(
        self,
        *,
        dry_run: bool = False,
        accept_failed: bool = False,
        planned: Iterable[Rebuilt] | None = None,
        on_range: OnRange = on_no_range,
    ) -> list[Rebuilt]:
        """Restore what the ledger does not know of the archive, and the heads of its streams, from
        the archive alone: into a store without messages, or into the archive's own that was
        restored from an older backup. A range that is in the database is compared with the archive,
        and what it lacks is loaded. Every object that is taken in is proved.

        Gives every archived range, and what became of it; one that cannot be restored has a
        ``problem`` and keeps no other. A transaction a range: a run that was killed goes on where
        it was. Writers are refused until all is restored, or ``accept_failed`` says that what
        failed is lost. ``dry_run`` reads manifests only. ``on_range`` is called after each.

        Nothing is written to the archive: :meth:`adopt` says that this database may.

        Raises:
            ArchiveConflict: the archive holds ranges of several stores.
            ArchiveUnavailable: the archive cannot be read; what was restored until then stays.
            LifecycleError: the store has messages, and the archive is another one's.
        """
        from coldstream.lifecycle.rebuild import rebuild

        self._check_url()
        return rebuild(
            self._store,
            dry_run=dry_run,
            accept_failed=accept_failed,
            planned=planned,
            on_range=on_range,
        )

    def clean(
        self,
        older_than: timedelta = timedelta(days=1),
        *,
        dry_run: bool = False,
        planned: Iterable[ObjectInfo] | None = None,
    ) -> list[ObjectInfo]:
        """Delete from the archive what killed and failed exports left: objects that are older and
        that no manifest names, nor the ledger. Gives them.

        Raises:
            ArchiveCorrupt: a manifest is damaged; its range was left as it is, the others were
                cleaned. A dry run passes over it.
            ArchiveUnavailable: the location cannot be read or written.
        """
        from coldstream.lifecycle.clean import clean

        self._check_url()
        return clean(self._store, older_than, dry_run=dry_run, planned=planned)

    def repair(
        self, *, dry_run: bool = False, planned: Iterable[Repaired] | None = None
    ) -> list[Repaired]:
        """Write the manifests again that this database knows and the archive lacks, because
        somebody deleted or damaged them. Every file of such a range is read and proved first, and
        so are its rows, by the digest in the ledger.

        Gives the ranges that lack one, and what became of each; one that cannot be repaired has a
        ``problem`` and keeps no other. ``dry_run`` looks at manifests only.

        Raises:
            ArchiveConflict: this database is not the one that writes to the archive.
            ArchiveUnavailable: the location cannot be read or written.
        """
        from coldstream.lifecycle.repair import repair

        self._check_url()
        return repair(self._store, dry_run=dry_run, planned=planned, progress=self._progress)

    def get_archive(self) -> str | None:
        """Where the store archives: its own archive since its first export, before that the one
        that the caller names; ``None``: nobody named one.

        Raises:
            ArchiveConflict: the caller names another one than the store's own.
        """
        from coldstream.archive.storage.urls import checked_url
        from coldstream.lifecycle.incarnation import check_own

        with reading(self._store) as session:
            own: str | None = session.one("own_archive")[0]
        check_own(self._store.archive, own)
        named = self._store.archive
        return own if own is not None or named is None else checked_url(named)

    def adopt(self, *, dry_run: bool = False, planned: Adopted | None = None) -> Adopted:
        """Say that this database is the successor of the one that wrote to the archive last: after
        a restore, or where the archive was copied to the store's ``archive``. The other one is
        refused from then on. Where the archive has more, nothing is archived before
        :meth:`rebuild`.

        Raises:
            ArchiveConflict: the archive is another store's; or it lacks ranges of the former place.
            ArchiveUnavailable: it cannot be read or written.
        """
        from coldstream.lifecycle.adopt import adopt

        self._check_url()
        return adopt(self._store, dry_run=dry_run, planned=planned)

    def fork(self, *, dry_run: bool = False, planned: Forked | None = None) -> Forked:
        """Say that this database is a copy, and make it a store of its own, with a new id, which
        archives to the store's ``archive``. What was archived before is read where it is.

        Raises:
            ArchiveConflict: that is the archive it was copied with, or another store's.
            ArchiveUnavailable: it cannot be read or written.
            InvalidInput: no archive was named.
        """
        from coldstream.lifecycle.adopt import fork

        self._check_url()
        return fork(self._store, dry_run=dry_run, planned=planned)

    def _check_url(self) -> None:
        """A mistake in the archive's URL is one whatever else is going on."""
        if self._store.archive is not None:
            from coldstream.archive.storage.urls import checked_url

            checked_url(self._store.archive)

    def _locate(self, archive_url: str, own: str | None) -> ArchiveLocation:
        """Where a range is: for one of the store's own archive, what the caller names."""
        from coldstream.archive.storage.location import ArchiveLocation

        url = archive_url
        if self._store.archive is not None and own in (None, archive_url):
            url = self._store.archive
        return ArchiveLocation.open(url, self._store.archive_options)
