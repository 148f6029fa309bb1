"""One connection: who it is, and what it asks for, one thing after another.

Everything that takes time is done in a thread, so that all other connections go on.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from ssl import SSLContext
from time import monotonic
from typing import Protocol, TypeVar

from coldstream.errors import (
    ArchiveCorrupt,
    ArchiveError,
    ArchiveUnavailable,
    ColdstreamError,
    InvalidInput,
)
from coldstream.messages.message import Message
from coldstream.serve import wire
from coldstream.serve.requests import Request, parse_request
from coldstream.serve.rows import COLUMNS, message_rows
from coldstream.serve.scram import MECHANISM, Conversation, WrongPassword, nobody
from coldstream.serve.sql import Analysis, Answer, parameters_of
from coldstream.serve.users import User, Users
from coldstream.serve.values import parameter_of

T = TypeVar("T")
logger = logging.getLogger("coldstream.serve")

_START_SECONDS = 10.0
_PARAMETERS = {
    "server_version": "15.0",
    "server_encoding": "UTF8",
    "client_encoding": "UTF8",
    "DateStyle": "ISO, MDY",
    "TimeZone": "UTC",
    "integer_datetimes": "on",
    "standard_conforming_strings": "on",
    "default_transaction_read_only": "on",
}


class Counters(Protocol):
    """What is counted of all sessions; see :mod:`coldstream.serve.health`."""

    def answered(self, kind: str, rows: int, seconds: float) -> None: ...
    def failed(self, kind: str, sqlstate: str) -> None: ...
    def refused(self) -> None: ...


@dataclass(frozen=True)
class Service:
    """What all sessions share. ``analysis`` makes a connection's SQL, which has threads of its own:
    a long query keeps no page waiting. ``max_seconds``: of one page."""

    users: Users
    page: Callable[[Request], list[Message]]
    analysis: Callable[[], Analysis]
    threads: Executor
    sql_threads: Executor
    counters: Counters
    tls: SSLContext | None
    needs_tls: bool
    max_seconds: float


class Refused(Exception):
    """The connection ends here; the client is told why."""

    def __init__(self, sqlstate: str, text: str, hint: str | None = None) -> None:
        super().__init__(text)
        self.sqlstate = sqlstate
        self.hint = hint


@dataclass
class _Prepared:
    """``types``: the OID of each parameter, 0 where the client named none."""

    sql: str
    types: Sequence[int]


@dataclass
class _Portal:
    prepared: _Prepared
    answer: Answer | None


class Session:
    """A client. ``process`` and ``secret`` are what a request to cancel must name."""

    def __init__(
        self, service: Service, reader: StreamReader, writer: StreamWriter, process: int
    ) -> None:
        self.process = process
        self.secret = secrets.randbits(31)
        self.busy = False
        self._service = service
        self._reader = reader
        self._writer = writer
        self._user: User | None = None
        self._analysis: Analysis | None = None
        self._statements: dict[str, _Prepared] = {}
        self._portals: dict[str, _Portal] = {}

    async def run(self, cancel: Callable[[int, int], None]) -> None:
        """Until the client leaves, or is told to."""
        try:
            async with asyncio.timeout(_START_SECONDS):
                if not await self._start(cancel):
                    return
            await self._serve()
        except Refused as refused:
            self._send(
                wire.error(refused.sqlstate, str(refused), hint=refused.hint, severity="FATAL")
            )
            await self._flush()
        except wire.ProtocolError as error:
            self._send(wire.error("08P01", str(error), severity="FATAL"))
            await self._flush()
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            pass
        finally:
            if self._analysis is not None:
                await self._in_thread(self._analysis.close)

    def interrupt(self) -> None:
        """End what it waits for, where that can be: SQL; a page is short."""
        if self._analysis is not None:
            self._analysis.interrupt()

    async def goodbye(self) -> None:
        """Tell a client that waits for nothing that the server stops."""
        self._send(wire.error("57P01", "The archive server is stopping", severity="FATAL"))
        await self._flush()
        self._writer.close()

    # The beginning

    async def _start(self, cancel: Callable[[int, int], None]) -> bool:
        startup = await wire.read_startup(self._reader)
        while startup.code in (wire.SSL_REQUEST, wire.GSS_REQUEST):
            if startup.code == wire.SSL_REQUEST and self._service.tls is not None:
                self._send(b"S")
                await self._flush()
                await self._writer.start_tls(self._service.tls)
            else:
                self._send(b"N")
                await self._flush()
            startup = await wire.read_startup(self._reader)
        if startup.code == wire.CANCEL_REQUEST:
            body = wire.Body(startup.body)
            cancel(body.int32(), body.int32())
            return False
        if startup.code >> 16 != wire.VERSION_3 >> 16:
            raise Refused("08P01", "Only version 3 of the protocol is spoken here")
        if self._service.needs_tls and self._writer.get_extra_info("ssl_object") is None:
            raise Refused("28000", "This server takes connections with TLS only", "sslmode=require")
        await self._authenticate(startup.parameters().get("user", ""))
        for name, value in _PARAMETERS.items():
            self._send(wire.parameter_status(name, value))
        self._send(wire.backend_key(self.process, self.secret) + wire.ready())
        await self._flush()
        return True

    async def _authenticate(self, name: str) -> None:
        try:
            user = await _run(self._service.threads, lambda: self._service.users.get(name))
        except ColdstreamError as error:
            raise Refused("58000", f"The store cannot be asked for users: {error}") from error
        conversation = Conversation(user.verifier if user else nobody())
        self._send(wire.authentication(10, MECHANISM.encode() + b"\0\0"))
        await self._flush()
        try:
            body = wire.Body(await self._password_message())
            if body.text() != MECHANISM:
                raise Refused("28000", f"Only {MECHANISM} is known here")
            first = conversation.first((body.value() or b"").decode())
            self._send(wire.authentication(11, first.encode()))
            await self._flush()
            final = conversation.final((await self._password_message()).decode())
        except (WrongPassword, UnicodeDecodeError) as error:
            self._service.counters.refused()
            raise Refused("28P01", f'Password authentication failed for user "{name}"') from error
        if user is None:
            self._service.counters.refused()
            raise Refused("28P01", f'Password authentication failed for user "{name}"')
        self._user = user
        self._send(wire.authentication(12, final.encode()) + wire.authentication(0))

    async def _password_message(self) -> bytes:
        found = await wire.read_message(self._reader, wire.MOST_AT_START)
        if found is None:
            raise ConnectionError
        kind, body = found
        if kind != b"p":
            raise wire.ProtocolError("A password was expected")
        return body

    # What is asked for

    async def _serve(self) -> None:
        skipping = False
        while found := await wire.read_message(self._reader):
            kind, body = found
            if kind == b"X":
                return
            if kind == b"S":
                skipping = False
                self._send(wire.ready())
                await self._flush()
                continue
            if skipping:
                continue
            self.busy = True
            try:
                await self._one(kind, wire.Body(body))
            except wire.ProtocolError:
                raise
            except Exception as error:
                self._send(self._error(error))
                # In the extended protocol what follows is left out up to the next Sync.
                skipping = kind != b"Q"
            finally:
                self.busy = False
            if kind == b"Q":
                self._send(wire.ready())
                await self._flush()
            elif kind == b"H":
                await self._flush()

    async def _one(self, kind: bytes, body: wire.Body) -> None:
        if kind == b"Q":
            await self._query(body.text())
        elif kind == b"P":
            await self._parse(body)
        elif kind == b"B":
            await self._bind(body)
        elif kind == b"D":
            await self._describe(body)
        elif kind == b"E":
            await self._execute(body)
        elif kind == b"C":
            which = self._statements if body.take(1) == b"S" else self._portals
            which.pop(body.text(), None)
            self._send(wire.CLOSE_COMPLETE)
        elif kind != b"H":
            raise wire.ProtocolError(f"A message of type {kind!r}")

    async def _query(self, text: str) -> None:
        if request := parse_request(text):
            await self._page(request)
            return
        statements = await self._in_thread(self._sql().statements, text) if text.strip() else []
        if not statements:
            self._send(wire.EMPTY_QUERY)
        for statement in statements:
            answer = await self._in_thread(self._sql().run, statement)
            if answer.columns:
                self._send(wire.row_description(answer.columns))
            await self._rows(answer, 0)
            self._send(wire.command_complete(answer.complete))

    async def _page(self, request: Request) -> None:
        began = monotonic()
        kind = type(request).__name__.removesuffix("Request").lower()

        def rows() -> list[bytes]:
            return message_rows(self._service.page(request))

        try:
            async with asyncio.timeout(self._service.max_seconds):
                found = await _run(self._service.threads, rows)
        except Exception as error:
            self._service.counters.failed(kind, _sqlstate(error))
            raise
        # All of it or nothing: an answer that ends early has no end, and the database takes none
        # such.
        self._writer.write(wire.row_description(COLUMNS))
        self._writer.writelines(found)
        self._send(wire.command_complete(f"SELECT {len(found)}"))
        await self._flush()
        self._service.counters.answered(kind, len(found), monotonic() - began)

    async def _parse(self, body: wire.Body) -> None:
        name, text = body.text(), body.text()
        statements = await self._in_thread(self._sql().statements, text) if text.strip() else [""]
        if len(statements) != 1:
            raise InvalidInput("A prepared statement is one statement")
        named = [body.int32() for _ in range(body.int16())]
        types = [*named, *[0] * (parameters_of(statements[0]) - len(named))]
        self._statements[name] = _Prepared(statements[0], types)
        self._send(wire.PARSE_COMPLETE)

    async def _bind(self, body: wire.Body) -> None:
        portal, name = body.text(), body.text()
        formats = [body.int16() for _ in range(body.int16())]
        values = [body.value() for _ in range(body.int16())]
        results = [body.int16() for _ in range(body.int16())]
        if any(results):
            raise NotImplementedError("Binary results")
        prepared = self._prepared(name)
        if len(values) != len(prepared.types):
            raise InvalidInput(
                f"{len(values)} parameters where the statement has {len(prepared.types)}"
            )
        if len(formats) < 2:
            formats = [*formats, 0][:1] * len(values)
        given = [
            parameter_of(type, value, binary=bool(form))
            for type, value, form in zip(prepared.types, values, formats, strict=True)
        ]
        answer = None
        if prepared.sql:
            answer = await self._in_thread(self._sql().run, prepared.sql, given)
        self._portals[portal] = _Portal(prepared, answer)
        self._send(wire.BIND_COMPLETE)

    async def _describe(self, body: wire.Body) -> None:
        what, name = body.take(1), body.text()
        columns: Sequence[wire.Column] = ()
        if what == b"S":
            prepared = self._prepared(name)
            self._send(wire.parameter_description([type or 25 for type in prepared.types]))
            if prepared.sql:
                columns = await self._in_thread(
                    self._sql().describe, prepared.sql, len(prepared.types)
                )
        else:
            portal = self._portal(name)
            columns = portal.answer.columns if portal.answer else ()
        self._send(wire.row_description(columns) if columns else wire.NO_DATA)

    async def _execute(self, body: wire.Body) -> None:
        portal, most = self._portal(body.text()), body.int32()
        if portal.answer is None:
            self._send(wire.EMPTY_QUERY)
        elif await self._rows(portal.answer, most):
            self._send(wire.PORTAL_SUSPENDED)
        else:
            self._send(wire.command_complete(portal.answer.complete))

    async def _rows(self, answer: Answer, most: int) -> bool:
        """Send rows, ``most`` at most (0: all); True where there may be more."""
        sent = 0
        while not most or sent < most:
            some = answer.waiting or await self._in_thread(answer.take)
            if not some:
                return False
            count = len(some) if not most else min(len(some), most - sent)
            answer.waiting = some[count:]
            self._writer.writelines(some[:count])
            # A client that reads slowly is waited for here, with no more than these in memory.
            await self._writer.drain()
            sent += count
        return True

    def _prepared(self, name: str) -> _Prepared:
        try:
            return self._statements[name]
        except KeyError:
            raise InvalidInput(f"There is no prepared statement {name!r}") from None

    def _portal(self, name: str) -> _Portal:
        try:
            return self._portals[name]
        except KeyError:
            raise InvalidInput(f"There is no portal {name!r}") from None

    def _sql(self) -> Analysis:
        if self._user is None or not self._user.may_query:
            raise PermissionError("This user may not query the archive")
        if self._analysis is None:
            self._analysis = self._service.analysis()
        return self._analysis

    def _error(self, error: Exception) -> bytes:
        if not isinstance(error, _TOLD):
            logger.exception("an answer failed")
            return wire.error("XX000", f"{type(error).__name__}: {error}")
        text = "The answer took too long" if isinstance(error, TimeoutError) else str(error)
        if isinstance(error, NotImplementedError):
            text = f"{error} are not sent here; ask for text"
        return wire.error(_sqlstate(error), text, hint=getattr(error, "hint", None))

    # The connection

    async def _in_thread(self, work: Callable[..., T], *arguments: object) -> T:
        """Of SQL; a page has other threads."""
        return await _run(self._service.sql_threads, lambda: work(*arguments))

    def _send(self, data: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(data)

    async def _flush(self) -> None:
        try:
            await self._writer.drain()
        except ConnectionError:
            return


async def _run(threads: Executor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(threads, work)


_TOLD = (ColdstreamError, TimeoutError, NotImplementedError, PermissionError)
_STATES: tuple[tuple[type[Exception], str], ...] = (
    (ArchiveUnavailable, "58030"),
    (ArchiveCorrupt, "XX001"),
    (ArchiveError, "58000"),
    (InvalidInput, "42601"),
    (TimeoutError, "58030"),
    (NotImplementedError, "0A000"),
    (PermissionError, "42501"),
)


def _sqlstate(error: Exception) -> str:
    return next((state for kind, state in _STATES if isinstance(error, kind)), "XX000")
