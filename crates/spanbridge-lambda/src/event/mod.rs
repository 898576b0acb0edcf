//! What came with an event: where it comes from, the context of the invocation, and of each of its records.

mod envelope;
mod http;
mod kafka;
mod mq;
mod notices;
mod read;
mod sns;
mod source;
mod sqs;
mod streams;
#[cfg(feature = "runtime")]
mod written;

pub use source::Source;
#[cfg(feature = "runtime")]
pub use written::bodies;
#[cfg(feature = "runtime")]
pub(crate) use written::{Written, records as written, request_headers};

use crate::carrier::or_xray;
use crate::json::Json;
use read::{hidden, or_else};
use spanbridge::Value;
use spanbridge::carrier::{Extraction, Problem, extract};
use spanbridge::payload::take;
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::time::SystemTime;

/// What came beside the payload of an invocation.
#[derive(Clone, Copy, Debug, Default)]
pub struct InvocationMetadata<'a> {
    /// The texts under `custom` in the client context.
    pub client_context: Option<&'a HashMap<String, String>>,
    /// X-Ray's header, [`XRay`](crate::XRay).
    pub xray: Option<&'a str>,
}

/// What came with an event.
///
/// ```
/// use spanbridge_lambda::{InvocationMetadata, Event, Source};
///
/// let payload = br#"{"__spanbridge":{"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},"order":42}"#;
/// let (event, payload) = Event::read(payload, InvocationMetadata::default());
/// assert_eq!(event.source(), Source::Direct);
/// assert_eq!(event.carried().context.span_id().unwrap().to_string(), "00f067aa0ba902b7");
/// assert_eq!(*payload, *br#"{"order":42}"#);
/// ```
#[derive(Debug)]
pub struct Event {
    source: Source,
    carried: Extraction,
    records: Vec<Record>,
    /// How many records were not read.
    left_out: usize,
    attributes: Vec<(&'static str, Cow<'static, str>)>,
    route: Option<String>,
}

/// The most records of an event that are read: [what Lambda hands over at
/// once](https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html#lambda-CreateEventSourceMapping-request-BatchSize),
/// whatever the source. Whoever calls a function can send millions that are next to nothing, and each costs memory.
pub(crate) const MAX_RECORDS: usize = 10_000;

/// One message of a batch.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Record {
    /// What names it in a partial batch response: the message id of SQS, the sequence number of Kinesis and DynamoDB,
    /// `topic-partition-offset` of Kafka. Empty where it does not say.
    pub id: String,
    /// The name of the queue, topic, stream or table that it comes from; empty where it does not say.
    pub destination: String,
    /// The partition of the destination.
    pub partition: Option<String>,
    /// What it is in order with: records of one group come in order, and are to be handled so. The message group of a
    /// FIFO queue, the shard of a stream, the partition of a topic.
    pub group: Option<String>,
    /// The place in its partition.
    pub offset: Option<u64>,
    /// Its context, and what was wrong with that.
    pub carried: Extraction,
    /// Which delivery of it this is, from 1, where the source counts.
    pub attempt: Option<u64>,
    /// The broker says that it has delivered it before.
    pub redelivered: bool,
    /// When it was sent, by the source's clock.
    pub sent: Option<SystemTime>,
    /// The message's own id.
    pub message_id: Option<String>,
    /// What ties a question to its answer.
    pub conversation_id: Option<String>,
    /// The size of its body in bytes, as the source has it.
    pub size: Option<usize>,
}

impl Event {
    /// Reads an event from its bytes. Also gives the payload as the handler is to see it: without the hidden field, at
    /// the top level and in the `detail` of EventBridge; else byte for byte what it was.
    ///
    /// Never fails: what is not understood is [`Source::Direct`]. It takes a small multiple of the payload's size in memory
    /// and a few megabytes at the most, whatever the payload: of more than 10,000 records, which Lambda does not hand over,
    /// only the first are read, and [`carried`](Event::carried) has a problem that says so.
    pub fn read<'a>(payload: &'a [u8], beside: InvocationMetadata<'_>) -> (Event, Cow<'a, [u8]>) {
        let taken = take(payload);
        let Content { source, carried, xray, records, left_out, attributes, route, cuts } = source::recognise(payload);
        let found = beside.client_context.map(extract).unwrap_or_default();
        let found = or_else(or_else(found, || hidden(&taken)), || carried);
        let found = or_xray(found, beside.xray.map(str::as_bytes));
        let mut carried = or_xray(found, xray.as_deref());
        if left_out > 0 {
            let reason =
                format!("it has {} records, of which the first {MAX_RECORDS} were read", left_out + MAX_RECORDS);
            carried.problems.push(Problem { header: "event", reason: reason.into() })
        }
        let payload = without(payload, taken.cuts().chain(cuts).collect());
        (Event { source, carried, records, left_out, attributes, route }, payload)
    }

    /// Where it comes from.
    pub fn source(&self) -> Source {
        self.source
    }

    /// The context of the invocation as a whole, and what was wrong with it: W3C's, else X-Ray's. A batch as a whole has
    /// none but X-Ray's; its [records](Event::records) have theirs.
    pub fn carried(&self) -> &Extraction {
        &self.carried
    }

    /// The records of a batch, in the order of the event. None where an event is one message, as from SNS (which sends
    /// one at a time) or EventBridge: then the context of the invocation is the message's.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// How many records it has, with those that were not read.
    #[cfg_attr(not(any(feature = "runtime", test)), expect(dead_code, reason = "of handlers"))]
    pub(crate) fn count(&self) -> usize {
        self.records.len() + self.left_out
    }

    /// What is to be said of the invocation, by the conventions for the source: the method of a request, the key of an
    /// object.
    pub fn attributes(&self) -> impl Iterator<Item = (&'static str, Value<'_>)> {
        self.attributes.iter().map(|(name, value)| match value {
            Cow::Borrowed(text) => (*name, Value::Static(text)),
            Cow::Owned(text) => (*name, Value::Str(text)),
        })
    }

    /// The route of a request, as it is configured at the gateway: the invocation's name, by the conventions.
    pub fn route(&self) -> Option<&str> {
        self.route.as_deref()
    }
}

/// What a source's reader has found.
#[derive(Debug, Default)]
struct Content {
    source: Source,
    carried: Extraction,
    /// X-Ray's header, among those of a request.
    xray: Option<Vec<u8>>,
    records: Vec<Record>,
    left_out: usize,
    attributes: Vec<(&'static str, Cow<'static, str>)>,
    route: Option<String>,
    /// What the handler is not to see.
    cuts: Vec<Range<usize>>,
}

impl Content {
    fn of(source: Source) -> Self {
        Content { source, ..Content::default() }
    }

    /// Of a batch of these.
    fn batch<'a>(source: Source, all: impl Iterator<Item = Json<'a>>, read: impl FnMut(Json<'a>) -> Record) -> Self {
        let mut content = Content::of(source);
        content.read(all, read);
        content
    }

    /// Reads records, as far as there is room, and counts the others.
    fn read<'a>(&mut self, mut all: impl Iterator<Item = Json<'a>>, read: impl FnMut(Json<'a>) -> Record) {
        let room = MAX_RECORDS - self.records.len();
        self.records.extend(all.by_ref().take(room).map(read));
        self.left_out += all.count()
    }

    /// Takes the context of an object of the payload, and what the handler is not to see of it.
    fn take_part(&mut self, (carried, cuts): (Extraction, Vec<Range<usize>>)) {
        (self.carried, self.cuts) = (carried, cuts)
    }

    fn tell(&mut self, name: &'static str, value: Option<impl Into<Cow<'static, str>>>) {
        self.attributes.extend(value.map(|value| (name, value.into())))
    }
}

/// The payload without some stretches, which do not overlap.
fn without(payload: &[u8], mut cuts: Vec<Range<usize>>) -> Cow<'_, [u8]> {
    if cuts.is_empty() {
        return Cow::Borrowed(payload);
    }
    cuts.sort_by_key(|cut| cut.start);
    let mut rest = Vec::with_capacity(payload.len());
    let mut from = 0;
    for cut in cuts {
        rest.extend_from_slice(payload.get(from..cut.start).unwrap_or_default());
        from = cut.end.max(from);
    }
    rest.extend_from_slice(payload.get(from..).unwrap_or_default());
    Cow::Owned(rest)
}
