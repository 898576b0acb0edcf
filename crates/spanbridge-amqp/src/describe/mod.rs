//! Names and attributes of spans, by OpenTelemetry's conventions for RabbitMQ.

mod deaths;

use crate::consume::Settings;
use deaths::{Death, attempt};
use lapin::BasicProperties;
use lapin::message::Delivery;
use spanbridge::messaging::{self, PartKind, Step, UNKNOWN_TYPE, Values, Waited, span};
use spanbridge::observe::SpanBuilder;
use spanbridge::{Failure, Kind, Value, semconv};
use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const SYSTEM: &str = "rabbitmq";

/// The broker's host and port, where the user has told them.
type Server<'a> = Option<(&'a str, u16)>;

/// The span of a step, begun under what is current.
fn step(step: Step, operation: &'static str, destination: &Destination, server: Server<'_>) -> SpanBuilder {
    let Destination { name, template } = destination;
    let mut span = span(SYSTEM, step, operation, messaging::Destination { name, template: template.as_deref() });
    if template.is_some() {
        span = span.attribute(semconv::MESSAGING_DESTINATION_ANONYMOUS, true)
    }
    match server {
        Some((host, port)) => {
            span.attribute(semconv::SERVER_ADDRESS, host).attribute(semconv::SERVER_PORT, i64::from(port))
        }
        None => span,
    }
}

/// Where messages go to, or come from, in the words of the conventions.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Destination {
    name: String,
    /// Of one with a name that RabbitMQ has made up: that tells nothing, and is a new one each time.
    template: Option<String>,
}

impl Destination {
    /// `{exchange}:{routing key}`; the default exchange has a name for this purpose.
    pub(crate) fn to(exchange: &str, routing_key: &str) -> Self {
        Destination::of([named(exchange), routing_key, ""])
    }

    /// `{exchange}:{routing key}:{queue}`, without the key where it is the queue's name.
    pub(crate) fn from(exchange: &str, routing_key: &str, queue: &str) -> Self {
        Destination::of([named(exchange), if routing_key == queue { "" } else { routing_key }, queue])
    }

    fn of(parts: [&str; 3]) -> Self {
        let is_generated = |part: &str| GENERATED.iter().any(|prefix| part.starts_with(prefix));
        let template = parts.iter().any(|part| is_generated(part));
        let template = template.then(|| joined(parts.map(|part| if is_generated(part) { ANONYMOUS } else { part })));
        Destination { name: joined(parts), template }
    }

    /// What is the same for all of its kind.
    fn kind(&self) -> &str {
        self.template.as_ref().unwrap_or(&self.name)
    }
}

/// What is told of a routing key: as an attribute, and in a destination.
pub(crate) struct Key<'k> {
    /// What may be recorded of it.
    told: Option<Cow<'k, str>>,
    /// By the default exchange it is the name of a queue, which says nothing of a message.
    queue: Option<&'k str>,
}

impl<'k> Key<'k> {
    pub(crate) fn of(exchange: &str, key: &'k str, values: &mut Values<'_>) -> Self {
        let as_it_is = values.are_plain().then_some(Cow::Borrowed(key));
        let told = as_it_is.or_else(|| values.text(PartKind::RoutingKey, key.as_bytes()));
        Key { told, queue: exchange.is_empty().then_some(key) }
    }

    /// The same for a destination alone: the name of a queue is shown to nobody for that.
    pub(crate) fn of_destination(exchange: &str, key: &'k str, values: &mut Values<'_>) -> Self {
        if exchange.is_empty() { Key { told: None, queue: Some(key) } } else { Key::of(exchange, key, values) }
    }

    pub(crate) fn in_destination(&self) -> &str {
        self.queue.or(self.told.as_deref()).unwrap_or_default()
    }

    fn tell(&self, span: SpanBuilder) -> SpanBuilder {
        match &self.told {
            Some(key) => span.attribute(semconv::RABBITMQ_ROUTING_KEY, &**key),
            None => span,
        }
    }
}

fn named(exchange: &str) -> &str {
    if exchange.is_empty() { "amq.default" } else { exchange }
}

/// The parts that are not empty. (Formatted it would take longer than the rest of a span.)
fn joined(parts: [&str; 3]) -> String {
    let mut all = String::with_capacity(parts.iter().map(|part| part.len() + 1).sum());
    for part in parts.into_iter().filter(|part| !part.is_empty()) {
        if !all.is_empty() {
            all.push(':')
        }
        all.push_str(part)
    }
    all
}

/// How the names begin that RabbitMQ makes up, for queues without a name and for direct replies.
const GENERATED: [&str; 2] = ["amq.gen-", "amq.rabbitmq.reply-to"];

/// What stands for them.
const ANONYMOUS: &str = "{anonymous}";

/// The span around a publish, begun under what is current.
pub(crate) fn publish(
    exchange: &str,
    key: &Key<'_>,
    size: Option<usize>,
    properties: &BasicProperties,
    server: Server<'_>,
) -> SpanBuilder {
    let destination = Destination::to(exchange, key.in_destination());
    let span = key.tell(step(Step::Send, "publish", &destination, server));
    // Of a message that is sent again with its headers: so that nobody takes its history for a death of this one.
    let span = match Death::of(properties) {
        Some(death) => death.told(span),
        None => span,
    };
    message(span, size, properties)
}

/// The span around a transaction.
pub(crate) fn transaction(server: Server<'_>) -> SpanBuilder {
    step(Step::Send, "transaction", &Destination::default(), server).kind(Kind::Client)
}

/// A message that is worked on.
pub(crate) struct About<'a> {
    pub(crate) delivery: &'a Delivery,
    pub(crate) queue: &'a str,
    pub(crate) settings: &'a Settings,
}

/// The span around the work on a message, begun under what is current; and how many milliseconds the message's timestamp
/// lies in the future, if it does.
pub(crate) fn process(about: &About<'_>, source: &Destination, key: &Key<'_>) -> (SpanBuilder, Option<i64>) {
    let About { delivery, queue, settings } = *about;
    let span = key
        .tell(step(Step::Process, "process", source, settings.server()))
        .attribute(semconv::RABBITMQ_DELIVERY_TAG, delivery.delivery_tag);
    let mut span = in_queue(span, queue);
    if let Some(attempt) = attempt(&delivery.properties, queue) {
        span = span.attribute(semconv::DELIVERY_ATTEMPT, attempt)
    }
    if delivery.redelivered {
        span = span.attribute(semconv::DELIVERY_REDELIVERED, true)
    }
    span = match settings.no_ack {
        Some(true) => span.attribute(semconv::SETTLE_AUTOMATIC, true),
        Some(false) => span.attribute(semconv::SETTLE_EXPECTED, Value::Static("ack")),
        None => span,
    };
    if let Some(death) = Death::of(&delivery.properties) {
        span = death.told(span)
    }
    let (span, ahead) = match waited(&delivery.properties) {
        Waited::Known(age) => (span.attribute(semconv::QUEUE_TIME_MS, ms(age)), None),
        Waited::Ahead(ahead) => (span, Some(ms(ahead))),
        Waited::Unknown => (span, None),
    };
    (message(span, settings.tells_size().then_some(delivery.data.len()), &delivery.properties), ahead)
}

/// What the work on a message is called.
pub(crate) fn process_name(source: &Destination) -> String {
    format!("process {}", source.kind())
}

/// The span around the work on a batch, begun under what is current. What is not the same for all is empty.
pub(crate) fn batch(source: &Destination, queue: &str, count: usize, server: Server<'_>) -> SpanBuilder {
    in_queue(step(Step::Process, "process", source, server), queue).attribute(semconv::MESSAGING_BATCH_COUNT, count)
}

fn in_queue(span: SpanBuilder, queue: &str) -> SpanBuilder {
    if queue.is_empty() { span } else { span.attribute(semconv::QUEUE_NAME, queue) }
}

/// How long a message has waited since its publisher set its timestamp. That has whole seconds, so it is the least that it
/// can have been; it is the publisher's clock, unless a plugin makes it the broker's.
pub(crate) fn waited(properties: &BasicProperties) -> Waited {
    // Who sets milliseconds means another year than this says.
    let seconds = properties.timestamp().filter(|seconds| *seconds < MILLISECONDS);
    let sent = seconds.map(|seconds| UNIX_EPOCH + Duration::from_millis(seconds * 1000 + 999));
    if sent.is_some() { messaging::waited(sent, SystemTime::now()) } else { Waited::Unknown }
}

/// The year 5138 in seconds, and 1973 in milliseconds.
const MILLISECONDS: u64 = 100_000_000_000;

fn ms(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// The media type of a message.
pub(crate) fn content_type(properties: &BasicProperties) -> &str {
    properties.content_type().as_ref().map_or(UNKNOWN_TYPE, |t| t.as_str())
}

/// The span around an ack, a nack or a reject, begun under what is current.
pub(crate) fn settle(
    operation: &'static str,
    delivery: &Delivery,
    source: &Destination,
    server: Server<'_>,
) -> SpanBuilder {
    step(Step::Settle, operation, source, server).attribute(semconv::RABBITMQ_DELIVERY_TAG, delivery.delivery_tag)
}

fn message(mut span: SpanBuilder, size: Option<usize>, properties: &BasicProperties) -> SpanBuilder {
    if let Some(size) = size {
        span = span.attribute(semconv::MESSAGING_BODY_SIZE, size)
    }
    if let Some(id) = properties.message_id() {
        span = span.attribute(semconv::MESSAGING_MESSAGE_ID, id.as_str())
    }
    if let Some(id) = properties.correlation_id() {
        span = span.attribute(semconv::MESSAGING_CONVERSATION_ID, id.as_str())
    }
    span
}

/// The class of an error: lapin's name for its kind.
fn error_type(error: &lapin::Error) -> String {
    let shown = format!("{:?}", error.kind());
    shown.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default().to_owned()
}

/// An error of the client's, with its class.
pub(crate) fn failure(error: &lapin::Error) -> Failure<'_> {
    Failure::new(error).class(error_type(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_as_the_conventions_name_them() {
        let named = |name: &str| Destination { name: name.to_owned(), template: None };
        assert_eq!(Destination::to("", "orders"), named("amq.default:orders"));
        assert_eq!(Destination::to("events", "order.created"), named("events:order.created"));
        assert_eq!(Destination::to("events", ""), named("events"));
        assert_eq!(Destination::from("", "orders", "orders"), named("amq.default:orders"));
        assert_eq!(Destination::from("events", "order.created", "mail"), named("events:order.created:mail"));
        assert_eq!(Destination::from("events", "order.created", ""), named("events:order.created"));
    }

    #[test]
    fn generated_names_have_a_template() {
        let known = [
            (Destination::to("", "amq.gen-Zx1"), "amq.default:amq.gen-Zx1", "amq.default:{anonymous}"),
            (Destination::from("", "amq.gen-Zx1", "amq.gen-Zx1"), "amq.default:amq.gen-Zx1", "amq.default:{anonymous}"),
            (
                Destination::from("events", "created", "amq.gen-Zx1"),
                "events:created:amq.gen-Zx1",
                "events:created:{anonymous}",
            ),
            (
                Destination::to("", "amq.rabbitmq.reply-to.g1h2AA"),
                "amq.default:amq.rabbitmq.reply-to.g1h2AA",
                "amq.default:{anonymous}",
            ),
        ];
        for (destination, name, template) in known {
            assert_eq!((destination.name.as_str(), destination.kind()), (name, template));
        }
    }
}
