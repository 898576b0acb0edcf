"""Exports spans of every shape with OpenTelemetry's own exporter, unmodified.

What it exports to, and in which form, is what OTEL_EXPORTER_OTLP_* say. What it has exported is written to SPANS_FILE, one JSON object
a line.
"""

import json
import os
from importlib import import_module

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

FORMS = {"http/protobuf": "proto", "http/json": "json"}


def main():
    form = FORMS[os.environ["OTEL_EXPORTER_OTLP_PROTOCOL"]]
    exporter = import_module(f"opentelemetry.exporter.otlp.{form}.http.trace_exporter").OTLPSpanExporter()
    kept = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource.create({"service.name": "stock"}))
    provider.add_span_processor(SimpleSpanProcessor(kept))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("otlp_sender")

    with tracer.start_as_current_span("order", kind=trace.SpanKind.SERVER, attributes={"number": 7, "gift": True}) as order:
        order.add_event("packed", {"left": -1})
        with tracer.start_as_current_span("pack", attributes={"text": "é\n\"quoted\"", "half": 0.5, "shelves": [3, 4]}):
            pass
        try:
            with tracer.start_as_current_span("label", kind=trace.SpanKind.CLIENT):
                raise LookupError("no paper")
        except LookupError:
            pass
    link = trace.Link(order.get_span_context(), {"why": "again"})
    with tracer.start_as_current_span("retry", context=trace.set_span_in_context(trace.INVALID_SPAN), links=[link]):
        pass
    # More than one batch.
    for number in range(1000):
        with tracer.start_as_current_span("many", attributes={"number": number}):
            pass
    provider.shutdown()

    with open(os.environ["SPANS_FILE"], "w") as file:
        for span in kept.get_finished_spans():
            file.write(json.dumps(shown(span)) + "\n")


def shown(span):
    attributes = {key: list(value) if isinstance(value, tuple) else value for key, value in span.attributes.items()}
    return {
        "traceId": trace.format_trace_id(span.context.trace_id),
        "spanId": trace.format_span_id(span.context.span_id),
        "parentSpanId": trace.format_span_id(span.parent.span_id) if span.parent else None,
        "name": span.name,
        "kind": span.kind.name.lower(),
        "failed": not span.status.is_ok,
        "attributes": attributes,
        "events": [event.name for event in span.events],
        "links": len(span.links),
    }


if __name__ == "__main__":
    main()
