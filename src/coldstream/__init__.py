"""Coldstream: Message DB on TimescaleDB, with history that gets cheaper as it ages."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from coldstream._version import __version__
from coldstream.errors import (
    AppenderClosed,
    ArchiveConflict,
    ArchiveCorrupt,
    Archived,
    ArchiveError,
    ArchiveUnavailable,
    ChunkChanged,
    ClockAhead,
    ColdstreamError,
    ConsumerError,
    DuplicateMessageId,
    EmbeddedError,
    ExpectedVersionError,
    ForeignSchema,
    HandlerFailed,
    InvalidInput,
    LateMessage,
    LifecycleBusy,
    LifecycleError,
    MigrationError,
    MissingExtension,
    NotACategory,
    NotArchived,
    NotAStream,
    NotInstalled,
    PayloadMismatch,
    PlanChanged,
    PublicationError,
    SetupError,
    StoreClosed,
    Unavailable,
    UnsupportedEdition,
    UnsupportedEngine,
    UnsupportedServer,
)
from coldstream.settings import ArchiveReads, Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from datetime import timedelta

    from duckdb import DuckDBPyConnection
    from pyarrow import Table

    from coldstream.client.appender import Appender, AsyncAppender
    from coldstream.consumers import (
        AsyncConsumer,
        AsyncContext,
        Consumer,
        ConsumerFailure,
        ConsumerMember,
        Context,
        Handlers,
    )
    from coldstream.copying import AsyncCopy, Copied, Copy, CopyPlan
    from coldstream.entities import Entity, EntityCache, Projection, Snapshots
    from coldstream.lifecycle import Chunk, Policy
    from coldstream.messages.json import JsonText
    from coldstream.messages.message import Message, NewMessage, WriteResult
    from coldstream.messages.metadata import follow
    from coldstream.messages.payloads import to_message, to_reply
    from coldstream.migrations import Installed
    from coldstream.migrations.move import Moved
    from coldstream.migrations.namespaces import Namespace
    from coldstream.sql.objects import Engine
    from coldstream.store import AsyncStore, Store


def connect(
    dsn: str,
    *,
    schema: str = "message_store",
    archive: str | None = None,
    archive_options: Mapping[str, str] | None = None,
    archive_reads: ArchiveReads | None = None,
    max_size: int = 10,
    timeout: float = 10.0,
    prepare_threshold: int | None = None,
) -> Store:
    """A store, to be used as a context manager; see :class:`Store` for the arguments."""
    from coldstream.store import Store

    return Store(
        dsn,
        schema=schema,
        archive=archive,
        archive_options=archive_options,
        archive_reads=archive_reads,
        max_size=max_size,
        timeout=timeout,
        prepare_threshold=prepare_threshold,
    )


def connect_async(
    dsn: str,
    *,
    schema: str = "message_store",
    archive: str | None = None,
    archive_options: Mapping[str, str] | None = None,
    archive_reads: ArchiveReads | None = None,
    max_size: int = 10,
    timeout: float = 10.0,
    prepare_threshold: int | None = None,
) -> AsyncStore:
    """An async store, to be used as a context manager; see :class:`AsyncStore`."""
    from coldstream.store import AsyncStore

    return AsyncStore(
        dsn,
        schema=schema,
        archive=archive,
        archive_options=archive_options,
        archive_reads=archive_reads,
        max_size=max_size,
        timeout=timeout,
        prepare_threshold=prepare_threshold,
    )


def install(
    dsn: str,
    *,
    schema: str = "message_store",
    role: str | None = None,
    chunk_interval: timedelta | None = None,
    layout: str | None = None,
    compress_after: timedelta | None = None,
    compression: str | None = None,
    engine: Engine | None = None,
    dry_run: bool = False,
) -> Installed:
    """Install a store into a schema of a database, or bring it up to this release. Idempotent.

    Gives what was done (``actions``), what somebody else should do (``warnings``), and the SQL.
    ``role``: the role of those who read and write (else named like the schema). The settings are
    those of ``coldstream init``; ``None`` keeps what is set, or the default at the first install.
    ``engine``: ``timescale`` (at the first install), or ``postgres``, which needs no extension: an
    ordinary table with the same functions, without chunks, tiers and their settings. ``dry_run``
    changes nothing.

    Raises:
        Unavailable: no connection.
        MissingExtension, UnsupportedServer, ForeignSchema, MigrationError, SetupError: the database
            cannot have a store, or not this one.
        InvalidInput: not a DSN, or no such setting.
    """
    from coldstream.migrations import Settings as StoreSettings
    from coldstream.migrations import install
    from coldstream.migrations.connection import direct_connection
    from coldstream.sql import Names

    settings = StoreSettings(chunk_interval, layout, compress_after, compression, engine)
    with direct_connection(dsn, schema) as connection:
        return install(connection, Names(schema, role), settings, dry_run=dry_run)


def upgrade(
    dsn: str,
    *,
    to: Engine,
    schema: str = "message_store",
    progress: Callable[[int, int], None] | None = None,
) -> Moved | None:
    """Move a store to another engine, in place; ``None``: it has that one.

    Messages are copied in steps that are committed one by one, while programs write and read. They
    wait only for the switch at the end: ``switch_seconds`` of the result says how long. A move that
    was broken off goes on when this is called again. Nothing of a message changes: global
    positions, positions, ids, times, texts. ``progress``: called after each step with the global
    position up to which all is copied, and the last one.

    From ``timescale`` to ``postgres`` everything must be in the database: see ``rehydrate``.

    Raises:
        NotInstalled, Unavailable: no store, or no connection.
        SetupError: the store cannot move as it is; the hint says what to do.
        MissingExtension: the server has no TimescaleDB.
        LifecycleBusy: another move is at work, or others held locks for too long.
    """
    from coldstream.migrations.connection import direct_connection
    from coldstream.migrations.move import move
    from coldstream.sql import Names

    with direct_connection(dsn, schema) as connection:
        return move(connection, Names(schema), to, report=progress or (lambda done, last: None))


def namespaces(dsn: str) -> list[Namespace]:
    """The stores of a database, in the order of their schemas' names.

    Raises:
        Unavailable: no connection.
        InvalidInput: not a DSN.
    """
    from coldstream.migrations.connection import direct_connection
    from coldstream.migrations.namespaces import namespaces

    with direct_connection(dsn, "message_store") as connection:
        return namespaces(connection)


def delete_namespace(dsn: str, schema: str) -> Namespace:
    """Drop the schema of a store with all that it has; gives what that was. Its roles stay, and so
    does its archive. :func:`install` makes one.

    Raises:
        NotInstalled: there is no such schema.
        ForeignSchema: it has no store, and is left as it is.
        LifecycleBusy: somebody has it locked.
        Unavailable: no connection.
    """
    from coldstream.migrations.connection import direct_connection
    from coldstream.migrations.namespaces import delete_namespace

    with direct_connection(dsn, schema) as connection:
        return delete_namespace(connection, schema)


def query(
    sql: str,
    archive: str,
    *,
    schema: str = "message_store",
    archive_options: Mapping[str, str] | None = None,
    memory_limit: str | None = None,
    allow_external_access: bool = False,
) -> Table:
    """The result of an SQL query over an archive, as an Arrow table (extra ``query``).

    Needs no database. ``sql`` is DuckDB's: the view ``messages`` has every archived message once,
    the table ``archived_ranges`` a row for each range. ``memory_limit``: as DuckDB writes it
    (``500MB``, ``4GB``).

    The query reads the archive and nothing else, so that a service may pass on what its users
    write. ``allow_external_access``: it may also read and write local files, see the network,
    attach databases and load extensions, with the rights of this process.

    Raises:
        InvalidInput: DuckDB does not take the query, or it wants more than it may.
        ArchiveUnavailable, ArchiveCorrupt: the archive cannot be read, or is damaged.
        SetupError: DuckDB is not installed.
    """
    from coldstream.archive.engines.query import query

    return query(
        sql,
        archive,
        schema=schema,
        archive_options=archive_options,
        memory_limit=memory_limit,
        allow_external_access=allow_external_access,
    )


def open_archive(
    archive: str,
    *,
    schema: str = "message_store",
    archive_options: Mapping[str, str] | None = None,
    memory_limit: str | None = None,
    allow_external_access: bool = False,
) -> AbstractContextManager[DuckDBPyConnection]:
    """A DuckDB connection over an archive, for more than one query (extra ``query``): a context
    manager. Views, arguments and errors as of :func:`query`; its time zone is UTC.
    """
    from coldstream.archive.engines.query import opened
    from coldstream.archive.storage.location import ArchiveLocation

    return opened(
        ArchiveLocation.open(archive, archive_options),
        schema,
        memory_limit=memory_limit,
        allow_external_access=allow_external_access,
    )


# Loaded when asked for: the stores bring psycopg and messages bring JSON libraries. A program that
# only wants the errors, or --help, need not wait; nor need every run of pytest, which loads our
# plugin.
_LATE = {
    "Appender": "client.appender",
    "AsyncAppender": "client.appender",
    "AsyncConsumer": "consumers",
    "AsyncContext": "consumers",
    "AsyncCopy": "copying",
    "AsyncStore": "store",
    "Chunk": "lifecycle",
    "Copied": "copying",
    "Copy": "copying",
    "CopyPlan": "copying",
    "Consumer": "consumers",
    "ConsumerFailure": "consumers",
    "ConsumerMember": "consumers",
    "Context": "consumers",
    "Entity": "entities",
    "EntityCache": "entities",
    "Handlers": "consumers",
    "JsonText": "messages.json",
    "Message": "messages.message",
    "NewMessage": "messages.message",
    "Policy": "lifecycle",
    "Projection": "entities",
    "Snapshots": "entities",
    "Store": "store",
    "WriteResult": "messages.message",
    "follow": "messages.metadata",
    "to_message": "messages.payloads",
    "to_reply": "messages.payloads",
}


# Not for type checkers: to them every name would be there, a mistyped one too.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name == "messages":
            return import_module(f"{__name__}.messages")
        if name not in _LATE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *_LATE})


__all__ = [
    "Appender",
    "AppenderClosed",
    "ArchiveConflict",
    "ArchiveCorrupt",
    "ArchiveError",
    "ArchiveReads",
    "ArchiveUnavailable",
    "Archived",
    "AsyncAppender",
    "AsyncConsumer",
    "AsyncContext",
    "AsyncCopy",
    "AsyncStore",
    "Chunk",
    "ChunkChanged",
    "ClockAhead",
    "ColdstreamError",
    "Consumer",
    "ConsumerError",
    "ConsumerFailure",
    "ConsumerMember",
    "Context",
    "Copied",
    "Copy",
    "CopyPlan",
    "DuplicateMessageId",
    "EmbeddedError",
    "Entity",
    "EntityCache",
    "ExpectedVersionError",
    "ForeignSchema",
    "HandlerFailed",
    "Handlers",
    "InvalidInput",
    "JsonText",
    "LateMessage",
    "LifecycleBusy",
    "LifecycleError",
    "Message",
    "MigrationError",
    "MissingExtension",
    "NewMessage",
    "NotACategory",
    "NotAStream",
    "NotArchived",
    "NotInstalled",
    "PayloadMismatch",
    "PlanChanged",
    "Policy",
    "Projection",
    "PublicationError",
    "Settings",
    "SetupError",
    "Snapshots",
    "Store",
    "StoreClosed",
    "Unavailable",
    "UnsupportedEdition",
    "UnsupportedEngine",
    "UnsupportedServer",
    "WriteResult",
    "__version__",
    "connect",
    "connect_async",
    "delete_namespace",
    "follow",
    "install",
    "namespaces",
    "open_archive",
    "query",
    "to_message",
    "to_reply",
    "upgrade",
]
