"""Publishes messages to a queue as an instrumented Python service does.

    pika_producer.py QUEUE COUNT [--declare] [--body TEXT] [--baggage KEY=VALUE]... [--url URL]

Prints for each message the ids of the span that published it (under a span "order" of this program), and the
headers as the instrumentation left them.
"""

import argparse

import pika
from opentelemetry import baggage, context, trace
from opentelemetry.instrumentation.pika import PikaInstrumentor

import peer


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("queue")
    arguments.add_argument("count", type=int)
    arguments.add_argument("--declare", action="store_true", help="declare the queue, durable")
    arguments.add_argument("--body", default="message", help="the number of the message is put behind it")
    arguments.add_argument("--baggage", action="append", default=[], metavar="KEY=VALUE")
    arguments.add_argument("--url", help="default: AMQP_URL")
    arguments = arguments.parse_args()

    spans = peer.instrument(PikaInstrumentor())
    channel = peer.open_channel(arguments.url)
    if arguments.declare:
        channel.queue_declare(arguments.queue, durable=True)
    channel.confirm_delivery()
    for member in arguments.baggage:
        context.attach(baggage.set_baggage(*member.split("=", 1)))

    tracer = trace.get_tracer("interop")
    for number in range(arguments.count):
        properties = pika.BasicProperties(headers={}, message_id=str(number))
        body = f"{arguments.body}-{number}"
        with tracer.start_as_current_span("order"):
            channel.basic_publish("", arguments.queue, body.encode(), properties, mandatory=True)
        # Of two: this release instruments the blocking channel and the channel inside it. The inner span ends first,
        # is the child of the outer one, and the one that travels.
        span, *_ = [span for span in spans.get_finished_spans() if span.kind == trace.SpanKind.PRODUCER]
        spans.clear()
        peer.report(**peer.ids(span.context, span.parent), name=span.name, headers=properties.headers, body=body)
    channel.connection.close()


if __name__ == "__main__":
    main()
