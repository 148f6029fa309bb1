"""``coldstream serve``: everything that a server needs, from its options, until it is told to
stop."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import ssl
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from psycopg.rows import TupleRow

from coldstream.archive.storage.location import ArchiveLocation
from coldstream.client._sync.statements import rows_over
from coldstream.client.archived import Readers
from coldstream.client.connect import connect
from coldstream.errors import InvalidInput, SetupError
from coldstream.insights import Status, read_status
from coldstream.messages.message import Message
from coldstream.metrics import StoreCollector
from coldstream.serve.health import Metrics, monitored
from coldstream.serve.pages import Pages
from coldstream.serve.places import Places
from coldstream.serve.requests import Request
from coldstream.serve.scram import Verifier
from coldstream.serve.server import Server
from coldstream.serve.session import Service
from coldstream.serve.sql import Analysis
from coldstream.serve.users import User, Users
from coldstream.settings import ArchiveReads

logger = logging.getLogger("coldstream.serve")

DATABASE_USER = "coldstream_database"
"""Whom the database logs in as. It may ask for what the ledger lists, and for nothing else."""

MEMORY_BYTES = 128 * 1024 * 1024
"""Of decoded parts that the command keeps: a page takes all of a category's in a chunk, and those
of the next page are the same."""

_THREADS = 16


@dataclass(frozen=True, kw_only=True)
class Address:
    """A host and a port; 0 is any free one."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str, *, name: str) -> Address:
        """
        Raises:
            InvalidInput: not ``HOST:PORT``.
        """
        host, colon, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not colon or not host or not port.isdecimal() or int(port) > 65535:
            raise InvalidInput(f"{name} is not HOST:PORT: {text!r}", hint="Such as 127.0.0.1:5439.")
        return cls(host=host, port=int(port))

    @property
    def is_loopback(self) -> bool:
        return self.host in ("localhost", "::1") or self.host.startswith("127.")

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """How a server runs.

    ``connections``: at the same time, at most. ``max_seconds``: of one page. ``stop_seconds``: what
    is running may take so long when the server is told to stop. ``tls_certificate`` and
    ``tls_key``: PEM files. ``query_memory``: of each connection's SQL, as DuckDB writes it.
    """

    listen: Address
    monitor: Address | None = None
    connections: int = 100
    max_seconds: float = 60.0
    stop_seconds: float = 10.0
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    query_memory: str = "1GB"
    reads: ArchiveReads = field(default_factory=ArchiveReads)


@dataclass(frozen=True)
class Store:
    """The store that a server is for. Each question has a connection of its own: they are rare."""

    dsn: str
    schema: str
    archive: str | None
    archive_options: Mapping[str, str] | None

    def users(self) -> Mapping[str, User]:
        rows = self._rows("archive_server_users")
        return {
            name: User(name, Verifier.parse(verifier), may_query)
            for name, verifier, may_query in rows
        }

    def files(self, keys: Collection[str]) -> list[TupleRow]:
        """Those of these files that the ledger names: the key of each, and the archive's URL."""
        return self._rows("archive_objects", [list(keys)])

    def location(self) -> ArchiveLocation:
        """
        Raises:
            SetupError: nothing was archived, and no archive is given.
        """
        url = self.archive or self._rows("archive_of_store")[0][0]
        if url is None:
            raise SetupError("The store has no archive yet", hint="Name it: --archive URL.")
        return ArchiveLocation.open(url, self.archive_options)

    def register(self, address: Address, *, sslmode: str, root: str | None, seconds: float) -> None:
        """Store where the server is, with a password that nobody else knows."""
        password = secrets.token_urlsafe(32)
        self.set_user(DATABASE_USER, password, may_query=False)
        self._rows(
            "register_archive_server",
            [
                address.host,
                address.port,
                DATABASE_USER,
                password,
                sslmode,
                f"{seconds} seconds",
                root,
            ],
        )

    def unregister(self) -> bool:
        """Forget it; False where none was registered."""
        found: bool = self._rows("unregister_archive_server")[0][0]
        self.set_user(DATABASE_USER, None, may_query=False)
        return found

    def set_user(self, name: str, password: str | None, *, may_query: bool = True) -> None:
        """Let somebody in with this password; with none, nobody of this name."""
        verifier = None if password is None else str(Verifier.of(password))
        self._rows("set_archive_server_user", [name, verifier, may_query])

    def status(self) -> Status:
        """The store's figures, for a monitor."""
        with connect(self.dsn, self.schema, name="coldstream serve", timeout=10) as connection:
            return read_status(
                lambda name: rows_over(connection, self.schema, name, ()), self.schema
            )

    def _rows(self, name: str, arguments: object = ()) -> list[TupleRow]:
        with connect(self.dsn, self.schema, name="coldstream serve", timeout=10) as connection:
            return rows_over(connection, self.schema, name, arguments)


def serve(
    store: Store, options: ServeOptions, *, ready: Callable[[Address, int | None], None]
) -> None:
    """Serve until SIGTERM or SIGINT. ``ready`` is called with the address, and the monitor's port;
    it may register the server.

    Raises:
        Unavailable: an address cannot be had, or the database cannot be asked for its users.
        SetupError: an extra is not installed, or a certificate cannot be read.
        InvalidInput: an address that others reach, without TLS.
    """
    asyncio.run(_until_signalled(store, options, ready))


@contextmanager
def serving(store: Store, options: ServeOptions) -> Iterator[Address]:
    """Serve in a thread while the body runs, from where the address says.

    Raises:
        As :func:`serve`.
    """
    started: Future[tuple[Address, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def run() -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        await _serve(store, options, lambda at, _: started.set_result((at, loop, stop)), stop)

    def work() -> None:
        try:
            asyncio.run(run())
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    thread = threading.Thread(target=work, name="coldstream-serve")
    thread.start()
    address, loop, stop = started.result()
    try:
        yield address
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


async def _until_signalled(
    store: Store, options: ServeOptions, ready: Callable[[Address, int | None], None]
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await _serve(store, options, ready, stop)


async def _serve(
    store: Store,
    options: ServeOptions,
    ready: Callable[[Address, int | None], None],
    stop: asyncio.Event,
) -> None:
    tls = _tls(options)
    users = Users(store.users)
    readers = Readers(store.archive, store.archive_options, options.reads)
    places = Places(store.files)
    pages = Pages(readers)

    def page(request: Request) -> list[Message]:
        places.check(request.files)
        return pages.page(request)

    with ExitStack() as stack:
        threads = stack.enter_context(ThreadPoolExecutor(_THREADS, "coldstream-page"))
        sql_threads = stack.enter_context(ThreadPoolExecutor(_THREADS, "coldstream-sql"))
        counting: list[Server] = []
        metrics = Metrics(lambda: counting[0].connections if counting else 0)
        service = Service(
            users=users,
            page=page,
            analysis=partial(Analysis, store.location, store.schema, options.query_memory),
            threads=threads,
            sql_threads=sql_threads,
            counters=metrics,
            tls=tls,
            needs_tls=tls is not None and not options.listen.is_loopback,
            max_seconds=options.max_seconds,
        )
        server = Server(service, pages, most=options.connections)
        counting.append(server)
        # Before anybody connects: a store that cannot be asked is found now.
        users.get("")
        monitor = None
        if options.monitor is not None:
            metrics.registry.register(StoreCollector(store))
            monitor = stack.enter_context(
                monitored(
                    options.monitor.host,
                    options.monitor.port,
                    metrics,
                    lambda: not server.stopping,
                )
            )
        port = await server.listen(options.listen.host, options.listen.port)
        try:
            ready(Address(host=options.listen.host, port=port), monitor)
            users.forget()
            await stop.wait()
        finally:
            await server.stop(options.stop_seconds)


def _tls(options: ServeOptions) -> ssl.SSLContext | None:
    if options.tls_certificate is None:
        if options.tls_key is not None:
            raise InvalidInput("A key without a certificate", hint="Give --tls-cert as well.")
        if not options.listen.is_loopback:
            raise InvalidInput(
                f"Others reach {options.listen}, and what they send and get is not encrypted",
                hint="Give --tls-cert and --tls-key, or listen on 127.0.0.1.",
            )
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(options.tls_certificate, options.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise SetupError(f"The certificate cannot be read: {error}") from error
    return context


def file_of_password(path: Path) -> str:
    """The first line of a file.

    Raises:
        InvalidInput: it cannot be read, is empty, or others may read it.
    """
    try:
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise InvalidInput(f"Others may read {path}", hint=f"chmod 600 {path}")
        text = path.read_text("utf-8").split("\n", 1)[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}") from error
    if not text:
        raise InvalidInput(f"{path} has no password in its first line")
    return text
