"""Sends messages to a topic as an instrumented Python service does.

    confluent_producer.py TOPIC COUNT [--body TEXT] [--baggage KEY=VALUE]... [--brokers HOST:PORT]

Prints for each message the ids of the span that sent it (under a span "order" of this program), and the headers as the
instrumentation left them.
"""

import argparse
import os
import sys

import confluent_kafka
from opentelemetry import baggage, context, trace
from opentelemetry.instrumentation.confluent_kafka import ConfluentKafkaInstrumentor

import peer


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("topic")
    arguments.add_argument("count", type=int)
    arguments.add_argument("--body", default="message", help="the number of the message is put behind it")
    arguments.add_argument("--baggage", action="append", default=[], metavar="KEY=VALUE")
    arguments.add_argument("--brokers", help="default: KAFKA_BROKERS")
    arguments = arguments.parse_args()

    spans = peer.instrument(ConfluentKafkaInstrumentor())
    # The instrumentation replaces the module's classes.
    producer = confluent_kafka.Producer({"bootstrap.servers": arguments.brokers or os.environ["KAFKA_BROKERS"]})
    for member in arguments.baggage:
        context.attach(baggage.set_baggage(*member.split("=", 1)))

    tracer = trace.get_tracer("interop")
    for number in range(arguments.count):
        headers, body = [("x-own", b"1")], f"{arguments.body}-{number}"
        with tracer.start_as_current_span("order"):
            producer.produce(arguments.topic, body.encode(), key=str(number), partition=0, headers=headers)
        [span] = [span for span in spans.get_finished_spans() if span.kind == trace.SpanKind.PRODUCER]
        spans.clear()
        told = [[name, peer.shown(value if isinstance(value, str) else value.decode())] for name, value in headers]
        peer.report(**peer.ids(span.context, span.parent), name=span.name, headers=told, body=body)
    left = producer.flush(20)
    if left:
        sys.exit(f"{left} of {arguments.count} messages were not delivered in 20 seconds")


if __name__ == "__main__":
    main()
