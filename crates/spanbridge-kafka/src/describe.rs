//! Names and attributes of the spans, by OpenTelemetry's conventions for Kafka.

use crate::carrier::Headers;
use crate::client_info::ClientInfo;
use rdkafka::Timestamp;
use rdkafka::error::{KafkaError, KafkaResult};
use spanbridge::adapter::{self, SpanTemplate, Step, UNKNOWN_TYPE, Values, Waited, span, template};
use spanbridge::messaging::{CapturePolicy, PartKind};
use spanbridge::observe::SpanBuilder;
use spanbridge::{Failure, Kind, semconv};
use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const SYSTEM: &str = "kafka";

/// What is recorded of a message that is sent or received.
pub(crate) struct About<'a> {
    pub(crate) topic: &'a str,
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) payload: Option<&'a [u8]>,
    /// If the sender chose it.
    pub(crate) partition: Option<i32>,
}

/// What all sends of a client to a topic have in common.
pub(crate) fn send_template(topic: &str, client: &ClientInfo) -> SpanTemplate {
    client.describe(template(SYSTEM, Step::Send, "send", topic))
}

/// The span of a send, begun under the current one.
pub(crate) fn send(
    about: &About<'_>,
    template: &SpanTemplate,
    capture: Option<&CapturePolicy>,
    values: &mut Values<'_>,
) -> SpanBuilder {
    let mut span = template.begin();
    if let Some(partition) = about.partition {
        span = span.attribute(semconv::MESSAGING_PARTITION_ID, itoa::Buffer::new().format(partition))
    }
    let size = about.payload.filter(|_| capture.is_none_or(CapturePolicy::tells_size)).map(<[u8]>::len);
    message(span, about, values).attribute(semconv::MESSAGING_BODY_SIZE, size)
}

/// What all messages from a partition have in common.
pub(crate) fn process_template(topic: &str, partition: i32, client: &ClientInfo) -> SpanTemplate {
    let span = client.describe_in_group(template(SYSTEM, Step::Process, "process", topic));
    let span = span.attribute(semconv::MESSAGING_PARTITION_ID, itoa::Buffer::new().format(partition));
    client.settled_by(span)
}

/// The span of the work on a message, begun under the current one.
pub(crate) fn process(about: &About<'_>, template: &SpanTemplate, offset: i64, values: &mut Values<'_>) -> SpanBuilder {
    message(template.begin().attribute(semconv::KAFKA_OFFSET, offset), about, values)
}

/// The span of the work on a batch, begun under the current one. `topic` is empty if there are several.
pub(crate) fn batch(topic: &str, client: &ClientInfo, count: usize) -> SpanBuilder {
    let span = client.describe_in_group(span(SYSTEM, Step::Process, "process", topic));
    span.attribute(semconv::MESSAGING_BATCH_COUNT, count)
}

/// The span of a commit or of storing an offset, begun under the current one.
pub(crate) fn settle(operation: &'static str, topic: &str, client: &ClientInfo) -> SpanBuilder {
    client.describe_in_group(span(SYSTEM, Step::Settle, operation, topic))
}

/// The span of a transaction.
pub(crate) fn transaction(id: &str, client: &ClientInfo) -> SpanBuilder {
    let span = client.describe(span(SYSTEM, Step::Send, "transaction", ""));
    span.kind(Kind::Client).attribute(semconv::TRANSACTION_ID, id)
}

/// The size of the payload is added where it is known whether that is recorded.
fn message(mut span: SpanBuilder, about: &About<'_>, values: &mut Values<'_>) -> SpanBuilder {
    if let Some(key) = about.key {
        span = values.attribute(span, PartKind::MessageKey, semconv::KAFKA_MESSAGE_KEY, key)
    }
    if about.payload.is_some() { span } else { span.attribute(semconv::KAFKA_TOMBSTONE, true) }
}

/// The media type of the payload: Kafka has no field for it; by custom it is a header.
pub(crate) fn content_type<'h>(headers: Headers<'h>) -> &'h str {
    headers.value("content-type").and_then(|value| std::str::from_utf8(value).ok()).unwrap_or(UNKNOWN_TYPE)
}

/// Every header, for those who capture headers.
pub(crate) fn headers(headers: Headers<'_>, each: &mut dyn FnMut(&str, &[u8])) {
    headers.pairs(|name, value| each(&String::from_utf8_lossy(name), value.unwrap_or_default()))
}

/// The class of an error: librdkafka's name for it, or the conventions' `_OTHER`.
pub(crate) fn error_type(error: &KafkaError) -> Cow<'static, str> {
    match error.rdkafka_error_code() {
        Some(code) => format!("{code:?}").into(),
        None => "_OTHER".into(),
    }
}

/// The failure of a call of the client, if it failed.
pub(crate) fn judge<T>(result: &KafkaResult<T>) -> Option<Failure<'_>> {
    result.as_ref().err().map(failure)
}

/// An error of the client, with its class.
pub(crate) fn failure(error: &KafkaError) -> Failure<'_> {
    Failure::new(error).class(error_type(error))
}

/// How long a message has waited, if its timestamp is plausible.
pub(crate) fn waited(timestamp: Timestamp, now: SystemTime) -> Waited {
    let since = timestamp.to_millis().and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis);
    adapter::waited(since.and_then(|since| UNIX_EPOCH.checked_add(since)), now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rdkafka::types::RDKafkaErrorCode;

    #[test]
    fn implausible_timestamps_are_unknown() {
        let now = UNIX_EPOCH + Duration::from_millis(1_800_000_000_000);
        let sent = |ms| waited(Timestamp::CreateTime(ms), now);
        assert_eq!(sent(1_800_000_000_000 - 250), Waited::Known(Duration::from_millis(250)));
        assert_eq!(waited(Timestamp::NotAvailable, now), Waited::Unknown);
        // librdkafka's mock broker uses 1234.
        for ms in [-1, 0, 1234, i64::MIN] {
            assert_eq!(sent(ms), Waited::Unknown);
        }
        assert!(matches!(sent(i64::MAX), Waited::Ahead(_)));
    }

    #[test]
    fn errors_have_a_class() {
        let error = KafkaError::MessageProduction(RDKafkaErrorCode::MessageTimedOut);
        assert_eq!(error_type(&error), "MessageTimedOut");
        assert_eq!(error_type(&KafkaError::Canceled), "_OTHER");
    }
}
