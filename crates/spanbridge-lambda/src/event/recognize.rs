//! Which source an event is from. The tables say how sources are recognized; each form of event has a file that reads it.

use super::content::Content;
use super::source::Source;
use super::{envelope, http, kafka, mq, notices, sns, sqs, streams};
use crate::json::Json;

/// Reads the records of one source.
type ReadRecords = fn(Json<'_>) -> Content;
/// The readers of `Records`, by the `eventSource` of a record.
const RECORDS: &[(&str, ReadRecords)] = &[
    ("aws:sqs", sqs::batch),
    ("aws:sns", sns::notification),
    ("aws:kinesis", streams::kinesis),
    ("aws:dynamodb", streams::dynamodb),
    ("aws:s3", notices::s3),
];

/// The same for an [EventBridge pipe](https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-event-source.html),
/// which passes on an array of records, and those of more sources.
const PIPED: &[(&str, ReadRecords)] = &[
    ("aws:sqs", sqs::batch),
    ("aws:kinesis", streams::kinesis),
    ("aws:dynamodb", streams::dynamodb),
    ("aws:kafka", kafka::piped),
    ("SelfManagedKafka", kafka::piped),
    ("aws:rmq", mq::piped_rabbitmq),
    ("aws:amq", mq::piped_activemq),
    ("aws:mq", mq::piped_activemq),
];

/// Reads an event that is recognized by a member; `None` if it is not what it seems.
type ReadMember = fn(Event<'_>, Json<'_>) -> Option<Content>;
/// The member that only this source has, the values of `eventSource` that it needs beside it (RabbitMQ does not always set
/// it), and the reader.
const MEMBERS: [(&str, &[&str], ReadMember); 9] = [
    ("requestContext", &[], |event, context| http::request(event.json, context)),
    ("records", &["aws:kafka", "SelfManagedKafka"], |_, partitions| kafka::batch(partitions)),
    ("rmqMessagesByQueue", &[], |_, queues| mq::rabbitmq(queues)),
    ("messages", &["aws:amq", "aws:mq"], |_, messages| mq::activemq(messages)),
    ("detail-type", &[], |event, _| notices::eventbridge(event.payload, event.json)),
    ("requestPayload", &[], |event, _| Some(forwarded(event))),
    ("ExecutedVersion", &[], |event, _| Some(forwarded(event))),
    ("TopicArn", &[], |event, _| Some(forwarded(event))),
    ("awslogs", &[], |_, logs| logs.get("data").map(|_| Content::of(Source::CloudWatchLogs))),
];

/// The names that are looked up in an event: those of any event, and those of [`MEMBERS`].
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

/// An event, as JSON and as bytes.
#[derive(Clone, Copy)]
struct Event<'a> {
    payload: &'a [u8],
    json: Json<'a>,
}

/// Recognizes the source of an event and reads it. An event that only looks like that of a source is read as far as it
/// can be.
pub(super) fn recognize(payload: &[u8]) -> Content {
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

/// The reader for the source that a record names, if it is known.
fn reader(record: Json<'_>, known: &[(&str, ReadRecords)]) -> Option<ReadRecords> {
    let [name, otherwise] = record.pick(["eventSource", "EventSource"]);
    let name = name.or(otherwise)?.text()?;
    known.iter().find(|(known, _)| *known == name).map(|(_, read)| *read)
}

/// An array, from a pipe or from any caller. If a pipe has formed the elements itself, the context of a single element is
/// the invocation's.
fn array(payload: &[u8], array: Json<'_>) -> Content {
    let mut elements = array.elements();
    let Some(first) = elements.next() else { return Content::default() };
    if let Some(read) = reader(first, PIPED) {
        return read(array);
    }
    let mut content = Content::default();
    if elements.next().is_none() {
        content.set_part(envelope::part(first, payload))
    }
    content
}

/// An event that a service has forwarded in an envelope of its own.
fn forwarded(event: Event<'_>) -> Content {
    let mut content = Content::default();
    content.set_part(envelope::inside(event.json, event.payload));
    content
}

/// A direct call, whose payload may have `headers`, as Python's instrumentations write them.
fn direct(headers: Option<Json<'_>>, request: Option<Json<'_>>) -> Content {
    http::with_headers(Source::Direct, [headers, request.and_then(|request| request.get("headers"))])
}
