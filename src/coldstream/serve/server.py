"""All connections: where they come in, how many there may be, and how they end."""

from __future__ import annotations

import asyncio
import logging
import socket
from asyncio import StreamReader, StreamWriter
from itertools import count

from coldstream.errors import Unavailable
from coldstream.serve import wire
from coldstream.serve.pages import Pages
from coldstream.serve.session import Service, Session

logger = logging.getLogger("coldstream.serve")

_TIDY_SECONDS = 5.0
# A client that is gone without saying so is found out by the network after about two minutes.
_KEEPALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))


class Server:
    """Takes connections, ``most`` at a time. Whoever comes then is told so."""

    def __init__(self, service: Service, pages: Pages, *, most: int) -> None:
        self._service = service
        self._pages = pages
        self._most = most
        self._sessions: dict[int, Session] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._numbers = count(1)
        self._listening: asyncio.Server | None = None
        self._tidying: asyncio.Task[None] | None = None
        self._stopping = False

    @property
    def connections(self) -> int:
        return len(self._sessions)

    @property
    def stopping(self) -> bool:
        return self._stopping

    async def listen(self, host: str, port: int) -> int:
        """Start, and give the port, which the system chooses for 0.

        Raises:
            Unavailable: the address cannot be had.
        """
        try:
            self._listening = await asyncio.start_server(self._connected, host, port)
        except OSError as error:
            raise Unavailable(
                f"Cannot listen on {host}:{port}: {error.strerror or error}",
                hint="Give another address: --listen HOST:PORT; port 0 is any free one.",
            ) from error
        self._tidying = asyncio.create_task(self._tidy())
        bound: int = self._listening.sockets[0].getsockname()[1]
        return bound

    async def stop(self, seconds: float) -> None:
        """Take no more connections, let what is running end for so long, and close all."""
        self._stopping = True
        if self._listening is not None:
            self._listening.close()
        if self._tidying is not None:
            self._tidying.cancel()
        deadline = asyncio.get_running_loop().time() + seconds
        while self._sessions:
            for session in list(self._sessions.values()):
                if not session.busy:
                    await session.goodbye()
            if asyncio.get_running_loop().time() >= deadline:
                break
            await asyncio.sleep(0.02)
        for session in list(self._sessions.values()):
            session.interrupt()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._pages.close()

    async def _connected(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        number = next(self._numbers)
        try:
            _keep_alive(writer)
            if len(self._sessions) >= self._most or self._stopping:
                writer.write(
                    wire.error(
                        "53300",
                        f"The archive server has {self._most} connections already",
                        severity="FATAL",
                    )
                )
                await writer.drain()
                return
            session = self._sessions[number] = Session(self._service, reader, writer, number)
            await session.run(self._cancel)
        except (ConnectionError, asyncio.CancelledError):
            pass
        except Exception:
            logger.exception("a connection failed")
        finally:
            self._sessions.pop(number, None)
            self._tasks.discard(task)
            writer.close()

    def _cancel(self, process: int, secret: int) -> None:
        session = self._sessions.get(process)
        if session is not None and session.secret == secret:
            session.interrupt()

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(_TIDY_SECONDS)
            await asyncio.get_running_loop().run_in_executor(
                self._service.threads, self._pages.tidy
            )


def _keep_alive(writer: StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    if sock is None:
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    # Small answers are sent at once.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for name, value in _KEEPALIVE:
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
