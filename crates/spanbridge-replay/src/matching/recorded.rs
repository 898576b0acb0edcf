//! The calls of a case.

use super::body::{Body, BodyKey};
use super::difference::Headers;
use super::target::{self, Kind};
use crate::case::{Artifact, Case, Span};
use serde_json::Value;
use spanbridge::{SpanId, semconv};
use std::collections::HashMap;

/// Where a call is in its case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordedPlace {
    /// A span, by its place.
    Span(usize),
    /// A value that was recorded: an event of a span.
    Value { span: usize, event: usize },
}

/// A recorded call: what it sent, as far as that is known.
#[derive(Debug)]
pub(crate) struct RecordedCall {
    pub(super) place: RecordedPlace,
    /// The place of the span that it was made in.
    pub(super) parent: usize,
    pub(super) kind: Kind,
    pub(super) body: RecordedBody,
    pub(super) headers: Option<Headers>,
}

#[derive(Debug)]
pub(super) enum RecordedBody {
    Whole(Body),
    /// Only a hash of its bytes.
    Hash(BodyKey),
    Unknown,
}

impl RecordedBody {
    pub(super) fn key(&self) -> BodyKey {
        match self {
            RecordedBody::Whole(body) => body.key(),
            RecordedBody::Hash(key) => *key,
            RecordedBody::Unknown => BodyKey::Unknown,
        }
    }
}

/// All calls of a case, in recorded order.
pub(super) fn calls(case: &Case, places: &HashMap<SpanId, usize>) -> Vec<RecordedCall> {
    let mut artifacts: HashMap<SpanId, Vec<&Artifact>> = HashMap::new();
    for artifact in &case.artifacts {
        artifacts.entry(artifact.span_id).or_default().push(artifact)
    }
    let call = |(place, span): (usize, &Span)| {
        let parent = places.get(&span.parent_span_id?).copied()?;
        let kind = Kind::of_span(span).filter(|_| span.span_id != case.entry().span_id)?;
        let artifacts = artifacts.get(&span.span_id).map_or(&[][..], Vec::as_slice);
        let of = |kind: &str| artifacts.iter().find(|artifact| artifact.kind == kind).copied();
        let (sent, headers) = match span.primitive.as_str() {
            "messaging.publish" => (of("output"), of("output.headers")),
            _ => (of("input"), of("input.properties").or_else(|| of("input.headers"))),
        };
        let headers = headers.and_then(recorded_headers);
        Some(RecordedCall { place: RecordedPlace::Span(place), parent, kind, body: body(span, sent), headers })
    };
    let spans = || case.spans().iter().enumerate();
    spans().filter_map(call).chain(spans().flat_map(values)).collect()
}

/// The values that were recorded with a span: they are asked for as calls are.
fn values((span, recorded): (usize, &Span)) -> impl Iterator<Item = RecordedCall> {
    recorded.events.iter().enumerate().filter_map(move |(event, told)| {
        let name = told.attributes.get(semconv::VALUE_NAME).filter(|_| told.name == semconv::VALUE)?.as_str()?;
        let (place, body) = (RecordedPlace::Value { span, event }, RecordedBody::Whole(Body::Bytes(vec![])));
        Some(RecordedCall { place, parent: span, kind: Kind::of_value(name), body, headers: None })
    })
}

/// What a call is shown as: its operation and its target.
pub(crate) fn boundary(span: &Span) -> String {
    match target::target(span) {
        Some(target) => format!("{} {target}", span.primitive),
        None => format!("{} {}", span.primitive, span.name),
    }
}

fn body(span: &Span, sent: Option<&Artifact>) -> RecordedBody {
    match sent {
        Some(sent) => match (sent.payload(), &sent.hash) {
            (Some(payload), _) => RecordedBody::Whole(Body::of(Some(&sent.content_type), &payload)),
            (None, Some(hash)) => RecordedBody::Hash(BodyKey::of_hash(hash)),
            (None, None) => RecordedBody::Unknown,
        },
        None if is_empty(span) => RecordedBody::Whole(Body::Bytes(vec![])),
        None => RecordedBody::Unknown,
    }
}

/// Whether a call is known to have sent nothing, although no artifact says so.
fn is_empty(span: &Span) -> bool {
    let size = |key| span.attributes.get(key).and_then(Value::as_u64);
    match span.primitive.as_str() {
        "http.client" => {
            let sends_nothing = || matches!(span.text(semconv::HTTP_REQUEST_METHOD), Some("GET" | "HEAD" | "OPTIONS"));
            size(semconv::HTTP_REQUEST_BODY_SIZE).map_or_else(sends_nothing, |size| size == 0)
        }
        "messaging.publish" => size(semconv::MESSAGING_BODY_SIZE) == Some(0),
        _ => false,
    }
}

/// The headers of a recorded call: an object of names and values, or pairs below `headers`.
fn recorded_headers(artifact: &Artifact) -> Option<Headers> {
    let value: Value = serde_json::from_slice(&artifact.payload()?).ok()?;
    let mut headers = Headers::new();
    let mut add = |name: &str, value: &Value| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        headers.entry(name.to_ascii_lowercase()).or_default().push(value)
    };
    match value.get("headers") {
        Some(Value::Array(pairs)) => {
            for pair in pairs {
                add(pair.get(0)?.as_str()?, pair.get(1)?)
            }
        }
        Some(Value::Object(_)) => return None, // typed values of AMQP, which calls do not have
        _ => value.as_object()?.iter().for_each(|(name, value)| add(name, value)),
    }
    headers.retain(|name, _| is_compared(name));
    Some(headers)
}

/// Whether a header says what is asked. The others are of the moment or of the connection.
pub(super) fn is_compared(name: &str) -> bool {
    const IGNORED: [&str; 13] = [
        "authorization",
        "baggage",
        "b3",
        "content-length",
        "cookie",
        "date",
        "host",
        "traceparent",
        "tracestate",
        "uber-trace-id",
        "user-agent",
        "x-amzn-trace-id",
        "x-cloud-trace-context",
    ];
    !IGNORED.contains(&name) && !name.starts_with("x-b3-")
}
