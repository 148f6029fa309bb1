"""What a consumer does about handlers that fail, and servers that are away."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from coldstream.client._async.client import AsyncClient
from coldstream.client._async.statements import connections_of, rows_over
from coldstream.client.arguments import MessageArguments, message_arguments
from coldstream.client.concurrency import sleep
from coldstream.client.errors import mapped
from coldstream.client.whose import is_of
from coldstream.consumers._async.unit import AsyncUnit
from coldstream.consumers.options import Options, dead_letter_stream
from coldstream.errors import HandlerFailed, Unavailable
from coldstream.messages.json import JsonText, encode_json
from coldstream.messages.message import Message
from coldstream.messages.metadata import follow

_log = logging.getLogger("coldstream.consumers")

# Not the message's fault, whatever it says: another transaction was in the way, or the server is
# going down, coming up, out of connections, memory or disk, or a standby by now.
_PASSING = ("40", "08", "53", "57P", "25006", "CS011")

# How long a wait goes without looking whether it is to end.
_SLICE = 0.05

_TEXT_LIMIT = 2000


def text_of(error: BaseException) -> str:
    """What an error says, as PostgreSQL's text holds it: whatever else it is, that is not to stop
    the consumer."""
    try:
        said = str(error)
    except Exception as another:
        said = f"(its text cannot be had: {type(another).__name__})"
    text = f"{type(error).__name__}: {said}"[:_TEXT_LIMIT].replace("\0", "")
    return text.encode("utf-8", "backslashreplace").decode()


class AsyncFailures:
    """One member's failures. ``patient``: whether what no message is to blame for is waited for as
    long as it takes; otherwise for as many tries as a message has."""

    def __init__(
        self,
        store: AsyncClient,
        options: Options,
        stopped: Callable[[], bool],
        *,
        patient: bool = True,
    ) -> None:
        self._store = store
        self._options = options
        self._stopped = stopped
        self.patient = patient
        self._passing = 0

    def is_passing(self, error: Exception, *, of_handler: bool = False) -> bool:
        """Whether to try again for as long as it takes: a message is not to be skipped because
        the server was away. ``of_handler``: a handler raised it. Then it is not where it is of
        another server than this consumer's: nothing says that the consumer has to wait for that
        one."""
        if of_handler and not is_of(error, connections_of(self._store).server):
            return False
        cause = error.__cause__ if isinstance(error, Unavailable) else error
        if isinstance(cause, psycopg.Error):
            state = cause.sqlstate or ""
            lost = not state and isinstance(cause, psycopg.OperationalError)
            return lost or state.startswith(_PASSING)
        return isinstance(error, Unavailable)

    async def wait(self, error: Exception) -> None:
        """Pause before the next try of what no message is to blame for.

        Raises:
            The error itself: it was tried for long enough.
        """
        self._passing += 1
        if not self.patient and self._passing >= self._options.attempts:
            raise error
        pause = self._options.pause(self._passing + 1)
        _log.warning("Consumer of %s waits %.1f s: %s", self._options.source, pause, error)
        await self._sleep(pause)

    async def retry(self, message: Message, error: Exception, attempt: int) -> None:
        """Pause before another attempt at a message."""
        pause = self._options.pause(attempt)
        _log.warning(
            "Consumer of %s: %s at %d in %s failed, attempt %d of %d in %.1f s: %s",
            *(self._options.source, message.type, message.position, message.stream_name),
            *(attempt, self._options.attempts, pause, text_of(error)),
        )
        await self._sleep(pause)

    async def record(
        self, message: Message, member: int, error: Exception, attempts: int, unit: AsyncUnit
    ) -> None:
        """Record, in the unit's transaction, that a message is gone past.

        Raises:
            HandlerFailed: it must not be.
        """
        options = self._options
        text = text_of(error)
        if options.on_failure == "stop":
            raise HandlerFailed(
                f"{options.name or 'The consumer'} could not handle {message.type} at "
                f"{message.global_position} ({message.stream_name}, {message.position}) in "
                f"{attempts} attempts: {text}",
                message=message,
                attempts=attempts,
                hint=getattr(error, "hint", None)
                or "Repair the handler and start again: the position is before this message. "
                "on_failure says what else to do.",
            ) from error
        connection = await unit.connection()
        stream = None
        if options.on_failure == "dead_letter":
            stream, text = await self._write_letter(connection, message, text, attempts)
        failure = [
            *(options.name, member, message.id, message.stream_name, message.type),
            *(message.position, message.global_position, attempts, text, stream),
        ]
        await rows_over(connection, self._store.schema, "record_consumer_failure", failure)
        _log.error(
            "Consumer %s goes past %s at %d in %s, %s: %s",
            *(options.name, message.type, message.position, message.stream_name),
            *("skipped" if stream is None else f"written to {stream}", text),
        )

    async def _write_letter(
        self, connection: AsyncConnection[TupleRow], message: Message, text: str, attempts: int
    ) -> tuple[str | None, str]:
        """Write the message to the dead letters. Returns the stream, and the text to record; no
        stream where there can be no letter, which is no reason to go no further."""
        stream = dead_letter_stream(message.category, self._options.name or "")
        # A consumer of everything reads its own letters, too: a letter of a letter never ends.
        if stream == message.stream_name:
            return None, text
        try:
            letter = self._letter(stream, message, text, attempts)
            with mapped(self._store.schema):
                await self._write_apart(connection, letter)
        except Unavailable:
            raise
        except Exception as error:
            return None, f"{text} (no dead letter: {text_of(error)})"
        return stream, text

    async def _write_apart(
        self, connection: AsyncConnection[TupleRow], letter: MessageArguments
    ) -> None:
        """Write it so that a failure leaves the transaction as it was."""
        async with connection.transaction():
            arguments = (*letter, None)
            await rows_over(connection, self._store.schema, "write_message", arguments)

    def _letter(self, stream: str, message: Message, text: str, attempts: int) -> MessageArguments:
        metadata = message.metadata if isinstance(message.metadata, dict) else {}
        metadata = {**metadata, **follow(message)}
        metadata["deadLetter"] = {
            "consumer": self._options.name,
            "attempts": attempts,
            "error": text,
        }
        data = None if message.data_text is None else JsonText(message.data_text)
        return message_arguments(None, stream, message.type, data, JsonText(encode_json(metadata)))

    async def _sleep(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self._stopped() and (left := end - time.monotonic()) > 0:
            await sleep(min(left, _SLICE))

    def over(self) -> None:
        """The server answered."""
        self._passing = 0
