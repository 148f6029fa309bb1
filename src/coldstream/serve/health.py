"""What a monitor asks over HTTP: ``/health`` and ``/metrics`` (Prometheus' text format)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Thread
from typing import Any, Protocol
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from coldstream.errors import SetupError, Unavailable

_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0)


class Metrics:
    """What is counted, in a registry of its own.

    Raises:
        SetupError: prometheus_client is not installed.
    """

    def __init__(self, connections: Callable[[], int]) -> None:
        try:
            import prometheus_client as prometheus
        except ModuleNotFoundError as error:
            raise SetupError(
                "The server needs prometheus_client", hint="pip install 'coldstream[serve]'"
            ) from error
        self._prometheus = prometheus
        self.registry = prometheus.CollectorRegistry()
        gauge = prometheus.Gauge(
            "coldstream_serve_connections", "Open connections.", registry=self.registry
        )
        gauge.set_function(connections)
        self._seconds = prometheus.Histogram(
            "coldstream_serve_answer_seconds",
            "Time to answer the database's requests.",
            ["kind"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._messages = prometheus.Counter(
            "coldstream_serve_messages",
            "Messages that were given.",
            ["kind"],
            registry=self.registry,
        )
        self._failures = prometheus.Counter(
            "coldstream_serve_failures",
            "Requests that failed, by SQLSTATE.",
            ["kind", "sqlstate"],
            registry=self.registry,
        )
        self._refused = prometheus.Counter(
            "coldstream_serve_refused",
            "Connections whose password was wrong.",
            registry=self.registry,
        )

    def answered(self, kind: str, rows: int, seconds: float) -> None:
        self._seconds.labels(kind).observe(seconds)
        self._messages.labels(kind).inc(rows)

    def failed(self, kind: str, sqlstate: str) -> None:
        self._failures.labels(kind, sqlstate).inc()

    def refused(self) -> None:
        self._refused.inc()

    def text(self) -> bytes:
        made: bytes = self._prometheus.generate_latest(self.registry)
        return made


class Texts(Protocol):
    """What a monitor gets at ``/metrics``."""

    def text(self) -> bytes: ...


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: whoever looks every few seconds is no news."""


@contextmanager
def monitored(host: str, port: int, metrics: Texts, healthy: Callable[[], bool]) -> Iterator[int]:
    """Answer a monitor while the body runs, at the port that is given (another for 0).

    Raises:
        Unavailable: the address cannot be had.
    """

    def answer(environment: Mapping[str, Any], start: Callable[..., Any]) -> list[bytes]:
        path = environment.get("PATH_INFO")
        status, body = "404 Not Found", b"not found\n"
        if path == "/metrics":
            status, body = "200 OK", metrics.text()
        elif path == "/health":
            up = healthy()
            status, body = (
                ("200 OK", b"ok\n") if up else ("503 Service Unavailable", b"not healthy\n")
            )
        start(status, [("Content-Type", "text/plain; version=0.0.4; charset=utf-8")])
        return [body]

    try:
        server: WSGIServer = make_server(host, port, answer, handler_class=_Silent)
    except OSError as error:
        raise Unavailable(
            f"Cannot listen on {host}:{port}: {error.strerror or error}",
            hint="Give another address: --monitor HOST:PORT.",
        ) from error
    thread = Thread(target=server.serve_forever, name="coldstream-monitor", daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
