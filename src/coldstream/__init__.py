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
    UnsupportedServer,
)
from coldstream.message import JsonText, Message, NewMessage, WriteResult
from coldstream.settings import ArchiveReads

if TYPE_CHECKING:
    from pyarrow import Table

    from coldstream.client.appender import Appender, AsyncAppender
    from coldstream.consumers import AsyncConsumer, Consumer, Handlers
    from coldstream.consumers.metadata import follow
    from coldstream.consumers.payloads import to_message, to_reply
    from coldstream.entities import Entity, EntityCache, Projection, Snapshots
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
    from coldstream.archive.query import query

    return query(
        sql,
        archive,
        schema=schema,
        archive_options=archive_options,
        memory_limit=memory_limit,
        allow_external_access=allow_external_access,
    )


# Loaded when asked for: the stores bring psycopg, and a program that only wants the errors, or
# --help, need not wait.
_LATE = {
    "Appender": "client.appender",
    "AsyncAppender": "client.appender",
    "AsyncConsumer": "consumers",
    "AsyncStore": "store",
    "Consumer": "consumers",
    "Entity": "entities",
    "EntityCache": "entities",
    "Handlers": "consumers",
    "Projection": "entities",
    "Snapshots": "entities",
    "Store": "store",
    "follow": "consumers.metadata",
    "to_message": "consumers.payloads",
    "to_reply": "consumers.payloads",
}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)


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
    "AsyncStore",
    "ChunkChanged",
    "ClockAhead",
    "ColdstreamError",
    "Consumer",
    "ConsumerError",
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
    "Projection",
    "PublicationError",
    "SetupError",
    "Snapshots",
    "Store",
    "StoreClosed",
    "Unavailable",
    "UnsupportedEdition",
    "UnsupportedServer",
    "WriteResult",
    "__version__",
    "connect",
    "connect_async",
    "follow",
    "query",
    "to_message",
    "to_reply",
]
