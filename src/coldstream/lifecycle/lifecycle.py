"""The lifecycle of one store: its verbs, each of which is a file beside this one. What is about the
archive as a whole is in :mod:`of_archive`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from coldstream.errors import InvalidInput
from coldstream.lifecycle.chunk import Chunk
from coldstream.lifecycle.compress import compress
from coldstream.lifecycle.drop import Drop, drop
from coldstream.lifecycle.of_archive import OfArchive
from coldstream.lifecycle.plan import Step
from coldstream.lifecycle.policy import Policy, get_policy, set_policy
from coldstream.lifecycle.published import Published
from coldstream.lifecycle.session import OlderThan, reading
from coldstream.lifecycle.transition import Transition

if TYPE_CHECKING:
    from coldstream.lifecycle.verify import Verification
    from coldstream.settings import Format


class Lifecycle(OfArchive):
    """The lifecycle of one store. ``older_than`` is an age or an aware time: what ended before.

    ``store.lifecycle`` is one with the defaults. ``progress``: called as a step goes on, with the
    chunk, the step's name, what is done and of how much (``None``: not known). ``iceberg``: the
    catalog of an Iceberg table that :meth:`verify` and :meth:`run` keep in step; see
    :meth:`publish`.

    Every method raises LifecycleBusy while another lifecycle works on the store, and Unavailable
    when the connection is lost; what has not been proved by then has not been dropped. A direct
    connection is needed (the lock belongs to a session), not a pooler in transaction mode.

    A ``dry_run`` needs neither the lock nor a free lifecycle, and changes nothing at all: it gives
    what a run would find after it closed the chunks whose range has ended. ``planned`` is what a
    dry run of the same call gave: nothing else is done, and PlanChanged says, once the rest is
    done, what is not as it was shown and was left as it is. :meth:`rebuild`, :meth:`repair`,
    :meth:`adopt` and :meth:`fork` do nothing then.
    """

    def get_chunks(self) -> list[Chunk]:
        """Every chunk of the store, whatever its tier, oldest first."""
        with reading(self._store) as session:
            return session.chunks(sizes=True)

    def get_bookkeeping(self) -> dict[str, int]:
        """What the store's tables beside the messages take in the database, in bytes with their
        indexes, by name, the largest first: heads, marks, the ledger, recent ids, consumers."""
        with reading(self._store) as session:
            return dict(session.rows("bookkeeping"))

    def get_replaced_functions(self) -> str | None:
        """The store's functions that somebody replaced since the last install, by a comma; ``None``
        where all are as they were. Every verb refuses to work with them."""
        with reading(self._store) as session:
            replaced: str | None = session.one("replaced_functions")[0]
            return replaced

    def compress(
        self,
        older_than: OlderThan,
        *,
        dry_run: bool = False,
        planned: Iterable[Chunk] | None = None,
    ) -> list[Chunk]:
        """Move chunks into the columnstore; gives them as they are afterwards.

        Raises:
            UnsupportedEdition: the Apache edition has none.
        """
        return compress(
            self._store, older_than, dry_run=dry_run, planned=planned, progress=self._progress
        )

    def archive(
        self,
        older_than: OlderThan,
        *,
        format: Format = "parquet",
        again: bool = False,
        spool_dir: Path | None = None,
        file_rows: int | None = None,
        dry_run: bool = False,
        planned: Iterable[Chunk] | None = None,
    ) -> list[Chunk]:
        """Export chunks to the archive; gives them as they are afterwards. They stay in the
        database, sealed: their rows do not change any more.

        ``again``: also what was exported before and is still in the database. ``file_rows``: how
        many rows a file may have (2,500,000 where nothing is said); a chunk of more gets several.

        Raises:
            ArchiveUnavailable: the location cannot be written; nothing was sealed then.
            LifecycleError: a retention policy of TimescaleDB drops chunks of this store.
        """
        from coldstream.archive.export import Files
        from coldstream.lifecycle.export import archive

        self._check_url()
        return archive(
            self._store,
            older_than,
            files=Files(format, file_rows, spool_dir),
            again=again,
            dry_run=dry_run,
            planned=planned,
            progress=self._progress,
        )

    def verify(
        self,
        *,
        again: bool = False,
        deep: bool = False,
        sample: int | float | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        dry_run: bool = False,
        planned: Iterable[Verification] | None = None,
    ) -> Published[Verification]:
        """Read exported objects back and prove them; with ``again``, every archived object.

        An object that was never verified is proved row by row: only that lets its chunk be dropped.
        One that was is proved by its SHA-256; ``deep`` recomputes the digest of its rows once more.
        ``start`` and ``end`` (aware times) narrow it to the chunks that a range touches; ``sample``
        to that many of them, or to a share up to 1.0, by chance. Any of these means ``again``.

        They are read where the store's ``archive`` says, or else where the ledger does. What is
        proved there is read from there from then on: so a copied archive is taken into use.

        A damaged object is a result, not an exception: look at ``problem``. With an ``iceberg``
        catalog, what is proved is published; where that fails, the result's ``publication`` says
        why, and nothing else does.

        A ``dry_run`` reads nothing from the archive: it gives what would be read. ``planned``
        takes the place of ``sample``: what was chosen by chance is what is read.

        Raises:
            InvalidInput: a time without a time zone, or no such sample.
        """
        from coldstream.lifecycle.publish import keep_in_step
        from coldstream.lifecycle.verify import verify

        results = verify(
            self._store,
            self._locate,
            again=again,
            deep=deep,
            sample=sample,
            start=start,
            end=end,
            dry_run=dry_run,
            planned=planned,
            progress=self._progress,
        )
        published = results and not dry_run
        return Published(results, keep_in_step(self._store, self._iceberg) if published else None)

    def drop(
        self,
        older_than: OlderThan,
        *,
        kept: bool = False,
        dry_run: bool = False,
        planned: Iterable[Drop] | None = None,
    ) -> list[Drop]:
        """Drop verified chunks from the database, and parts of them that were rehydrated; gives all
        that are due, and why some stay. ``kept``: also what was to stay for a time that has not
        passed.

        Raises:
            ChunkChanged: the rows are not the ones that were verified; that chunk stays.
            ArchiveCorrupt: the archive has no longer what was verified; that chunk stays.
            ArchiveUnavailable: the archive cannot be asked whether it has it.
            LifecycleBusy: a reader kept a chunk locked through every try.
        """
        return drop(
            self._store,
            self._locate,
            older_than,
            kept=kept,
            dry_run=dry_run,
            planned=planned,
            progress=self._progress,
        )

    def rehydrate(
        self,
        start: datetime,
        end: datetime,
        *,
        streams: str | Sequence[str] | None = None,
        keep_for: timedelta | None = None,
        dry_run: bool = False,
        planned: Iterable[Chunk] | None = None,
    ) -> list[Chunk]:
        """Load archived chunks that a range of time touches back into the database.

        ``streams``: only the streams that one of these patterns matches (``*`` is any text, ``?``
        any character, and a pattern is all of a name: ``account-*``). They are read by every client
        then; to everybody else the chunks are in the archive as before, and ``state`` says so.
        What else is loaded of a chunk later, or all of it, is added.

        :meth:`run` drops them again, without a new export, when ``keep_for`` has passed; ``None``
        is never: they stay until :meth:`drop`. What is in the database already stays as long. Of
        two calls for one chunk the longer time counts.

        Raises:
            InvalidInput: the store has nothing in the range, or no stream that a pattern matches.
            Archived: a part of it was dropped by force.
            ArchiveUnavailable, ArchiveCorrupt: an object cannot be read, or is damaged.
            ChunkChanged: what was loaded is not what was archived; nothing was loaded.
            LifecycleError: a chunk of a longer interval, made later, overlaps the range.
        """
        from coldstream.lifecycle.rehydrate import rehydrate

        if keep_for is not None and keep_for <= timedelta(0):
            raise InvalidInput(f"keep_for must be positive: {keep_for}")
        return rehydrate(
            self._store,
            self._locate,
            start,
            end,
            streams=[streams] if isinstance(streams, str) else streams,
            keep_for=keep_for,
            dry_run=dry_run,
            planned=planned,
            progress=self._progress,
        )

    def get_policy(self) -> Policy:
        """The ages that :meth:`run` goes by, as they are stored in the database."""
        with reading(self._store) as session:
            return get_policy(session)

    def set_policy(self, policy: Policy) -> list[str]:
        """Store the ages that :meth:`run` goes by; gives what was done about TimescaleDB's own
        compression policy, which follows."""
        with reading(self._store) as session:
            return set_policy(session, policy)

    def get_transitions(self, limit: int = 100) -> list[Transition]:
        """What became of the chunks and who did it, the latest first."""
        with reading(self._store) as session:
            return [Transition(*row) for row in session.rows("transitions", [limit])]

    def run(
        self,
        policy: Policy | None = None,
        *,
        format: Format = "parquet",
        spool_dir: Path | None = None,
        file_rows: int | None = None,
        wait: timedelta = timedelta(0),
        dry_run: bool = False,
        planned: Iterable[Step] | None = None,
    ) -> Published[Step]:
        """Do every step that is due by ``policy``, or else by the store's: close, compress,
        archive, verify, drop, and drop again what was rehydrated for a time that has passed.

        Gives every step with its outcome, oldest chunk first. What fails is in the step's
        ``problem``, not raised: a chunk that fails does not keep the others; storage that cannot
        be reached keeps only what needs it. ``wait``: how long to wait for another lifecycle.
        With an ``iceberg`` catalog, the table is brought into step at the end; ``publication``
        says how that went.

        Of ``planned`` steps those that are not due any more are left out of what it gives; a drop
        of other messages than were shown fails with PlanChanged.

        Raises:
            LifecycleBusy: another lifecycle is running on this store.
            InvalidInput: a chunk is to be archived, and nobody said where to.
            LifecycleError: a retention policy of TimescaleDB drops chunks of this store.
        """
        from coldstream.archive.export import Files
        from coldstream.lifecycle.publish import keep_in_step
        from coldstream.lifecycle.run import run

        self._check_url()
        steps = run(
            self._store,
            self._locate,
            policy,
            files=Files(format, file_rows, spool_dir),
            wait=wait,
            dry_run=dry_run,
            planned=planned,
            progress=self._progress,
        )
        # Also where nothing was due: an earlier run may have failed to.
        return Published(steps, None if dry_run else keep_in_step(self._store, self._iceberg))
