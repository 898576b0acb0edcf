//! Names and attributes of spans, by OpenTelemetry's conventions for RabbitMQ.

use crate::consume::Settings;
use lapin::BasicProperties;
use lapin::message::Delivery;
use lapin::types::{AMQPValue, FieldTable};
use spanbridge::messaging::{self, Step, UNKNOWN_TYPE, Waited, span};
use spanbridge::observe::SpanBuilder;
use spanbridge::{Failure, Kind, semconv};
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
    routing_key: &str,
    size: Option<usize>,
    properties: &BasicProperties,
    server: Server<'_>,
) -> SpanBuilder {
    let destination = Destination::to(exchange, routing_key);
    let span = step(Step::Send, "publish", &destination, server).attribute(semconv::RABBITMQ_ROUTING_KEY, routing_key);
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
pub(crate) fn process(about: &About<'_>, source: &Destination) -> (SpanBuilder, Option<i64>) {
    let About { delivery, queue, settings } = *about;
    let span = step(Step::Process, "process", source, settings.server())
        .attribute(semconv::RABBITMQ_ROUTING_KEY, delivery.routing_key.as_str())
        .attribute(semconv::RABBITMQ_DELIVERY_TAG, delivery.delivery_tag);
    let mut span = in_queue(span, queue);
    if let Some(attempt) = attempt(&delivery.properties, queue) {
        span = span.attribute(semconv::DELIVERY_ATTEMPT, attempt)
    }
    if delivery.redelivered {
        span = span.attribute(semconv::DELIVERY_REDELIVERED, true)
    }
    if settings.no_ack() {
        span = span.attribute(semconv::SETTLE_AUTOMATIC, true)
    }
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
pub(crate) fn error_type(error: &lapin::Error) -> String {
    let shown = format!("{:?}", error.kind());
    shown.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default().to_owned()
}

/// An error of the client's, with its class.
pub(crate) fn failure(error: &lapin::Error) -> Failure<'_> {
    Failure::new(error).class(error_type(error))
}

/// How a message died that came through a dead-letter exchange: the last of its deaths, which RabbitMQ puts first.
struct Death<'a> {
    queue: Option<&'a str>,
    reason: Option<&'a str>,
    exchange: Option<&'a str>,
    count: Option<i64>,
}

impl<'a> Death<'a> {
    fn of(properties: &'a BasicProperties) -> Option<Self> {
        let AMQPValue::FieldArray(deaths) = properties.headers().as_ref()?.inner().get("x-death")? else { return None };
        let AMQPValue::FieldTable(last) = deaths.as_slice().first()? else { return None };
        let text = |name| match last.inner().get(name)? {
            AMQPValue::LongString(text) => std::str::from_utf8(text.as_bytes()).ok(),
            _ => None,
        };
        let count = last.inner().get("count").and_then(integer);
        Some(Death { queue: text("queue"), reason: text("reason"), exchange: text("exchange"), count })
    }

    fn told(&self, mut span: SpanBuilder) -> SpanBuilder {
        let texts = [
            (semconv::DEAD_LETTER_QUEUE, self.queue),
            (semconv::DEAD_LETTER_REASON, self.reason),
            (semconv::DEAD_LETTER_EXCHANGE, self.exchange),
        ];
        for (key, value) in texts {
            if let Some(value) = value {
                span = span.attribute(key, value)
            }
        }
        match self.count {
            Some(count) => span.attribute(semconv::DEAD_LETTER_COUNT, count),
            None => span,
        }
    }
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

    #[test]
    fn the_last_death_is_told() {
        let text = |s: &str| AMQPValue::LongString(s.into());
        let table = |pairs: Vec<(&str, AMQPValue)>| {
            let pairs: BTreeMap<_, _> = pairs.into_iter().map(|(k, v)| (k.into(), v)).collect();
            AMQPValue::FieldTable(pairs.into())
        };
        let with = |deaths: Vec<AMQPValue>| {
            let headers: BTreeMap<_, _> = [("x-death".into(), AMQPValue::FieldArray(deaths.into()))].into();
            BasicProperties::default().with_headers(headers.into())
        };
        let last =
            table(vec![("queue", text("wait")), ("reason", text("expired")), ("count", AMQPValue::LongLongInt(3))]);
        let properties = with(vec![last, table(vec![("queue", text("orders"))])]);
        let death = Death::of(&properties).unwrap();
        assert_eq!(
            (death.queue, death.reason, death.exchange, death.count),
            (Some("wait"), Some("expired"), None, Some(3))
        );
        for none in [with(vec![]), with(vec![AMQPValue::Void]), BasicProperties::default()] {
            assert!(Death::of(&none).is_none());
        }
    }

    proptest::proptest! {
        /// What is in the headers is the sender's to choose.
        #[test]
        fn nothing_in_the_headers_is_too_much(
            deaths in crate::carrier::tests::value(),
            count in crate::carrier::tests::value(),
            timestamp: u64,
        ) {
            let headers: BTreeMap<_, _> = [("x-death".into(), deaths), ("x-delivery-count".into(), count)].into();
            let properties = BasicProperties::default().with_headers(headers.into()).with_timestamp(timestamp);
            proptest::prop_assert!(attempt(&properties, "q").is_none_or(|attempt| attempt > 0));
            let _ = (Death::of(&properties), waited(&properties));
        }
    }
}
