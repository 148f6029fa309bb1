"""The archive's Parquet files as an Apache Iceberg table, without rewriting one of them.

The ledger and the manifests are the truth; the table is a copy of what they say, and can be made
anew from them at any time. It has no partitions: a file may then hold whatever it holds.

``pyiceberg`` (extra ``iceberg``) is imported when a table is opened: that takes a second or two.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from coldstream.errors import ColdstreamError, PublicationError, SetupError

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table

CATALOG = "coldstream"
"""The catalog's name: in pyiceberg's configuration, and in the tables of an SQL catalog."""
TABLE = "messages"
_STORE_ID = "coldstream.store-id"
_INIT = "init_catalog_tables"  # pyiceberg's property of a catalog in a database
_CATALOG_TABLES = ("iceberg_tables", "iceberg_namespace_properties")
# The data itself never changes: what a commit makes is metadata, and this keeps it small.
_PROPERTIES = {
    "format-version": "2",
    "commit.manifest-merge.enabled": "true",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "20",
    # The files have none, and they would prune nothing.
    "write.metadata.metrics.column.data": "none",
    "write.metadata.metrics.column.metadata": "none",
    "write.metadata.metrics.column.id": "none",
}


@dataclass(frozen=True)
class ArchivedRange:
    """What the ledger says of one file: the URL of its range's folder, and its own if proved.

    Without its own (exported again, and not verified yet) the range is left as it is published.
    """

    folder: str
    url: str | None
    messages: int


@dataclass(frozen=True)
class Difference:
    """What a table lacks and what it has too much, as URLs; ``kept`` files are right."""

    add: tuple[str, ...]
    remove: tuple[str, ...]
    kept: int

    def __bool__(self) -> bool:
        return bool(self.add or self.remove)


@dataclass(frozen=True)
class Catalogued:
    """Where a table is: the properties of its catalog, and how the catalog calls it.

    ``location`` is where a new table's metadata goes; ``None`` leaves that to the catalog.
    ``store_id`` keeps two stores of one name apart.
    """

    properties: Mapping[str, str] = field(repr=False)
    namespace: str
    location: str | None
    store_id: str

    @property
    def name(self) -> str:
        return f"{self.namespace}.{TABLE}"


class IcebergTable:
    """One store's table. Every method raises PublicationError where catalog or storage fail.

    ``make=False``, for a dry run: a catalog in a database whose tables are missing gets none, and
    has no table."""

    def __init__(self, where: Catalogued, *, make: bool = True) -> None:
        self.where = where
        self._table: Table | None = None
        with _reported(f"open the catalog of {where.name}"):
            try:
                from pyiceberg.catalog import load_catalog
            except ModuleNotFoundError as error:
                raise SetupError(
                    "An Iceberg table needs pyiceberg", hint="pip install 'coldstream[iceberg]'"
                ) from error
            # Its tables are made below: what fails in its constructor keeps its connections.
            properties = {**where.properties, _INIT: "false"}
            self._catalog: Catalog = load_catalog(CATALOG, **properties)
            try:
                self._is_there = self._has_tables()
                if make and not self._is_there:
                    self._catalog.create_tables()  # type: ignore[attr-defined]
                    self._is_there = True
            except BaseException:
                self.close()
                raise

    def _has_tables(self) -> bool:
        engine = getattr(self._catalog, "engine", None)
        if engine is None:
            return True
        from sqlalchemy import inspect

        return all(inspect(engine).has_table(name) for name in _CATALOG_TABLES)

    def __enter__(self) -> IcebergTable:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back the catalog's connections; what follows connects again."""
        engine = getattr(self._catalog, "engine", None)
        if engine is not None:
            engine.dispose()

    def load(self) -> None:
        """Look at the table as it is now; what follows builds on that and on nothing later.

        Raises:
            PublicationError: also where the table is another store's.
        """
        from pyiceberg.exceptions import NoSuchTableError

        if not self._is_there:
            return
        with _reported(
            f"read the Iceberg table {self.where.name}",
            hint="Where its metadata is lost: coldstream iceberg publish --anew.",
        ):
            try:
                self._table = self._catalog.load_table((self.where.namespace, TABLE))
            except NoSuchTableError:
                self._table = None
                return
        owner = self._table.properties.get(_STORE_ID)
        if owner != self.where.store_id:
            raise PublicationError(
                f"The Iceberg table {self.where.name} belongs to another store",
                hint="Give every store a catalog or a schema of its own.",
            )

    def forget(self) -> None:
        """Take the table out of the catalog. No file is deleted."""
        from pyiceberg.exceptions import NoSuchTableError

        doing = f"take {self.where.name} out of the catalog"
        with _reported(doing), suppress(NoSuchTableError):
            self._catalog.drop_table((self.where.namespace, TABLE))
        self._table = None

    @property
    def metadata_location(self) -> str | None:
        """Where the table's current metadata is: all that some readers ask for."""
        return None if self._table is None else self._table.metadata_location

    @property
    def messages(self) -> int:
        """How many messages the table says it has."""
        snapshot = None if self._table is None else self._table.current_snapshot()
        if snapshot is None or snapshot.summary is None:
            return 0
        return int(snapshot.summary.get("total-records") or 0)

    def difference(self, ranges: Iterable[ArchivedRange]) -> Difference:
        """What makes the table what the ledger says."""
        truth = list(ranges)
        wanted = {each.url: each for each in truth if each.url is not None}
        pending = tuple(f"{each.folder}/" for each in truth if each.url is None)
        published = set(self._files())
        stale = {url for url in published - set(wanted) if not url.startswith(pending or ("\0",))}
        missing = set(wanted) - published
        return Difference(tuple(sorted(missing)), tuple(sorted(stale)), len(published) - len(stale))

    def apply(self, difference: Difference) -> None:
        """Add and remove in one commit: a reader sees the table before or after it.

        Raises:
            TableMoved: somebody else committed since :meth:`load`; nothing was changed.
        """
        from pyiceberg.exceptions import CommitFailedException

        with _reported(f"write the Iceberg table {self.where.name}"):
            table = self._table or self._created()
            files = self._files()
            try:
                with table.transaction() as transaction:
                    if difference.add:
                        transaction.add_files(list(difference.add), check_duplicate_files=False)
                    if difference.remove:
                        with transaction.update_snapshot().overwrite() as overwrite:
                            for url in difference.remove:
                                overwrite.delete_data_file(files[url])
            except CommitFailedException as error:
                raise TableMoved(f"Somebody else changed {self.where.name}") from error
            self._table = table

    def _files(self) -> dict[str, Any]:
        if self._table is None:
            return {}
        with _reported(f"read the Iceberg table {self.where.name}"):
            return {task.file.file_path: task.file for task in self._table.scan().plan_files()}

    def _created(self) -> Table:
        self._catalog.create_namespace_if_not_exists(self.where.namespace)
        return self._catalog.create_table(
            (self.where.namespace, TABLE),
            table_schema(),
            location=self.where.location,
            properties={**_PROPERTIES, _STORE_ID: self.where.store_id},
        )


class TableMoved(PublicationError):
    """The table is not the one that was looked at."""


def table_schema() -> Schema:
    """The columns of an archive file as Iceberg has them, under the field ids of the files."""
    from pyiceberg.schema import Schema
    from pyiceberg.types import LongType, NestedField, StringType, TimestamptzType

    from coldstream.archive.format.rows import SCHEMA

    types = {"int64": LongType(), "string": StringType()}
    return Schema(
        *(
            NestedField(
                int(column.metadata[b"PARQUET:field_id"]),
                column.name,
                types.get(str(column.type), TimestamptzType()),
                required=not column.nullable,
            )
            for column in SCHEMA
        )
    )


_CATALOGS = "Give database, an URL, or the name of a catalog in .pyiceberg.yaml."


def catalog_properties(catalog: str) -> dict[str, str]:
    """What pyiceberg wants to hear of a catalog that is given as a URL, or by its name there."""
    if catalog.startswith(("http://", "https://")):
        # Errors of connections show all of it.
        if set("?#") & set(catalog):
            raise PublicationError(
                "There is a ? or a # in the URL of this catalog",
                hint="Tokens and other properties belong into .pyiceberg.yaml: give the name of "
                "the catalog there.",
            )
        return {"type": "rest", "uri": catalog}
    if "://" in catalog:
        return {"type": "sql", "uri": catalog}
    # A section of pyiceberg's own configuration. Anything else is a URL that was mistyped, and may
    # have a password.
    if set(":/@?") & set(catalog):
        raise PublicationError("This is no catalog", hint=_CATALOGS)
    with _reported(f"find the catalog {catalog}"):
        from pyiceberg.utils.config import Config

        found = Config().get_catalog_config(catalog)
        if not found:
            raise PublicationError(
                f"There is no catalog {catalog} in pyiceberg's configuration",
                hint=_CATALOGS,
            )
        return {str(name): str(value) for name, value in found.items()}


_OPTIONS = {
    "s3.endpoint": ("endpoint_url_s3", "endpoint_url", "endpoint"),
    "s3.access-key-id": ("access_key_id",),
    "s3.secret-access-key": ("secret_access_key",),
    "s3.session-token": ("session_token", "token"),
    "s3.region": ("region", "default_region"),
}


def storage_properties(options: Mapping[str, str] | None) -> dict[str, str]:
    """The archive's options for S3, and the environment's, as pyiceberg calls them."""
    given = {name.lower().removeprefix("aws_"): value for name, value in (options or {}).items()}
    found = {}
    for name, candidates in _OPTIONS.items():
        for candidate in candidates:
            value = given.get(candidate) or os.environ.get(f"AWS_{candidate.upper()}")
            if value:
                found[name] = value
                break
    if "s3.endpoint" in found:
        # Without a region pyiceberg asks Amazon for the bucket's, which a server elsewhere has not.
        found.setdefault("s3.region", "us-east-1")
    return found


@contextmanager
def _reported(doing: str, hint: str | None = None) -> Iterator[None]:
    """Whatever catalog, database and storage raise, in one line."""
    try:
        yield
    except ColdstreamError:
        raise
    except Exception as error:  # libraries raise all sorts, and none of it may stop the tiering
        told = str(error).strip().partition("\n")[0] or type(error).__name__
        raise PublicationError(f"Cannot {doing}: {told}", hint=hint) from error
