"""What the programs share: a tracer, a broker, and one JSON object a line."""

import json
import os

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


def instrument(instrumentor):
    """Switches the instrumentation on, before any client is made; returns where ended spans are kept."""
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    trace.set_tracer_provider(provider)
    instrumentor.instrument()
    return spans


def open_channel(url):
    import pika

    return pika.BlockingConnection(pika.URLParameters(url or os.environ["AMQP_URL"])).channel()


def shown(value):
    """Text as it is; anything else, and bytes that are not UTF-8, as an object that names the type."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    return {type(value).__name__: str(value)}


def ids(context, parent):
    return {
        "traceId": trace.format_trace_id(context.trace_id),
        "spanId": trace.format_span_id(context.span_id),
        "traceFlags": f"{context.trace_flags:02x}",
        "parentSpanId": trace.format_span_id(parent.span_id) if parent else None,
        "parentIsRemote": parent.is_remote if parent else None,
    }


def report(**fields):
    print(json.dumps(fields), flush=True)
