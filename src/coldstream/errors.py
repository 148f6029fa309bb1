"""Every error Coldstream raises on purpose.

::

    ColdstreamError
    ├── InvalidInput                 an argument is invalid; nothing was sent
    │   ├── NotAStream               a category where a stream name is needed
    │   └── NotACategory             a stream name where a category is needed
    ├── ExpectedVersionError         the stream has moved on (expected, actual)
    ├── DuplicateMessageId           the id was written before
    ├── PayloadMismatch              a message's data do not fit the class they are read as
    ├── StoreClosed                  the store was not opened, or is closed
    ├── AppenderClosed               the appender takes no more messages
    ├── ClockAhead                   the stream's last message is ahead of the server's clock
    ├── LateMessage                  a message for a time range that has left the database
    ├── Archived                     the range is in the archive and this call may not read it
    ├── Unavailable                  the server cannot be reached, or the connection was lost
    ├── SetupError
    │   ├── NotInstalled             the schema holds no Coldstream store
    │   ├── ForeignSchema            the schema exists and is not Coldstream's
    │   ├── MissingExtension         TimescaleDB is not there
    │   ├── UnsupportedServer        the server or the extension is too old
    │   ├── UnsupportedEdition       the edition of TimescaleDB cannot do this
    │   ├── UnsupportedEngine        the store is an ordinary table; this needs TimescaleDB
    │   └── MigrationError           a migration that ran differs from the one in this release
    ├── ArchiveError
    │   ├── ArchiveUnavailable       the location cannot be read or written
    │   ├── ArchiveConflict          another database, or another store, writes to this archive
    │   ├── ArchiveCorrupt           what was read back is not what was written
    │   └── PublicationError         the Iceberg table cannot be read or written
    ├── LifecycleError
    │   ├── LifecycleBusy            another lifecycle is running on this store
    │   ├── NotArchived              a chunk that no verified archive object covers
    │   ├── ChunkChanged             the rows are not the ones that were exported
    │   └── PlanChanged              something is not as the dry run showed it; it was left
    ├── ConsumerError                a consumer cannot work as it was told
    │   └── HandlerFailed            a handler failed for good (message, attempts)
    └── EmbeddedError                the embedded server cannot be installed or started

Every error has ``hint``: what to do next in one sentence, or ``None``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coldstream.messages.message import Message


class ColdstreamError(Exception):
    """Root of every error Coldstream raises on purpose."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception's own way calls the class with the text alone, which most of these do not take:
        # an error that cannot cross to another process breaks the pool that it happened in.
        return _restored, (type(self), self.args, dict(self.__dict__))


def _restored(
    kind: type[ColdstreamError], arguments: tuple[Any, ...], state: dict[str, Any]
) -> ColdstreamError:
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(state)
    return error


class InvalidInput(ColdstreamError, ValueError):
    """An argument that no server would take; nothing was sent or written."""


class NotAStream(InvalidInput):
    """A category was given where a stream name is needed."""


class NotACategory(InvalidInput):
    """A stream name was given where a category is needed."""


class ExpectedVersionError(ColdstreamError):
    """The stream is not at the version the writer expected; nothing was written.

    ``expected`` is the caller's version, ``actual`` the stream's (-1: no messages).
    """

    def __init__(
        self, message: str, *, stream_name: str, expected: int, actual: int, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.stream_name = stream_name
        self.expected = expected
        self.actual = actual


class DuplicateMessageId(ColdstreamError):
    """A message with this id was written before; nothing was written."""


class PayloadMismatch(ColdstreamError):
    """A message's data do not fit the class that they are read as.

    ``stream_name``, ``position``, ``global_position`` and ``type`` are the message's; ``model`` is
    the name of the class. The error's text names the field.
    """

    def __init__(
        self,
        message: str,
        *,
        stream_name: str,
        position: int,
        global_position: int,
        type: str,
        model: str,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.stream_name = stream_name
        self.position = position
        self.global_position = global_position
        self.type = type
        self.model = model


class StoreClosed(ColdstreamError):
    """The store was not opened, or was closed; nothing was sent."""


class AppenderClosed(ColdstreamError):
    """The appender was closed and takes no more messages; this one was not written."""


class ClockAhead(ColdstreamError):
    """The stream's last message is further ahead of the server's clock than allowed."""


class LateMessage(ColdstreamError):
    """A message whose time falls in a range that has been sealed or has left the database."""


class Archived(ColdstreamError):
    """Part of the asked range is in the archive and this call may not, or cannot, read it."""


class Unavailable(ColdstreamError):
    """The server cannot be reached or the connection was lost; the outcome may be unknown."""


class SetupError(ColdstreamError):
    """The database is not as this release needs it."""


class NotInstalled(SetupError):
    """The schema holds no Coldstream store."""


class ForeignSchema(SetupError):
    """The schema exists and was not made by Coldstream."""


class MissingExtension(SetupError):
    """TimescaleDB is neither installed nor installable in this database."""


class UnsupportedServer(SetupError):
    """The server or the extension is older than the oldest supported one."""


class UnsupportedEdition(SetupError):
    """This edition of TimescaleDB does not have the function that was asked for."""


class UnsupportedEngine(SetupError):
    """The store is an ordinary table of PostgreSQL, and what was asked for needs TimescaleDB."""


class MigrationError(SetupError):
    """A migration recorded in the database differs from the one in this release."""


class ArchiveError(ColdstreamError):
    """Something about the archive."""


class ArchiveUnavailable(ArchiveError):
    """The archive location cannot be read or written."""


class ArchiveConflict(ArchiveError):
    """Another database, or another store, writes to this archive; nothing was replaced."""


class ArchiveCorrupt(ArchiveError):
    """What was read back from the archive is not what was written."""


class PublicationError(ArchiveError):
    """The Iceberg table or its catalog cannot be read or written; the archive is as it was."""


class LifecycleError(ColdstreamError):
    """A lifecycle step could not be done; what it had not proved it did not drop."""


class PlanChanged(LifecycleError):
    """What a dry run showed is not what there is now; what differs was left as it is."""


class LifecycleBusy(LifecycleError):
    """Another lifecycle is running on this store, or a chunk's lock could not be acquired in
    time."""


class NotArchived(LifecycleError):
    """The chunk is not covered by a verified archive object."""


class ChunkChanged(LifecycleError):
    """The rows of the chunk are not the ones that were exported."""


class ConsumerError(ColdstreamError):
    """A consumer cannot work as it was told; no position was moved."""


class HandlerFailed(ConsumerError):
    """A handler failed at a message as often as it may; ``__cause__`` is what it raised.

    ``message`` is the message, ``attempts`` how often it was tried. The consumer's position is
    before it: what came earlier is handled.
    """

    def __init__(
        self,
        text: str,
        *,
        message: Message | None = None,
        attempts: int = 0,
        hint: str | None = None,
    ) -> None:
        super().__init__(text, hint=hint)
        self.message = message
        self.attempts = attempts


class EmbeddedError(ColdstreamError):
    """The embedded server cannot be installed or started."""
