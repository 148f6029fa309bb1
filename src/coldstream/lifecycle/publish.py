"""The archive published as an Iceberg table: what the ledger proves, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, repeat

from coldstream.again import Pauses, again
from coldstream.archive.engines.iceberg import (
    ArchivedRange,
    Catalogued,
    Difference,
    IcebergTable,
    TableMoved,
    catalog_properties,
    storage_properties,
)
from coldstream.archive.manifest import layout
from coldstream.archive.storage.urls import checked_url
from coldstream.client._sync import Client
from coldstream.client._sync.statements import connections_of
from coldstream.client.connect import in_public
from coldstream.errors import ColdstreamError, PublicationError
from coldstream.lifecycle.incarnation import check_incarnation, check_own, own_location
from coldstream.lifecycle.session import Session, looking, reading
from coldstream.lifecycle.states import DROPPED, REHYDRATED, VERIFIED

_PROVED = frozenset({VERIFIED, DROPPED, REHYDRATED})
_TRIES = 3
DATABASE = "database"
"""The catalog that is in the store's own database."""


@dataclass(frozen=True)
class Publication:
    """A published table: what a call added and removed (or, dry, would), and what it then has.

    ``added`` and ``removed`` are URLs of files. ``not_publishable``: verified objects that are no
    Parquet. ``messages``: what the table says it has; ``expected_messages``: what the ledger says
    of the files that belong there. ``problem``: why it could not be brought into step.
    """

    table: str
    metadata_location: str | None
    files: int
    messages: int
    expected_messages: int
    added: tuple[str, ...]
    removed: tuple[str, ...]
    not_publishable: tuple[str, ...]
    problem: ColdstreamError | None = None


def publish(
    store: Client, catalog: str, *, dry_run: bool = False, anew: bool = False
) -> Publication:
    """Make the table what the ledger says; a table that is, is left as it is.

    ``anew``: forget the table first, which repairs one whose metadata is lost.

    Raises:
        PublicationError: the catalog or the storage fails, or the table is another store's.
        SetupError: pyiceberg is not installed.
    """
    with (looking if dry_run else reading)(store) as session:
        where = _where(store, session, catalog)
    # The table is forgotten once: a second time it would be the one just made.
    forget = chain([anew], repeat(False))

    def once() -> Publication:
        return _once(store, where, dry_run=dry_run, anew=next(forget))

    def moved(error: Exception) -> bool:
        return isinstance(error, TableMoved)

    return again(once, times=_TRIES, on=moved, pauses=Pauses(0, 0))


def keep_in_step(store: Client, catalog: str | None) -> Publication | None:
    """Publish what a lifecycle step has changed. A failure is told, and stops nothing: the next
    call, or ``coldstream iceberg publish``, makes up for it. ``None``: no catalog, or nothing to
    publish yet."""
    if not catalog:
        return None
    try:
        return publish(store, catalog)
    except NothingArchived:
        return None
    except ColdstreamError as error:
        return Publication(f"{store.schema}.messages", None, 0, 0, 0, (), (), (), error)


class NothingArchived(PublicationError):
    """There is nothing to publish yet."""


def _once(store: Client, where: Catalogued, *, dry_run: bool, anew: bool) -> Publication:
    if anew and not dry_run:
        _check_may_publish(store)
    with _beside(store), IcebergTable(where, make=not dry_run) as table:
        if anew and not dry_run:
            table.forget()
        # Before the ledger is looked at: what somebody else publishes in between makes the commit
        # fail, and is never taken for stale.
        table.load()
    with (looking if dry_run else reading)(store) as session:
        ranges, not_publishable = _ranges(session)
    with _beside(store), table:
        difference = table.difference(ranges)
    if difference and not dry_run:
        _check_may_publish(store)
        with _beside(store), table:
            table.apply(difference)
    return _publication(table, difference, ranges, not_publishable)


def _check_may_publish(store: Client) -> None:
    """A copy of a database has a copy of its catalog, and its table's files are the original's.

    Raises:
        ArchiveConflict: this database is not the one that writes to the archive.
    """
    with reading(store) as session:
        check_incarnation(session, own_location(store, session))


def _publication(
    table: IcebergTable,
    difference: Difference,
    ranges: list[ArchivedRange],
    not_publishable: tuple[str, ...],
) -> Publication:
    return Publication(
        table.where.name,
        table.metadata_location,
        difference.kept + len(difference.add),
        table.messages,
        sum(each.messages for each in ranges if each.url),
        difference.add,
        difference.remove,
        not_publishable,
    )


def _ranges(session: Session) -> tuple[list[ArchivedRange], tuple[str, ...]]:
    ranges, not_publishable = [], []
    for start, end, state, url, key, format, messages in session.rows("archived_objects"):
        base = url.rstrip("/")
        folder = f"{base}/{layout.range_prefix(session.schema, start, end)}"
        proved = f"{base}/{key}" if state in _PROVED else None
        if proved is not None and format != "parquet":
            not_publishable.append(proved)
        else:
            ranges.append(ArchivedRange(folder, proved, messages or 0))
    return ranges, tuple(not_publishable)


def _where(store: Client, session: Session, catalog: str) -> Catalogued:
    archives = [row[3] for row in session.rows("archived_objects")]
    [own] = session.one("own_archive")
    check_own(store.archive, own)
    archive = store.archive or own or (archives[-1] if archives else None)
    if archive is None:
        raise NothingArchived(
            "Nothing is archived yet", hint="coldstream archive and coldstream verify come first."
        )
    if archive.startswith("memory:"):
        raise PublicationError("An archive in memory cannot be published")
    archive = checked_url(archive)
    if archive.startswith("az:"):
        raise PublicationError(
            "Readers of Iceberg tables do not know URLs that begin with az:",
            hint="Name the archive as Azure does from its first export on: "
            "abfss://container@account.dfs.core.windows.net/prefix.",
        )
    properties = storage_properties(store.archive_options)
    folder = f"{layout.safe_part(store.schema)}/{layout.ICEBERG}"
    location: str | None = f"{archive.rstrip('/')}/{folder}"
    if catalog == DATABASE:
        properties |= {"type": "sql", "uri": _sqlalchemy_url(store)}
    else:
        properties |= catalog_properties(catalog)
        if properties.get("type") == "rest":
            # Such a catalog has a warehouse, and keeps its tables there.
            location = None
    return Catalogued(properties, store.schema, location, str(session.one("store_id")[0]))


def _sqlalchemy_url(store: Client) -> str:
    from urllib.parse import urlencode

    from psycopg.conninfo import conninfo_to_dict

    # The catalog names its tables without a schema, and readers of it look into public. By the path
    # of the database or the role they would be somewhere else, in pg_temp even.
    dsn = in_public(store.dsn) if connections_of(store).is_direct else store.dsn
    # All of it as parameters: they reach libpq as they are, whatever form the DSN has.
    return f"postgresql+psycopg://?{urlencode(conninfo_to_dict(dsn))}"


@contextmanager
def _beside(store: Client) -> Iterator[None]:
    """Where the server takes one connection only, the store's is given up: its next call connects
    again."""
    if store.max_size == 1:
        connections_of(store).release()
    yield
