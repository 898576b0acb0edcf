"""Consumes messages from a queue as an instrumented Python service does.

    pika_consumer.py QUEUE COUNT [--declare] [--timeout SECONDS] [--url URL]

Prints for each message the headers as they came (text as it is; anything else, and bytes that are not UTF-8, as an
object that names the type), the ids of the span around the callback and of its parent, the baggage and the body.
Exits with 1 when the messages do not come in time.
"""

import argparse
import sys

from opentelemetry import baggage, trace
from opentelemetry.instrumentation.pika import PikaInstrumentor

import peer


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("queue")
    arguments.add_argument("count", type=int)
    arguments.add_argument("--declare", action="store_true", help="declare the queue, durable")
    arguments.add_argument("--timeout", type=float, default=60, help="seconds for all of them")
    arguments.add_argument("--url", help="default: AMQP_URL")
    arguments = arguments.parse_args()

    peer.instrument(PikaInstrumentor())
    channel = peer.open_channel(arguments.url)
    if arguments.declare:
        channel.queue_declare(arguments.queue, durable=True)
    channel.basic_qos(prefetch_count=1)
    left = arguments.count

    def handle(channel, method, properties, body):
        nonlocal left
        span = trace.get_current_span()
        peer.report(
            **peer.ids(span.get_span_context(), span.parent),
            name=span.name,
            headers={name: peer.shown(value) for name, value in (properties.headers or {}).items()},
            baggage=dict(baggage.get_all()),
            redelivered=method.redelivered,
            body=body.decode(errors="replace"),
        )
        channel.basic_ack(method.delivery_tag)
        left -= 1
        if left == 0:
            channel.stop_consuming()

    # Once only: the instrumentation wraps every callback of the channel again at each basic_consume. And not
    # channel.consume(), whose span has no callback to be around.
    channel.basic_consume(arguments.queue, handle)
    channel.connection.call_later(arguments.timeout, channel.stop_consuming)
    if left:
        channel.start_consuming()
    channel.connection.close()
    if left:
        sys.exit(f"{left} of {arguments.count} messages did not come in {arguments.timeout} seconds")


if __name__ == "__main__":
    main()
