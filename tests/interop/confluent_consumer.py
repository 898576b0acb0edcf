"""Consumes messages from a topic as an instrumented Python service does.

    confluent_consumer.py TOPIC COUNT [--group NAME] [--timeout SECONDS] [--brokers HOST:PORT]

Prints for each message the headers as they came, what the instrumentation's own span links to, and the ids of a span
that continues the message's trace, with its parent and the baggage. (This release links its span to the sender's and
hangs it under a span of its own; who wants the sender as the parent extracts the context, as here.)
Exits with 1 when the messages do not come in time.
"""

import argparse
import os
import sys
import time

import confluent_kafka
from opentelemetry import baggage, propagate, trace
from opentelemetry.instrumentation.confluent_kafka import ConfluentKafkaInstrumentor

import peer


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("topic")
    arguments.add_argument("count", type=int)
    arguments.add_argument("--group", default="interop")
    arguments.add_argument("--timeout", type=float, default=60, help="seconds for all of them")
    arguments.add_argument("--brokers", help="default: KAFKA_BROKERS")
    arguments = arguments.parse_args()

    peer.instrument(ConfluentKafkaInstrumentor())
    consumer = confluent_kafka.Consumer(
        {
            "bootstrap.servers": arguments.brokers or os.environ["KAFKA_BROKERS"],
            "group.id": arguments.group,
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([arguments.topic])
    tracer = trace.get_tracer("interop")
    left, until = arguments.count, time.monotonic() + arguments.timeout
    while left and time.monotonic() < until:
        message = consumer.poll(0.2)
        if message is None or message.error():
            continue
        current = trace.get_current_span()
        headers = message.headers() or []
        extracted = propagate.extract({name: value.decode(errors="replace") for name, value in headers if value})
        with tracer.start_as_current_span("handle", context=extracted) as span:
            peer.report(
                **peer.ids(span.get_span_context(), span.parent),
                name=current.name,
                links=[trace.format_span_id(link.context.span_id) for link in current.links],
                headers=[[name, peer.shown(value and value.decode())] for name, value in headers],
                baggage=dict(baggage.get_all(extracted)),
                body=(message.value() or b"").decode(errors="replace"),
            )
        left -= 1
    consumer.close()
    if left:
        sys.exit(f"{left} of {arguments.count} messages did not come in {arguments.timeout} seconds")


if __name__ == "__main__":
    main()
