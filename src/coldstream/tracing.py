"""Spans for OpenTelemetry (extra ``otel``), once they are asked for.

    coldstream.tracing.instrument()

From then on every statement of a store, every call of a handler and every step of a lifecycle in
this process is a span. Until then nothing of OpenTelemetry is imported, and nothing is done.

A trace goes on in the handlers of a message where its writer asked for that::

    store.write_message("order-1", "Placed", data, with_trace_context({"userId": "u-1"}))

which puts W3C's ``traceparent`` (and ``tracestate``) into the metadata.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from coldstream._version import __version__
from coldstream.errors import SetupError

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer, TracerProvider

    from coldstream.messages.message import Message

P = ParamSpec("P")
R = TypeVar("R")

_NAME = "coldstream"
_OFF: AbstractContextManager[None] = nullcontext()
_tracer: Tracer | None = None


def instrument(provider: TracerProvider | None = None) -> None:
    """Make spans from now on: of ``provider``, or of the one that is set for the process.

    Names and attributes follow OpenTelemetry's conventions for databases and messaging. They have
    names of streams and types, and never data or metadata of a message.

    Raises:
        SetupError: opentelemetry-api is not installed.
    """
    global _tracer
    _tracer = _trace_api().get_tracer(_NAME, __version__, provider)


def uninstrument() -> None:
    """Make no more spans."""
    global _tracer
    _tracer = None


def with_trace_context(metadata: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Metadata, and the context of the trace that the caller is in, for whoever handles the
    message. Where the caller is in none it is the metadata alone.

    Raises:
        SetupError: opentelemetry-api is not installed.
    """
    _trace_api()
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    found = dict(metadata or {})
    TraceContextTextMapPropagator().inject(found)
    return found


def statement(name: str, schema: str) -> AbstractContextManager[None]:
    """A span around a statement of a store."""
    if _tracer is None:
        return _OFF
    return _span(
        name,
        "CLIENT",
        {"db.system.name": "postgresql", "db.namespace": schema, "db.operation.name": name},
    )


def handler(consumer: str | None, messages: list[Message]) -> AbstractContextManager[None]:
    """A span around the call of a handler: in the trace of its message; with several, linked to
    those of all of them."""
    if _tracer is None:
        return _OFF
    message = messages[-1]
    attributes: dict[str, Any] = {
        "messaging.system": _NAME,
        "messaging.operation.type": "process",
        "messaging.destination.name": message.stream_name,
        "messaging.message.id": str(message.id),
        "coldstream.message.type": message.type,
        "coldstream.message.global_position": message.global_position,
    }
    if consumer is not None:
        attributes["messaging.consumer.group.name"] = consumer
    if len(messages) > 1:
        attributes["messaging.batch.message_count"] = len(messages)
    return _span(f"process {message.type}", "CONSUMER", attributes, messages)


def step(verb: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a span around each call of a function that does a step of a lifecycle with a chunk."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def traced(*args: P.args, **kwargs: P.kwargs) -> R:
            if _tracer is None:
                return function(*args, **kwargs)
            start = next((each.range_start for each in args if hasattr(each, "range_start")), None)
            attributes = {} if start is None else {"coldstream.range_start": start.isoformat()}
            with _span(f"lifecycle {verb}", "INTERNAL", attributes):
                return function(*args, **kwargs)

        return traced

    return decorate


@contextmanager
def _span(
    name: str, kind: str, attributes: Mapping[str, Any], messages: list[Message] | None = None
) -> Iterator[None]:
    from opentelemetry.trace import Link, SpanKind, get_current_span

    assert _tracer is not None
    parent, links = None, None
    if messages is not None:
        found = [_context_of(each) for each in messages]
        if len(found) == 1:
            [parent] = found
        else:
            links = [
                Link(get_current_span(each).get_span_context())
                for each in found
                if each is not None
            ]
    with _tracer.start_as_current_span(
        name, parent, kind=SpanKind[kind], attributes=dict(attributes), links=links
    ):
        yield


def _context_of(message: Message) -> Any:
    """The context that the writer of a message put into its metadata, or ``None``. Somebody else
    may have put anything there."""
    if "traceparent" not in (message.metadata_text or ""):
        return None
    from opentelemetry.trace import get_current_span
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    metadata = message.metadata
    if not isinstance(metadata, Mapping):
        return None
    carrier = {
        key: metadata[key]
        for key in ("traceparent", "tracestate")
        if isinstance(metadata.get(key), str)
    }
    found = TraceContextTextMapPropagator().extract(carrier)
    return found if get_current_span(found).get_span_context().is_valid else None


def _trace_api() -> Any:
    try:
        from opentelemetry import trace
    except ModuleNotFoundError as error:
        raise SetupError(
            "Spans need opentelemetry-api", hint="pip install 'coldstream[otel]'"
        ) from error
    return trace
