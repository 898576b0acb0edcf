"""Invokes a Lambda function as an instrumented Python service does.

    lambda_caller.py ENDPOINT FUNCTION PAYLOAD

Prints the ids of the span that invoked it (under a span "order" of this program), and what the function answered.
"""

import json
import sys

import boto3
from opentelemetry import trace
from opentelemetry.instrumentation.botocore import BotocoreInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


def main():
    endpoint, function, payload = sys.argv[1:]
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    trace.set_tracer_provider(provider)
    BotocoreInstrumentor().instrument()
    client = boto3.client(
        "lambda",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    with trace.get_tracer("interop").start_as_current_span("order"):
        answer = client.invoke(FunctionName=function, Payload=payload)["Payload"].read()
    call, _ = spans.get_finished_spans()
    report = {
        "traceId": trace.format_trace_id(call.context.trace_id),
        "spanId": trace.format_span_id(call.context.span_id),
        "name": call.name,
        "answer": json.loads(answer),
    }
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
