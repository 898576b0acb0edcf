//! The spans.

use super::destination::Destination;
use super::history::{Death, History};
use super::routing_key::Key;
use super::source::{Settlement, Source, Target, step};
use crate::client::{ConsumerInfo, Server};
use lapin::BasicProperties;
use lapin::message::Delivery;
use spanbridge::adapter::{Step, UNKNOWN_TYPE, Values};
use spanbridge::observe::SpanBuilder;
use spanbridge::{Kind, semconv};
use std::sync::Arc;

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
    let span = Target::with(exchange, &key, server, |target| target.publish.begin());
    // A message that is sent again with its headers has its history in them, which is no death of this one.
    let span = told(span, History::of(properties).last_death()).attribute(semconv::MESSAGING_BODY_SIZE, size);
    ids(span, properties)
}

/// The span around a transaction.
pub(crate) fn transaction(server: Option<&Server>) -> SpanBuilder {
    step(Step::Send, "transaction", &Destination::default(), server).begin().kind(Kind::Client)
}

/// The span around the work on a message, begun under what is current.
pub(crate) fn process(delivery: &Delivery, consumer: &Arc<ConsumerInfo>, values: &mut Values<'_>) -> SpanBuilder {
    let exchange = delivery.exchange.as_str();
    let key = Key::of(exchange, delivery.routing_key.as_str(), values);
    let history = History::of(&delivery.properties);
    let span = Source::with(exchange, &key, consumer, |source| source.process.begin())
        .attribute(semconv::RABBITMQ_DELIVERY_TAG, delivery.delivery_tag)
        .attribute(semconv::DELIVERY_ATTEMPT, history.attempt(consumer.queue.as_str()))
        .attribute(semconv::DELIVERY_REDELIVERED, delivery.redelivered.then_some(true));
    ids(told(span, history.last_death()), &delivery.properties)
}

/// Looks at where a message comes from, with as much of its routing key as may be recorded.
pub(crate) fn with_source<R>(
    delivery: &Delivery,
    consumer: &Arc<ConsumerInfo>,
    values: &mut Values<'_>,
    look: impl FnOnce(&Source) -> R,
) -> R {
    let exchange = delivery.exchange.as_str();
    let key = Key::of_destination(exchange, delivery.routing_key.as_str(), values);
    Source::with(exchange, &key, consumer, look)
}

/// The span around the work on a batch, begun under what is current. What is not the same for all messages is empty.
pub(crate) fn batch(source: &Destination, queue: &str, count: usize, server: Option<&Server>) -> SpanBuilder {
    step(Step::Process, "process", source, server)
        .begin()
        .attribute(semconv::QUEUE_NAME, Some(queue).filter(|queue| !queue.is_empty()))
        .attribute(semconv::MESSAGING_BATCH_COUNT, count)
}

/// The span around an ack, a nack or a reject, begun under what is current.
pub(crate) fn settle(settlement: Settlement, delivery: &Delivery, source: &Source) -> SpanBuilder {
    source.settle(settlement).begin().attribute(semconv::RABBITMQ_DELIVERY_TAG, delivery.delivery_tag)
}

/// The media type of a message.
pub(crate) fn content_type(properties: &BasicProperties) -> &str {
    properties.content_type().as_ref().map_or(UNKNOWN_TYPE, |t| t.as_str())
}

fn told(span: SpanBuilder, death: Option<Death<'_>>) -> SpanBuilder {
    match death {
        Some(death) => death.told(span),
        None => span,
    }
}

fn ids(span: SpanBuilder, properties: &BasicProperties) -> SpanBuilder {
    span.attribute(semconv::MESSAGING_MESSAGE_ID, properties.message_id().as_ref().map(|id| id.as_str()))
        .attribute(semconv::MESSAGING_CONVERSATION_ID, properties.correlation_id().as_ref().map(|id| id.as_str()))
}
