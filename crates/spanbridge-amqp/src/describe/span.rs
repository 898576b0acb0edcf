//! The spans.

use super::deaths::{Death, attempt};
use super::destination::Destination;
use super::routing_key::Key;
use crate::client::{ConsumerInfo, Server, at_server};
use lapin::BasicProperties;
use lapin::message::Delivery;
use spanbridge::adapter::{Step, UNKNOWN_TYPE, Values, span};
use spanbridge::observe::SpanBuilder;
use spanbridge::{Kind, Value, semconv};
use std::borrow::Cow;

/// The span of a step, begun under what is current.
fn step(step: Step, operation: &'static str, destination: &Destination, server: Option<&Server>) -> SpanBuilder {
    let span = span("rabbitmq", step, operation, destination);
    let span =
        if destination.is_generated() { span.attribute(semconv::MESSAGING_DESTINATION_ANONYMOUS, true) } else { span };
    at_server(span, server)
}

/// The span around a publish, begun under what is current.
pub(crate) fn publish(
    exchange: &str,
    routing_key: &str,
    properties: &BasicProperties,
    size: Option<usize>,
    server: Option<&Server>,
    values: &mut Values<'_>,
) -> SpanBuilder {
    let key = Key::of(exchange, routing_key, values);
    let destination = Destination::to(exchange, key.in_destination());
    let span = key.tell(step(Step::Send, "publish", &destination, server));
    // A message that is sent again with its headers has its history in them, which is no death of this one.
    let span = match Death::of(properties) {
        Some(death) => death.told(span),
        None => span,
    };
    let span = match size {
        Some(size) => span.attribute(semconv::MESSAGING_BODY_SIZE, size),
        None => span,
    };
    ids(span, properties)
}

/// The span around a transaction.
pub(crate) fn transaction(server: Option<&Server>) -> SpanBuilder {
    step(Step::Send, "transaction", &Destination::default(), server).kind(Kind::Client)
}

/// The span around the work on a message, begun under what is current. `source` is where the message comes from, if all of
/// it may be recorded.
pub(crate) fn process(
    delivery: &Delivery,
    source: &Destination,
    consumer: &ConsumerInfo,
    values: &mut Values<'_>,
) -> SpanBuilder {
    let (exchange, queue) = (delivery.exchange.as_str(), consumer.queue.as_str());
    let key = Key::of(exchange, delivery.routing_key.as_str(), values);
    let source = if values.are_plain() {
        Cow::Borrowed(source)
    } else {
        Cow::Owned(Destination::from(exchange, key.in_destination(), queue))
    };
    let span = key.tell(step(Step::Process, "process", &source, consumer.server.as_ref()));
    let span = in_queue(span.attribute(semconv::RABBITMQ_DELIVERY_TAG, delivery.delivery_tag), queue);
    let span = match attempt(&delivery.properties, queue) {
        Some(attempt) => span.attribute(semconv::DELIVERY_ATTEMPT, attempt),
        None => span,
    };
    let span = if delivery.redelivered { span.attribute(semconv::DELIVERY_REDELIVERED, true) } else { span };
    let span = match consumer.no_ack {
        Some(true) => span.attribute(semconv::SETTLE_AUTOMATIC, true),
        Some(false) => span.attribute(semconv::SETTLE_EXPECTED, Value::Static("ack")),
        None => span,
    };
    let span = match Death::of(&delivery.properties) {
        Some(death) => death.told(span),
        None => span,
    };
    ids(span, &delivery.properties)
}

/// The span around the work on a batch, begun under what is current. What is not the same for all messages is empty.
pub(crate) fn batch(source: &Destination, queue: &str, count: usize, server: Option<&Server>) -> SpanBuilder {
    in_queue(step(Step::Process, "process", source, server), queue).attribute(semconv::MESSAGING_BATCH_COUNT, count)
}

/// The span around an ack, a nack or a reject, begun under what is current.
pub(crate) fn settle(
    operation: &'static str,
    delivery: &Delivery,
    source: &Destination,
    server: Option<&Server>,
) -> SpanBuilder {
    step(Step::Settle, operation, source, server).attribute(semconv::RABBITMQ_DELIVERY_TAG, delivery.delivery_tag)
}

/// The media type of a message.
pub(crate) fn content_type(properties: &BasicProperties) -> &str {
    properties.content_type().as_ref().map_or(UNKNOWN_TYPE, |t| t.as_str())
}

fn in_queue(span: SpanBuilder, queue: &str) -> SpanBuilder {
    if queue.is_empty() { span } else { span.attribute(semconv::QUEUE_NAME, queue) }
}

fn ids(mut span: SpanBuilder, properties: &BasicProperties) -> SpanBuilder {
    if let Some(id) = properties.message_id() {
        span = span.attribute(semconv::MESSAGING_MESSAGE_ID, id.as_str())
    }
    if let Some(id) = properties.correlation_id() {
        span = span.attribute(semconv::MESSAGING_CONVERSATION_ID, id.as_str())
    }
    span
}
