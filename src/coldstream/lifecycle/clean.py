"""Out of the archive: what exports that were killed or failed left there."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from coldstream.archive.manifest.orphans import orphans
from coldstream.archive.storage.location import ObjectInfo
from coldstream.client._sync import Client
from coldstream.errors import ArchiveCorrupt, InvalidInput, PlanChanged
from coldstream.lifecycle.incarnation import claim, own_location
from coldstream.lifecycle.session import looking, working


def clean(
    store: Client,
    older_than: timedelta,
    *,
    dry_run: bool,
    planned: Iterable[ObjectInfo] | None,
) -> list[ObjectInfo]:
    """Delete the orphans that are older; gives them.

    Raises:
        ArchiveCorrupt: a manifest is damaged; its range was left as it is, and the others cleaned.
    """
    if older_than < timedelta(0):
        raise InvalidInput(f"That means the future: {older_than}")
    shown = None if planned is None else {info.key for info in planned}
    # Under the lock: no export of this store is at work, and the age is for those of others.
    with (looking if dry_run else working)(store) as session:
        location = own_location(store, session, make=not dry_run)
        known = frozenset(row[4] for row in session.rows("archived_objects"))
        found, damaged = orphans(
            location,
            session.schema,
            written_before=session.one("server_time")[0] - older_than,
            known=known,
        )
        if shown is not None:
            found = [info for info in found if info.key in shown]
        if found and not dry_run:
            # What no manifest names may be another database's, which is about to commit one.
            claim(session, location, probe=False)
            for info in found:
                location.delete(info.key)
        for error in () if dry_run else damaged:
            raise ArchiveCorrupt(
                f"{error}; its range was left as it is", hint="The other ranges were cleaned."
            )
        left = sorted((shown or set()) - {info.key for info in found})
        if not dry_run and any(location.exists(key) for key in left):
            raise PlanChanged(
                f"{len(left)} files that were shown have a manifest now, or are newer: they were "
                "left as they are",
                hint="The others were deleted.",
            )
        return found
