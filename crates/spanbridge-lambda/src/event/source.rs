//! Which source an event is from. What tells is data, below; who reads it is a file a shape.

use super::{Content, envelope, http, kafka, mq, notices, sns, sqs, streams};
use crate::json::Json;

/// Where an event comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// Whoever called the function, and everything that is none of the others.
    #[default]
    Direct,
    /// API Gateway: REST, HTTP and WebSocket APIs.
    ApiGateway,
    /// An Application Load Balancer.
    LoadBalancer,
    /// The function's own URL.
    FunctionUrl,
    /// VPC Lattice.
    VpcLattice,
    /// SQS.
    Sqs,
    /// SNS.
    Sns,
    /// EventBridge.
    EventBridge,
    /// A schedule of EventBridge.
    Schedule,
    /// Kinesis.
    Kinesis,
    /// A stream of DynamoDB.
    DynamoDb,
    /// Kafka: MSK, or self-managed.
    Kafka,
    /// Amazon MQ with RabbitMQ.
    RabbitMq,
    /// Amazon MQ with ActiveMQ.
    ActiveMq,
    /// S3.
    S3,
    /// CloudWatch Logs.
    CloudWatchLogs,
}

impl Source {
    /// What triggered the function, in the conventions' words
    /// ([`faas.trigger`](https://opentelemetry.io/docs/specs/semconv/faas/faas-spans/#function-trigger-type)).
    pub fn trigger(self) -> &'static str {
        match self {
            Source::ApiGateway | Source::LoadBalancer | Source::FunctionUrl | Source::VpcLattice => "http",
            Source::Sqs
            | Source::Sns
            | Source::EventBridge
            | Source::Kinesis
            | Source::Kafka
            | Source::RabbitMq
            | Source::ActiveMq => "pubsub",
            Source::DynamoDb | Source::S3 => "datasource",
            Source::Schedule => "timer",
            Source::Direct | Source::CloudWatchLogs => "other",
        }
    }

    /// The messaging system, in the conventions' words where they have one; `None` where messages are not what it is
    /// about.
    pub fn messaging_system(self) -> Option<&'static str> {
        Some(match self {
            Source::Sqs => "aws_sqs",
            Source::Sns => "aws.sns",
            Source::EventBridge => "aws.eventbridge",
            Source::Kinesis => "aws.kinesis",
            Source::DynamoDb => "aws.dynamodb",
            Source::Kafka => "kafka",
            Source::RabbitMq => "rabbitmq",
            Source::ActiveMq => "activemq",
            _ => return None,
        })
    }
}

/// By what `Records` say of their source.
type OfRecords = fn(Json<'_>) -> Content;
const RECORDS: &[(&str, OfRecords)] = &[
    ("aws:sqs", sqs::batch),
    ("aws:sns", sns::notification),
    ("aws:kinesis", streams::kinesis),
    ("aws:dynamodb", streams::dynamodb),
    ("aws:s3", notices::s3),
];

/// The same of the array that a [pipe of EventBridge](https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-event-source.html)
/// hands over: records of more sources, each by itself.
const PIPED: &[(&str, OfRecords)] = &[
    ("aws:sqs", sqs::batch),
    ("aws:kinesis", streams::kinesis),
    ("aws:dynamodb", streams::dynamodb),
    ("aws:kafka", kafka::piped),
    ("SelfManagedKafka", kafka::piped),
    ("aws:rmq", mq::piped_rabbitmq),
    ("aws:amq", mq::piped_activemq),
    ("aws:mq", mq::piped_activemq),
];

/// By a member that no others have, and by what `eventSource` must say beside it, if anything; `None` from the reader
/// where it is not what it seems. (That of RabbitMQ is not always there.)
type OfMember = fn(Event<'_>, Json<'_>) -> Option<Content>;
const MEMBERS: [(&str, &[&str], OfMember); 9] = [
    ("requestContext", &[], |event, context| http::request(event.json, context)),
    ("records", &["aws:kafka", "SelfManagedKafka"], |_, partitions| kafka::batch(partitions)),
    ("rmqMessagesByQueue", &[], |_, queues| mq::rabbitmq(queues)),
    ("messages", &["aws:amq", "aws:mq"], |_, messages| mq::activemq(messages)),
    ("detail-type", &[], |event, _| notices::eventbridge(event.payload, event.json)),
    ("requestPayload", &[], |event, _| Some(sent_on(event))),
    ("ExecutedVersion", &[], |event, _| Some(sent_on(event))),
    ("TopicArn", &[], |event, _| Some(sent_on(event))),
    ("awslogs", &[], |_, logs| logs.get("data").map(|_| Content::of(Source::CloudWatchLogs))),
];

/// What is looked for in an event: what any may have, and [`MEMBERS`].
const NAMES: [&str; 4 + MEMBERS.len()] = {
    let mut names = [""; 4 + MEMBERS.len()];
    (names[0], names[1], names[2], names[3]) = ("Records", "eventSource", "headers", "request");
    let mut at = 0;
    while at < MEMBERS.len() {
        names[4 + at] = MEMBERS[at].0;
        at += 1;
    }
    names
};

/// An event, and the bytes that it was read from.
#[derive(Clone, Copy)]
struct Event<'a> {
    payload: &'a [u8],
    json: Json<'a>,
}

/// Reads an event as its source writes it. Something that looks like a source's event and is not one is read as if it
/// were, as far as that goes.
pub(super) fn recognise(payload: &[u8]) -> Content {
    let json = Json::new(payload);
    if json.is_array() {
        return array(payload, json);
    }
    let [records, source, headers, request, members @ ..] = json.pick(NAMES);
    let source = source.and_then(Json::text);
    let says = |names: &[&str]| names.is_empty() || source.as_deref().is_some_and(|source| names.contains(&source));

    if let Some(records) = records
        && let Some(read) = records.elements().find_map(|record| reader(record, RECORDS))
    {
        return read(records);
    }
    let mut known = MEMBERS.iter().zip(members).filter(|((_, sources, _), _)| says(sources));
    known
        .find_map(|((.., read), member)| read(Event { payload, json }, member?))
        .unwrap_or_else(|| direct(headers, request))
}

/// Of the source that a record names, if it is one of ours. The first that does speaks for all.
fn reader(record: Json<'_>, known: &[(&str, OfRecords)]) -> Option<OfRecords> {
    let [name, otherwise] = record.pick(["eventSource", "EventSource"]);
    let name = name.or(otherwise)?.text()?;
    known.iter().find(|(known, _)| *known == name).map(|(_, read)| *read)
}

/// What a pipe hands over, or anybody. One that is alone is the invocation's, whatever the pipe has made of it.
fn array(payload: &[u8], array: Json<'_>) -> Content {
    let mut elements = array.elements();
    let Some(first) = elements.next() else { return Content::default() };
    if let Some(read) = reader(first, PIPED) {
        return read(array);
    }
    let mut content = Content::default();
    if elements.next().is_none() {
        content.take_part(envelope::part(first, payload))
    }
    content
}

/// What a service has sent on in an envelope of its own.
fn sent_on(event: Event<'_>) -> Content {
    let mut content = Content::default();
    content.take_part(envelope::inside(event.json, event.payload));
    content
}

/// A payload with `headers`, as instrumentations of Python write them.
fn direct(headers: Option<Json<'_>>, request: Option<Json<'_>>) -> Content {
    http::with_headers(Source::Direct, [headers, request.and_then(|request| request.get("headers"))])
}
