//! Batches from Amazon MQ.

use super::content::Content;
use super::record::Record;
use super::source::Source;
use super::values::*;
use crate::json::Json;
use spanbridge::carrier::Header;

/// Reads `rmqMessagesByQueue`: the queues of RabbitMQ, by name and virtual host, `orders::/`.
pub(super) fn rabbitmq(queues: Json<'_>) -> Option<Content> {
    let mut content = Content::of(Source::RabbitMq);
    for (queue, messages) in queues.is_object().then(|| queues.members())? {
        content.add_records(messages.elements(), |message| delivery(&queue, message))
    }
    Some(content)
}

/// Reads the array from a pipe, whose messages name their queue.
pub(super) fn piped_rabbitmq(messages: Json<'_>) -> Content {
    Content::batch(Source::RabbitMq, messages.elements(), |message| delivery(&source_key(message), message))
}

/// Reads a message. `key` is `{queue}::{virtual host}`.
fn delivery(key: &str, message: Json<'_>) -> Record {
    let queue = shared_name(key.rsplit_once("::").map_or(key, |(queue, _)| queue)).unwrap_or_default();
    let [properties, redelivered, data] = message.pick(["basicProperties", "redelivered", "data"]);
    let [headers, id, conversation, size] = properties
        .map_or([None; 4], |properties| properties.pick(["headers", "messageId", "correlationId", "bodySize"]));
    let size = size.and_then(Json::number).and_then(|size| usize::try_from(size).ok());
    Record {
        destination: queue.to_owned(),
        carried: extract_from(headers.into_iter().flat_map(Json::members), value),
        attempt: headers.and_then(|headers| attempt(headers, queue)),
        redelivered: is_true(redelivered),
        message_id: text(id),
        conversation_id: text(conversation),
        size: size.or_else(|| data.and_then(base64_size)),
        ..Record::default()
    }
}

/// The value of a header: `{"bytes": […]}`, or a string.
pub(super) fn value(header: Json<'_>) -> Header<'_> {
    bytes_header(long_string(header))
}

fn long_string(value: Json<'_>) -> Json<'_> {
    value.get("bytes").unwrap_or(value)
}

/// The number of this delivery, if RabbitMQ counts deliveries: as in `spanbridge-amqp`, from `x-delivery-count` and the
/// entries of `x-death` that name this queue.
fn attempt(headers: Json<'_>, queue: &str) -> Option<u64> {
    let [returned, deaths] = headers.pick(["x-delivery-count", "x-death"]);
    let died = deaths.into_iter().flat_map(Json::elements).filter_map(|death| {
        let [at, count] = death.pick(["queue", "count"]);
        let at = long_string(at?);
        let is_here = bytes(at).or(at.text().map(|name| name.as_bytes().to_vec()))? == queue.as_bytes();
        count?.number().filter(|_| is_here)
    });
    match (returned.and_then(Json::number), died.reduce(u64::saturating_add)) {
        (None, None) => None,
        (a, b) => Some(a.unwrap_or(0).saturating_add(b.unwrap_or(0)).saturating_add(1)),
    }
}

/// Reads `messages` from ActiveMQ.
pub(super) fn activemq(messages: Json<'_>) -> Option<Content> {
    messages.is_array().then(|| piped_activemq(messages))
}

/// Reads the array from a pipe: the same messages without an object around them.
pub(super) fn piped_activemq(messages: Json<'_>) -> Content {
    Content::batch(Source::ActiveMq, messages.elements(), jms_message)
}

fn jms_message(message: Json<'_>) -> Record {
    let [id, conversation, other_spelling, destination, redelivered, sent, properties, data] = message.pick([
        "messageID",
        "correlationId",
        "correlationID",
        "destination",
        "redelivered",
        "timestamp",
        "properties",
        "data",
    ]);
    let message_id = text(id);
    Record {
        id: message_id.clone().unwrap_or_default(),
        destination: text(destination.and_then(|to| to.get("physicalName"))).unwrap_or_default(),
        carried: extract_from(properties.into_iter().flat_map(Json::members), text_header),
        attempt: properties.and_then(|p| p.get("JMSXDeliveryCount")).and_then(Json::number),
        redelivered: is_true(redelivered),
        sent: millis(sent),
        message_id,
        conversation_id: text(conversation.or(other_spelling)),
        size: data.and_then(base64_size),
        ..Record::default()
    }
}

fn is_true(value: Option<Json<'_>>) -> bool {
    value.is_some_and(|value| value.written() == b"true")
}
