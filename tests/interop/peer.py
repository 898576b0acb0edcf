"""What the two pika programs share: a broker, a tracer, and one JSON object a line."""

import json
import os

import pika
from opentelemetry import trace
from opentelemetry.instrumentation.pika import PikaInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


def instrument():
    """Switches the instrumentation on, before any channel is opened; returns where ended spans are kept."""
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    trace.set_tracer_provider(provider)
    PikaInstrumentor().instrument()
    return spans


def open_channel(url):
    return pika.BlockingConnection(pika.URLParameters(url or os.environ["AMQP_URL"])).channel()


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
