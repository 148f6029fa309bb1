"""A span for each step of a lifecycle."""

from __future__ import annotations

from datetime import timedelta

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.history import START
from tests.lifecycle.conftest import Store

from coldstream import tracing


def test_each_step_has_one(store: Store) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.instrument(provider)
    end = START + timedelta(days=8)
    try:
        with store.opened() as opened:
            opened.lifecycle.compress(end)
            opened.lifecycle.archive(end)
            opened.lifecycle.verify()
            opened.lifecycle.drop(end)
    finally:
        tracing.uninstrument()
    spans = [each for each in exporter.get_finished_spans() if each.name.startswith("lifecycle ")]
    verbs = [each.name.removeprefix("lifecycle ") for each in spans]
    assert verbs == ["compress", "archive", "verify", "drop"]
    for each in spans:
        assert dict(each.attributes or {}) == {"coldstream.range_start": START.isoformat()}
