//! Names and attributes of spans, by OpenTelemetry's conventions for RabbitMQ.

use lapin::BasicProperties;
use lapin::message::Delivery;
use lapin::types::{AMQPValue, FieldTable};
use spanbridge::messaging::{Step, span};
use spanbridge::observe::SpanBuilder;
use spanbridge::semconv;

const SYSTEM: &str = "rabbitmq";

/// `{exchange}:{routing key}`; the default exchange has a name for this purpose.
fn destination(exchange: &str, routing_key: &str) -> String {
    let exchange = if exchange.is_empty() { "amq.default" } else { exchange };
    if routing_key.is_empty() { exchange.to_owned() } else { format!("{exchange}:{routing_key}") }
}

/// `{exchange}:{routing key}:{queue}`, without the key where it is the queue's name.
pub(crate) fn source(exchange: &str, routing_key: &str, queue: &str) -> String {
    let key = if routing_key == queue { "" } else { routing_key };
    match (destination(exchange, key), queue) {
        (d, "") => d,
        (d, q) => format!("{d}:{q}"),
    }
}

/// The span around a publish, begun under what is current.
pub(crate) fn publish(exchange: &str, routing_key: &str, payload: &[u8], properties: &BasicProperties) -> SpanBuilder {
    let destination = destination(exchange, routing_key);
    let span = span(SYSTEM, Step::Send, "publish", &destination).attribute(semconv::RABBITMQ_ROUTING_KEY, routing_key);
    message(span, payload, properties)
}

/// The span around the work on a message, begun under what is current.
pub(crate) fn process(delivery: &Delivery, queue: &str, source: &str) -> SpanBuilder {
    let mut span = span(SYSTEM, Step::Process, "process", source)
        .attribute(semconv::RABBITMQ_ROUTING_KEY, delivery.routing_key.as_str())
        .attribute(semconv::RABBITMQ_DELIVERY_TAG, delivery.delivery_tag);
    if let Some(attempt) = attempt(&delivery.properties, queue) {
        span = span.attribute(semconv::DELIVERY_ATTEMPT, attempt)
    }
    if delivery.redelivered {
        span = span.attribute(semconv::DELIVERY_REDELIVERED, true)
    }
    message(span, &delivery.data, &delivery.properties)
}

/// The span around an ack, a nack or a reject, begun under what is current.
pub(crate) fn settle(operation: &'static str, delivery: &Delivery, source: &str) -> SpanBuilder {
    span(SYSTEM, Step::Settle, operation, source).attribute(semconv::RABBITMQ_DELIVERY_TAG, delivery.delivery_tag)
}

fn message(mut span: SpanBuilder, payload: &[u8], properties: &BasicProperties) -> SpanBuilder {
    span = span.attribute(semconv::MESSAGING_BODY_SIZE, payload.len());
    if let Some(id) = properties.message_id() {
        span = span.attribute(semconv::MESSAGING_MESSAGE_ID, id.as_str())
    }
    if let Some(id) = properties.correlation_id() {
        span = span.attribute(semconv::MESSAGING_CONVERSATION_ID, id.as_str())
    }
    span
}

/// Which delivery this is, from 1, where RabbitMQ counts: quorum queues in `x-delivery-count`, dead-lettering in the
/// entries of `x-death` that name this queue. (That a message was `redelivered` is not a count.)
fn attempt(properties: &BasicProperties, queue: &str) -> Option<i64> {
    let headers = properties.headers().as_ref()?.inner();
    let returned = headers.get("x-delivery-count").and_then(integer);
    let died = match headers.get("x-death") {
        Some(AMQPValue::FieldArray(deaths)) => deaths
            .as_slice()
            .iter()
            .filter_map(|d| if let AMQPValue::FieldTable(d) = d { deaths_in(d, queue) } else { None })
            .reduce(i64::saturating_add),
        _ => None,
    };
    match (returned, died) {
        (None, None) => None,
        (a, b) => Some(a.unwrap_or(0).max(0).saturating_add(b.unwrap_or(0).max(0)).saturating_add(1)),
    }
}

fn deaths_in(death: &FieldTable, queue: &str) -> Option<i64> {
    let here = match death.inner().get("queue")? {
        AMQPValue::LongString(q) => q.as_bytes() == queue.as_bytes(),
        _ => false,
    };
    here.then(|| death.inner().get("count").and_then(integer)).flatten()
}

fn integer(value: &AMQPValue) -> Option<i64> {
    match *value {
        AMQPValue::ShortShortInt(n) => Some(n.into()),
        AMQPValue::ShortShortUInt(n) => Some(n.into()),
        AMQPValue::ShortInt(n) => Some(n.into()),
        AMQPValue::ShortUInt(n) => Some(n.into()),
        AMQPValue::LongInt(n) => Some(n.into()),
        AMQPValue::LongUInt(n) => Some(n.into()),
        AMQPValue::LongLongInt(n) => Some(n),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn destinations_as_the_conventions_name_them() {
        assert_eq!(destination("", "orders"), "amq.default:orders");
        assert_eq!(destination("events", "order.created"), "events:order.created");
        assert_eq!(destination("events", ""), "events");
        assert_eq!(source("", "orders", "orders"), "amq.default:orders");
        assert_eq!(source("events", "order.created", "mail"), "events:order.created:mail");
        assert_eq!(source("events", "order.created", ""), "events:order.created");
    }

    #[test]
    fn attempts_are_counted_by_what_rabbitmq_says() {
        let with = |pairs: Vec<(&str, AMQPValue)>| {
            let table: BTreeMap<_, _> = pairs.into_iter().map(|(k, v)| (k.into(), v)).collect();
            BasicProperties::default().with_headers(table.into())
        };
        let death = |queue: &str, count| {
            let table: BTreeMap<_, _> = [
                ("queue".into(), AMQPValue::LongString(queue.into())),
                ("count".into(), AMQPValue::LongLongInt(count)),
            ]
            .into();
            AMQPValue::FieldTable(table.into())
        };
        assert_eq!(attempt(&BasicProperties::default(), "q"), None);
        assert_eq!(attempt(&with(vec![("x-delivery-count", AMQPValue::LongLongInt(2))]), "q"), Some(3));
        let deaths = AMQPValue::FieldArray(vec![death("q", 1), death("other", 7), death("q", 2)].into());
        assert_eq!(attempt(&with(vec![("x-death", deaths)]), "q"), Some(4));
        let hostile = vec![
            ("x-death", AMQPValue::FieldArray(vec![death("q", i64::MAX), death("q", 1)].into())),
            ("x-delivery-count", AMQPValue::LongLongInt(i64::MIN)),
        ];
        assert_eq!(attempt(&with(hostile), "q"), Some(i64::MAX));
        assert_eq!(attempt(&with(vec![("x-death", AMQPValue::Void)]), "q"), None);
    }
}
