//! Reading a whole event.

use super::content::{Content, without};
use super::recognize::recognize;
use super::record::{MAX_RECORDS, Record};
use super::source::Source;
use super::values::{hidden, or_else};
use crate::carrier::or_xray;
use spanbridge::Value;
use spanbridge::carrier::{Extraction, Problem, extract};
use spanbridge::payload::take;
use std::borrow::Cow;
use std::collections::HashMap;

/// What came with an invocation beside its payload.
#[derive(Clone, Copy, Debug, Default)]
pub struct InvocationMetadata<'a> {
    client_context: Option<&'a HashMap<String, String>>,
    xray: Option<&'a str>,
}

impl<'a> InvocationMetadata<'a> {
    /// Nothing beside the payload.
    pub fn new() -> Self {
        Self::default()
    }

    /// The strings under `custom` in the client context.
    pub fn client_context(self, custom: impl Into<Option<&'a HashMap<String, String>>>) -> Self {
        InvocationMetadata { client_context: custom.into(), ..self }
    }

    /// X-Ray's header, [`XRay`](crate::XRay).
    pub fn xray(self, header: impl Into<Option<&'a str>>) -> Self {
        InvocationMetadata { xray: header.into(), ..self }
    }
}

/// What `lambda_runtime` has read from the headers of the invocation.
#[cfg(feature = "runtime")]
impl<'a> From<&'a lambda_runtime::Context> for InvocationMetadata<'a> {
    fn from(context: &'a lambda_runtime::Context) -> Self {
        InvocationMetadata {
            client_context: context.client_context.as_ref().map(|client| &client.custom),
            xray: context.xray_trace_id.as_deref(),
        }
    }
}

/// What came with an event.
///
/// ```
/// use spanbridge_lambda::{Event, InvocationMetadata, Source};
///
/// let payload = br#"{"__spanbridge":{"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},"order":42}"#;
/// let (event, payload) = Event::read(payload, InvocationMetadata::new());
/// assert_eq!(event.source(), Source::Direct);
/// assert_eq!(event.carried().context.span_id().unwrap().to_string(), "00f067aa0ba902b7");
/// assert_eq!(*payload, *br#"{"order":42}"#);
/// ```
#[derive(Debug)]
pub struct Event {
    source: Source,
    carried: Extraction,
    records: Vec<Record>,
    /// The number of records that were not read.
    left_out: usize,
    attributes: Vec<(&'static str, Cow<'static, str>)>,
    route: Option<String>,
}

impl Event {
    /// Reads an event from its bytes. Also returns the payload for the handler: without the hidden field at the top level
    /// and in the `detail` of EventBridge, otherwise unchanged to the byte.
    ///
    /// Reading never fails: an event of an unknown form is [`Source::Direct`]. It takes memory of a small multiple of the
    /// payload's size, and a few megabytes at most, whatever the payload. Of more than 10,000 records (which Lambda never
    /// passes on) only the first 10,000 are read, and [`carried`](Event::carried) has a problem that says so.
    pub fn read<'a>(payload: &'a [u8], metadata: InvocationMetadata<'_>) -> (Event, Cow<'a, [u8]>) {
        let taken = take(payload);
        let Content { source, carried, xray, records, left_out, attributes, route, cuts } = recognize(payload);
        let found = metadata.client_context.map(extract).unwrap_or_default();
        let found = or_else(or_else(found, || hidden(&taken)), || carried);
        let found = or_xray(found, metadata.xray.map(str::as_bytes));
        let mut carried = or_xray(found, xray.as_deref());
        if left_out > 0 {
            let reason =
                format!("it has {} records, of which the first {MAX_RECORDS} were read", left_out + MAX_RECORDS);
            carried.problems.push(Problem::new("event", reason))
        }
        let payload = without(payload, taken.cuts().chain(cuts).collect());
        (Event { source, carried, records, left_out, attributes, route }, payload)
    }

    /// The source of the event.
    pub fn source(&self) -> Source {
        self.source
    }

    /// The context of the invocation as a whole, and the problems with its headers: W3C's context, else X-Ray's. A batch as
    /// a whole has X-Ray's context or none; each of its [records](Event::records) has its own.
    pub fn carried(&self) -> &Extraction {
        &self.carried
    }

    /// The records of a batch, in the order of the event. Empty if the event is a single message, as from SNS (which sends
    /// one at a time) or EventBridge: then the context of the invocation is the message's.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The number of records, including those that were not read.
    #[cfg_attr(not(any(feature = "runtime", test)), expect(dead_code, reason = "only handlers need it"))]
    pub(crate) fn count(&self) -> usize {
        self.records.len() + self.left_out
    }

    /// The attributes of the invocation's span that depend on the source, such as the method of a request or the key of an
    /// object.
    pub fn attributes(&self) -> impl Iterator<Item = (&'static str, Value<'_>)> {
        self.attributes.iter().map(|(name, value)| match value {
            Cow::Borrowed(text) => (*name, Value::Static(text)),
            Cow::Owned(text) => (*name, Value::Str(text)),
        })
    }

    /// The route of a request, as configured at the gateway. It is the name of the invocation's span.
    pub fn route(&self) -> Option<&str> {
        self.route.as_deref()
    }
}
