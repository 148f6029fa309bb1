"""Spans: of statements, handlers and steps, and a trace that goes on where a message is handled."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from tests.consuming import Consuming, Seen, SyncConsuming, consuming
from tests.fix_store import InstalledStore

from coldstream import Handlers, tracing
from coldstream.errors import ExpectedVersionError
from coldstream.tracing import with_trace_context


class Spans:
    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    def of(self, name: str) -> list[ReadableSpan]:
        return [span for span in self._exporter.get_finished_spans() if span.name == name]

    @property
    def names(self) -> set[str]:
        return {span.name for span in self._exporter.get_finished_spans()}


@pytest.fixture
def spans() -> Iterator[Spans]:
    spans = Spans()
    tracing.instrument(spans.provider)
    yield spans
    tracing.uninstrument()


@pytest.fixture(params=["sync", "async"])
def using(request: pytest.FixtureRequest, store_schema: InstalledStore) -> Iterator[Consuming]:
    with consuming(request.param, store_schema.dsn, schema=store_schema.schema) as using:
        yield using


def test_a_trace_goes_on_in_the_handler(using: Consuming, spans: Spans) -> None:
    category = f"traced{uuid4().hex}"
    tracer = spans.provider.get_tracer("the program")
    with tracer.start_as_current_span("request") as request:
        metadata = with_trace_context({"userId": "u-1"})
        using.call("write_message", f"{category}-1", "Placed", {"secret": 1}, metadata)
    using.call("write_message", f"{category}-2", "Placed", {"secret": 2})
    handlers = Seen()
    assert using.run(using.consumer(category, None, handlers=handlers)) == 2
    got = handlers.messages

    [written, _] = spans.of("write_message")
    if isinstance(using, SyncConsuming):  # The loop of the other runs in a context of its own.
        assert written.parent is not None
        assert written.parent.span_id == request.get_span_context().span_id
    assert dict(written.attributes or {})["db.operation.name"] == "write_message"
    first, second = spans.of("process Placed")
    assert first.context.trace_id == request.get_span_context().trace_id
    assert second.context.trace_id != first.context.trace_id
    attributes = dict(first.attributes or {})
    assert attributes["messaging.destination.name"] == f"{category}-1"
    assert attributes["messaging.message.id"] == str(got[0].id)
    assert got[0].metadata["userId"] == "u-1"
    shown = "".join(span.to_json() for name in spans.names for span in spans.of(name))
    assert "secret" not in shown
    assert "u-1" not in shown


def test_a_batch_is_linked_to_each_trace(using: Consuming, spans: Spans) -> None:
    category = f"traced{uuid4().hex}"
    tracer = spans.provider.get_tracer("the program")
    traces = []
    for number in range(3):
        with tracer.start_as_current_span("request") as request:
            using.call("write_message", f"{category}-{number}", "T", None, with_trace_context())
            traces.append(request.get_span_context().trace_id)
    handlers = Handlers()
    handlers.batch_handler(lambda messages: None)
    assert using.run(using.consumer(category, None, handlers=handlers)) == 3
    [span] = spans.of("process T")
    assert [link.context.trace_id for link in span.links] == traces


@pytest.mark.parametrize(
    "planted", ["x", 5, {"a": 1}, "00-0-0-0", "00-" + "0" * 32 + "-" + "0" * 16]
)
def test_what_somebody_else_put_there_is_let_be(
    using: Consuming, spans: Spans, planted: Any
) -> None:
    category = f"traced{uuid4().hex}"
    using.call("write_message", f"{category}-1", "T", None, {"traceparent": planted})
    handlers = Seen()
    assert using.run(using.consumer(category, None, handlers=handlers)) == 1
    [span] = spans.of("process T")
    assert (len(handlers.messages), span.parent) == (1, None)


def test_what_fails_says_so(using: Consuming, spans: Spans) -> None:
    name = f"traced{uuid4().hex}-1"
    with pytest.raises(ExpectedVersionError):
        using.call("write_message", name, "T", None, expected_version=5)
    [span] = spans.of("write_message")
    assert span.status.status_code is StatusCode.ERROR


def test_without_being_asked_nothing_is_imported_and_nothing_is_added() -> None:
    program = (
        "import sys, coldstream, coldstream.tracing\n"
        "assert coldstream.tracing.statement('a', 'b') is coldstream.tracing.statement('c', 'd')\n"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')]\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    assert with_trace_context({"a": 1}) == {"a": 1}


def test_a_store_that_is_not_traced_works_as_before(using: Consuming) -> None:
    spans = Spans()
    tracing.instrument(spans.provider)
    tracing.uninstrument()
    using.call("write_message", f"traced{uuid4().hex}-1", "T")
    assert spans.names == set()
