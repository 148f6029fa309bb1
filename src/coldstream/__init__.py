"""Coldstream: Message DB on TimescaleDB, with history that gets cheaper as it ages."""

from __future__ import annotations

from collections.abc import Mapping
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
    DuplicateMessageId,
    EmbeddedError,
    ExpectedVersionError,
    ForeignSchema,
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
    PublicationError,
    SetupError,
    Unavailable,
    UnsupportedEdition,
    UnsupportedServer,
)
from coldstream.message import JsonText, Message, NewMessage, WriteResult
from coldstream.settings import ArchiveReads

if TYPE_CHECKING:
    from pyarrow import Table

    from coldstream.client.appender import Appender, AsyncAppender
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
) -> Table:
    """The result of an SQL query over an archive, as an Arrow table (extra ``query``).

    Needs no database. ``sql`` is DuckDB's: the view ``messages`` has every archived message once,
    the table ``archived_ranges`` a row for each range. ``memory_limit``: as DuckDB writes it
    (``500MB``, ``4GB``).

    Raises:
        InvalidInput: DuckDB does not take the query.
        ArchiveUnavailable, ArchiveCorrupt: the archive cannot be read, or is damaged.
        SetupError: DuckDB is not installed.
    """
    from coldstream.archive.query import query

    return query(
        sql, archive, schema=schema, archive_options=archive_options, memory_limit=memory_limit
    )


def __getattr__(name: str) -> Any:
    # The stores bring psycopg; a program that only wants the errors, or --help, need not wait.
    if name in ("AsyncStore", "Store"):
        from coldstream import store

        return getattr(store, name)
    if name in ("Appender", "AsyncAppender"):
        from coldstream.client import appender

        return getattr(appender, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


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
    "AsyncStore",
    "ChunkChanged",
    "ClockAhead",
    "ColdstreamError",
    "DuplicateMessageId",
    "EmbeddedError",
    "ExpectedVersionError",
    "ForeignSchema",
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
    "PublicationError",
    "SetupError",
    "Store",
    "Unavailable",
    "UnsupportedEdition",
    "UnsupportedServer",
    "WriteResult",
    "__version__",
    "connect",
    "connect_async",
    "query",
]
