"""A proxy in front of an object store that breaks what passes, as networks and stores do.

On loopback, HTTP alone, a thread a connection. A :class:`Rule` says which requests a fault meets,
how many of them, and how many pass before::

    with FaultProxy("http://127.0.0.1:8333") as proxy:
        with proxy.broken(Rule("reset", "PUT", r"\\.parquet")) as rule:
            ...
        assert rule.met == 1
"""

from __future__ import annotations

import http.client
import re
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

FAULTS = {
    "reset": "the connection is reset before the request arrives",
    "stall": "the request arrives and nothing is answered",
    "500": "500 Internal Server Error; nothing was done",
    "503": "503 Slow Down; nothing was done",
    "lost": "the request is done and the connection is reset before the answer",
    "truncated": "half of the answer's body, then the end",
    "stalled body": "half of the answer's body, then nothing",
    "flipped": "one bit of the answer's body is another",
    "other": "the answer's body has the right length and other bytes",
    "short": "a whole answer with half of the bytes, as if there were no more",
    "denied": "403 Access Denied",
}


@dataclass
class Rule:
    """``fault`` (a key of :data:`FAULTS`) meets the requests of a method and a path (a regular
    expression, searched in the decoded path with its query), after ``skip`` of them, ``times``
    times (``None``: always). ``met`` counts."""

    fault: str
    method: str = ".*"
    path: str = ""
    skip: int = 0
    times: int | None = 1
    met: int = 0

    def meets(self, method: str, path: str) -> bool:
        if not re.fullmatch(self.method, method) or not re.search(self.path, unquote(path)):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None and self.met >= self.times:
            return False
        self.met += 1
        return True


@dataclass
class Seen:
    """A request that came through."""

    method: str
    path: str
    headers: dict[str, str] = field(repr=False)
    sent: int = 0


class FaultProxy:
    """Forwards to ``upstream`` (``http://host:port``) from :attr:`endpoint`.

    ``seen`` lists every request since it was cleared. A fault that stalls does so for ``stall``
    seconds, or until the client has gone.
    """

    def __init__(self, upstream: str, *, stall: float = 30) -> None:
        parts = urlsplit(upstream)
        self.upstream = (parts.hostname or "", parts.port or 80)
        self.stall = stall
        self.seen: list[Seen] = []
        self._rules: list[Rule] = []
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @contextmanager
    def broken(self, *rules: Rule) -> Iterator[Rule]:
        """These rules hold inside; gives the first. Of several, the first that meets counts."""
        with self._lock:
            self._rules = list(rules)
        try:
            yield rules[0]
        finally:
            with self._lock:
                self._rules = []

    def note(self, seen: Seen) -> str | None:
        """Note a request; gives the fault that it meets."""
        with self._lock:
            self.seen.append(seen)
            for rule in self._rules:
                if rule.meets(seen.method, seen.path):
                    return rule.fault
        return None

    def hold(self, connection: socket.socket) -> None:
        """Say nothing, until the client has gone or the time is over."""
        connection.settimeout(0.05)
        for _ in range(int(self.stall / 0.05)):
            if self._stopped.is_set():
                return
            try:
                if not connection.recv(1, socket.MSG_PEEK):
                    return
            except TimeoutError:
                continue
            except OSError:
                return


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    proxy: FaultProxy

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the requests are in ``seen``."""

    def _handle(self) -> None:
        proxy = self.server.proxy
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        seen = Seen(self.command, self.path, headers)
        fault = proxy.note(seen)
        if fault == "stall":
            proxy.hold(self.connection)
        if fault in ("reset", "stall"):
            self._reset()
        elif fault in _ANSWERS:
            self._answer(*_ANSWERS[fault])
        else:
            self._forward(seen, body, fault)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _handle  # noqa: N815

    def _forward(self, seen: Seen, body: bytes, fault: str | None) -> None:
        proxy = self.server.proxy
        upstream = http.client.HTTPConnection(*proxy.upstream, timeout=60)
        try:
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() != "connection":
                    upstream.putheader(name, value)
            upstream.putheader("Connection", "close")
            upstream.endheaders(body or None)
            answer = upstream.getresponse()
            content = answer.read()
        finally:
            upstream.close()
        if fault == "lost":
            self._reset()
            return
        length = answer.headers.get("Content-Length")
        if fault == "flipped" and content:
            middle = len(content) // 2
            content = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        elif fault == "other":
            content = bytes(byte ^ 0xFF for byte in content)
        elif fault == "short":
            content = content[: len(content) // 2]
            length = str(len(content))
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.headers.items():
            if name.lower() not in ("connection", "content-length", "transfer-encoding"):
                self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", length or str(len(content)))
        self.end_headers()
        if fault in ("truncated", "stalled body"):
            content = content[: len(content) // 2]
        seen.sent = len(content)
        self.wfile.write(content)
        if fault == "stalled body":
            proxy.hold(self.connection)
            self._reset()
        elif fault == "truncated":
            self.close_connection = True

    def _reset(self) -> None:
        # A linger of no time makes the close a reset.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def _answer(self, status: int, code: str, text: str) -> None:
        content = f"<Error><Code>{code}</Code><Message>{text}</Message></Error>".encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


_ANSWERS = {
    "500": (500, "InternalError", "We encountered an internal error. Please try again."),
    "503": (503, "SlowDown", "Please reduce your request rate."),
    "denied": (403, "AccessDenied", "Access Denied"),
}
