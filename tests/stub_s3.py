"""A stand-in for an object store that says no: what it answers is chosen by the test."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit


class StubS3:
    """``refuse``: status, code and message for the methods named, as in ``{"PUT": (403, ...)}``.
    ``conditions``: whether If-None-Match is honoured."""

    def __init__(self, port: int) -> None:
        self.refuse: dict[str, tuple[int, str, str]] = {}
        self.conditions = True
        self.objects: dict[str, bytes] = {}
        self.options = {
            "endpoint": f"http://127.0.0.1:{port}",
            "access_key_id": "key",
            "secret_access_key": "a-secret",
            "region": "us-east-1",
            "max_retries": "0",
            "retry_timeout": "3",
        }

    def answer(
        self, method: str, path: str, condition: str | None, body: bytes
    ) -> tuple[int, bytes]:
        if method in self.refuse:
            return _error(*self.refuse[method])
        key = urlsplit(path).path
        if method == "PUT":
            if self.conditions and condition == "*" and key in self.objects:
                return _error(412, "PreconditionFailed", "It is there")
            self.objects[key] = body
        elif method == "POST":
            # Objects are deleted by lists of keys.
            keys = re.findall(r"<Key>(.*?)</Key>", body.decode())
            for name in keys:
                self.objects.pop(f"{key.rstrip('/')}/{name}", None)
            deleted = "".join(f"<Deleted><Key>{name}</Key></Deleted>" for name in keys)
            return 200, f"<DeleteResult>{deleted}</DeleteResult>".encode()
        elif method == "GET":
            if key not in self.objects:
                return _error(404, "NoSuchKey", "It is not there")
            return 200, self.objects[key]
        return 200, b""


def _error(status: int, code: str, message: str) -> tuple[int, bytes]:
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{message}</Message>"
        "<StringToSign>a-secret</StringToSign></Error>"
    )
    return status, text.encode()


@contextmanager
def stub_s3() -> Iterator[StubS3]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            pass

        def respond(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, answer = stub.answer(
                self.command, self.path, self.headers.get("If-None-Match"), body
            )
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.send_header("ETag", '"1"')
            self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
            self.end_headers()
            self.wfile.write(answer)

        def __getattr__(self, name: str) -> Callable[[], None]:
            if name.startswith("do_"):
                return self.respond
            raise AttributeError(name)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stub = StubS3(server.server_port)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
