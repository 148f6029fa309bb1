# Generated from src/coldstream/client/_async/client.py by `python tools/async_to_sync.py`.
# Do not edit: change the source and run the command (or `make generate`) again.

"""The client: Message DB's calls, answered from every tier."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from itertools import islice
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from coldstream.client._filter import Filter
from coldstream.client._pending import Options
from coldstream.client._sync import category_pages, stream_pages
from coldstream.client._sync.batches import write_batch
from coldstream.client._sync.borrowed import rows_over
from coldstream.client._sync.connections import Connections
from coldstream.client._sync.retries import retried_rows
from coldstream.client._sync.written import not_imported, readers_for, write_once
from coldstream.client.appender import Appender
from coldstream.client.archived import Readers
from coldstream.client.arguments import (
    Idempotent,
    check_batch_size,
    check_category,
    check_expected_streams,
    check_global_positions,
    check_idempotent,
    check_not_idempotent,
    check_number,
    check_stream,
    check_text,
    check_tiers,
    check_version,
    import_arguments,
    listing_arguments,
    message_arguments,
    write_many_arguments,
)
from coldstream.client.connect import in_words
from coldstream.client.listed import CategorySummary, StreamSummary
from coldstream.messages.message import Message, NewMessage, WriteResult
from coldstream.settings import ArchiveReads

Tiers: TypeAlias = Literal["all", "database"]


class Client:
    """A store in one schema of a database, with its archive.

    ``dsn``: a libpq connection string, URI or keyword form. ``archive``: where archived history
    is read from (``s3://bucket/prefix``, ``file:///folder``); left out, it is where the ledger
    says. ``archive_reads``: what reads of it may take.
    ``max_size``: connections at most. ``timeout``: seconds to wait for one.
    ``prepare_threshold``: as in psycopg; prepared statements need a direct connection or a
    pooler that knows them.

    Use it as a context manager, or call ``open`` and ``close``. Every method raises Unavailable
    when the server cannot be reached or the connection is lost.
    """

    def __init__(
        self,
        dsn: str,
        *,
        schema: str = "message_store",
        archive: str | None = None,
        archive_options: Mapping[str, str] | None = None,
        archive_reads: ArchiveReads | None = None,
        max_size: int = 10,
        timeout: float = 10.0,
        prepare_threshold: int | None = None,
    ) -> None:
        self.dsn = dsn
        self.schema = schema
        self.archive = archive
        self.archive_options = archive_options
        self._connections = Connections(
            dsn,
            schema,
            max_size=max_size,
            timeout=timeout,
            prepare_threshold=prepare_threshold,
        )
        self._readers = Readers(archive, archive_options, archive_reads)
        # What another store of the same kind is made with.
        self._options: dict[str, Any] = {
            "dsn": dsn,
            "schema": schema,
            "archive": archive,
            "archive_options": archive_options,
            "archive_reads": self._readers.reads,
            "timeout": timeout,
            "prepare_threshold": prepare_threshold,
        }

    def __repr__(self) -> str:
        state = "open" if self._connections.is_open else "not open"
        return f"<{type(self).__name__} {self.schema} in {in_words(self.dsn)}, {state}>"

    @property
    def max_size(self) -> int:
        """Connections at most: 1 on a server that takes no more, once that is known."""
        return self._connections.max_size

    def open(self) -> None:
        """Connect.

        Raises:
            Unavailable: no connection.
            NotInstalled: no store in the schema.
        """
        self._connections.open()

    def close(self) -> None:
        """Close every connection. The store may be opened again."""
        self._connections.close()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def connection(self) -> AbstractContextManager[Connection[TupleRow]]:
        """A connection of the pool, in autocommit mode, for SQL of your own. Its settings are those
        of the DSN, the role and the database; what you set is undone afterwards."""
        return self._connections.lent()

    def write_message(
        self,
        stream_name: str,
        type: str,
        data: Any = None,
        metadata: Any = None,
        id: UUID | str | None = None,
        expected_version: int | None = None,
        *,
        idempotent: Idempotent = False,
        connection: Connection[Any] | None = None,
    ) -> WriteResult:
        """Write one message.

        ``data`` and ``metadata`` are what JSON can hold, ``Decimal``, ``UUID`` and ``Enum``
        included; ``None`` is SQL NULL. ``expected_version``: the position of the stream's last
        message, -1 for none. ``idempotent``: where a message with this id is in the stream already,
        in whatever tier, give its positions and write nothing, so that a write can be repeated
        however long after; and repeat it when the connection is lost. The id is looked for first.
        That costs next to nothing for a stream that is in row form, and for any other as much as
        it has chunks: those in the archive are read. ``"database"``: look no further than the
        database. ``connection``: a connection of yours (psycopg's) to the store's database; the
        message is written in its transaction, and is there once you commit that. Whoever writes to
        the same category waits until then. Not together with ``idempotent``.

        Raises:
            ExpectedVersionError: the stream is at another version; nothing was written.
            DuplicateMessageId: the id was written before (as long as its chunk is in row form);
                where ``idempotent``, to another stream.
            ArchiveUnavailable: where ``idempotent``, a part of the stream cannot be looked at.
            ClockAhead, LateMessage: the server's clock is wrong.
            InvalidInput: no stream name, no UUID, not JSON; nothing was sent.
        """
        arguments = (
            *message_arguments(id, stream_name, type, data, metadata),
            check_version(expected_version),
        )
        if connection is not None:
            check_not_idempotent(idempotent)
            rows = rows_over(connection, self.schema, "write_message", arguments)
            return WriteResult(*rows[0])
        if check_idempotent(idempotent):
            versions = {} if expected_version is None else {stream_name: expected_version}
            readers = readers_for(idempotent, self._readers)
            [result] = write_once(
                self._connections, readers, [arguments[:5]], versions, new_ids=id is None
            )
            return result
        rows = self._connections.rows("write_message", arguments)
        return WriteResult(*rows[0])

    def write_messages(
        self,
        messages: Sequence[NewMessage],
        expected_versions: Mapping[str, int] | None = None,
        *,
        idempotent: Idempotent = False,
        connection: Connection[Any] | None = None,
    ) -> list[WriteResult]:
        """Write many messages, to one stream or several, in one transaction: all or none.

        ``expected_versions``: by stream name, the version before the call. Results are in the
        order of ``messages``. ``idempotent``: as of :meth:`write_message`, for each message: those
        that are in their streams already are not written again. A version is expected of the
        streams that others are for. ``connection``: as of :meth:`write_message`.

        Raises:
            As :meth:`write_message`.
        """
        if not messages:
            return []
        if connection is not None:
            check_not_idempotent(idempotent)
            arguments = write_many_arguments(messages, expected_versions)
            written = rows_over(connection, self.schema, "write_messages", arguments)
            return [WriteResult(*row) for row in written]
        if check_idempotent(idempotent):
            versions = dict(expected_versions or {})
            for version in versions.values():
                check_version(version)
            check_expected_streams(versions, [each.stream_name for each in messages])
            readers = readers_for(idempotent, self._readers)
            rows = [
                message_arguments(m.id, m.stream_name, m.type, m.data, m.metadata) for m in messages
            ]
            return write_once(self._connections, readers, rows, versions)
        arguments = write_many_arguments(messages, expected_versions)
        written = self._connections.rows("write_messages", arguments)
        return [WriteResult(*row) for row in written]

    def import_messages(
        self,
        messages: Iterable[Message],
        batch_size: int = 1000,
        *,
        idempotent: Idempotent = False,
        global_positions: Literal["new", "keep"] = "new",
    ) -> int:
        """Bring history along: messages with the ids, positions and times that they have.

        For the store's owner. Global positions are given anew, in the order of ``messages``, which
        is best the order of time; then who remembers one of the other store has to begin again.
        ``global_positions="keep"``: they are the other store's, and must go up from beyond the last
        one of this. Meanwhile nobody else writes.

        ``batch_size``: messages a transaction; what a failed call had committed stays, and the call
        can be made again: a message that is there with its position and its id is left as it is.
        ``idempotent``: as of :meth:`write_message`. Returns how many there were.

        Raises:
            DuplicateMessageId: a message with this id is in the store; where ``idempotent``, in
                another stream or at another position.
            LateMessage: a time in a range that was sealed or has left the database.
            InvalidInput: as :meth:`write_message`, for a time without a time zone, and for global
                positions that cannot be kept.
            ClockAhead: a time ahead of the clock.
            SetupError: the role may not do this.
            ColdstreamError: a position that its stream has already.
        """
        check_batch_size(batch_size)
        keep = check_global_positions(global_positions)
        rest = iter(messages)
        count = 0
        while batch := list(islice(rest, batch_size)):
            if check_idempotent(idempotent):
                readers = readers_for(idempotent, self._readers)
                batch = not_imported(self._connections, readers, batch)
            if batch:
                self._connections.rows("import_messages", import_arguments(batch, keep))
            count += len(batch)
        return count

    def appender(
        self,
        *,
        max_batch_size: int = 1000,
        max_pending: int = 10_000,
        max_flushes: int = 4,
        linger: float = 0.0,
    ) -> Appender:
        """Collects concurrent writes into few transactions; a context manager.

        One category otherwise commits one message at a time. A category's next batch is whatever
        was asked for while its last one was written.

        ``max_batch_size``: messages a transaction at most. ``max_pending``: messages accepted and
        not answered yet, at most; a caller that brings more waits. ``max_flushes``: transactions in
        progress at most, each on a connection of the pool and with categories of its own.
        ``linger``: seconds to wait for more messages before a flush.

        Raises:
            InvalidInput: a number less than 1, or a ``linger`` that is not 0 to 60.
        """
        return Appender(
            partial(write_batch, self._connections, self._readers),
            lambda: min(max_flushes, self.max_size),
            Options(max_batch_size, max_pending, max_flushes, linger),
        )

    def get_stream_messages(
        self,
        stream_name: str,
        position: int = 0,
        batch_size: int = 1000,
        *,
        tiers: Tiers = "all",
    ) -> Iterator[Message]:
        """The messages of a stream from a position to its end, in order, from every tier.

        ``batch_size``: messages a page; the iterator holds one page at a time. ``tiers``:
        ``"database"`` leaves the archive alone. What is there is then an error (Archived).

        Raises:
            NotAStream, InvalidInput: at the call.
            Archived: a part of the stream is nowhere that can be read.
            ArchiveUnavailable, ArchiveCorrupt: the archive cannot be read, or is damaged.
        """
        check_stream(stream_name)
        position = max(check_number("position", position), 0)
        check_batch_size(batch_size)
        if not check_tiers(tiers):
            return stream_pages.in_database(self._connections, stream_name, position, batch_size)
        return stream_pages.messages(
            self._connections, self._readers, stream_name, position, batch_size
        )

    def get_category_messages(
        self,
        category: str,
        position: int = 1,
        batch_size: int = 1000,
        correlation: str | None = None,
        consumer_group_member: int | None = None,
        consumer_group_size: int | None = None,
        *,
        tiers: Tiers = "all",
    ) -> Iterator[Message]:
        """The messages of a category from a global position to its end, from every tier.

        ``batch_size``: messages of the first page. Later pages are larger, of 16,384
        messages and 16 MB of JSON at most unless ``batch_size`` is more, and the next is read in
        the background.

        ``correlation``: only those whose metadata names a stream of that category as
        ``correlationStreamName``. ``consumer_group_member`` of ``consumer_group_size``: only
        those of the streams that fall to this member. ``tiers``: as of
        :meth:`get_stream_messages`.

        Raises:
            NotACategory, InvalidInput: at the call.
            Archived: a part of the category is nowhere that can be read.
            ArchiveUnavailable, ArchiveCorrupt: the archive cannot be read, or is damaged.
        """
        filter = Filter(
            check_category(category), correlation, consumer_group_member, consumer_group_size
        )
        return self._filtered(filter, position, batch_size, tiers)

    def get_all_messages(
        self, position: int = 1, batch_size: int = 1000, *, tiers: Tiers = "all"
    ) -> Iterator[Message]:
        """The messages of every category from a global position on, from every tier.

        Ends at the frontier: the last position below which no writer was still at work when the
        read began. A reader that continues after the last message it got misses none.

        Raises:
            As :meth:`get_category_messages`.
        """
        return self._filtered(Filter(None), position, batch_size, tiers)

    def _filtered(
        self, filter: Filter, position: int, batch_size: int, tiers: Tiers
    ) -> Iterator[Message]:
        check_number("position", position)
        check_batch_size(batch_size)
        if not check_tiers(tiers):
            return category_pages.in_database(self._connections, filter, position, batch_size)
        return category_pages.messages(
            self._connections, self._readers, filter, position, batch_size
        )

    def get_last_stream_message(
        self, stream_name: str, type: str | None = None, *, tiers: Tiers = "all"
    ) -> Message | None:
        """The last message of a stream, or the last one of a type; ``None`` where there is none.
        ``tiers``: as of :meth:`get_stream_messages`.

        Raises:
            Archived: it is in the archive, and that cannot be read.
        """
        check_text("stream name", stream_name)
        if type is not None:
            check_text("type", type)
        if not check_tiers(tiers):
            return stream_pages.last_in_database(self._connections, stream_name, type)
        return stream_pages.last(self._connections, self._readers, stream_name, type)

    def stream_version(self, stream_name: str) -> int | None:
        """The position of the stream's last message; ``None`` for a stream that has none."""
        check_text("stream name", stream_name)
        rows = retried_rows(self._connections, "stream_version", [stream_name])
        version: int | None = rows[0][0]
        return version

    def get_streams(
        self, prefix: str = "", limit: int = 1000, after: str = ""
    ) -> list[StreamSummary]:
        """At most ``limit`` streams whose names begin with ``prefix``, in the order of names (by
        bytes), those after ``after``. From heads and ledger: no message is looked at.

        Raises:
            InvalidInput: a limit below 1.
        """
        arguments = listing_arguments(prefix, limit, after)
        rows = retried_rows(self._connections, "get_streams", arguments)
        return [StreamSummary(*row) for row in rows]

    def get_categories(
        self, prefix: str = "", limit: int = 1000, after: str = ""
    ) -> list[CategorySummary]:
        """At most ``limit`` categories whose names begin with ``prefix``, in the order of names
        (by bytes), those after ``after``: what they have in which tier. From heads and ledger.

        Raises:
            InvalidInput: a limit below 1.
        """
        arguments = listing_arguments(prefix, limit, after)
        rows = retried_rows(self._connections, "get_categories", arguments)
        return [CategorySummary(*row) for row in rows]
