//! A span of OTLP as records.

use super::{finish, primitive, values};
use crate::otlp::json;
use crate::otlp::model::{AnyValue, Event, KeyValue, Link, Resource, Span, StatusCode, all_same, get};
use spanbridge::record::{Artifact, Body, Diagnostic, Edge, End, Endpoint, Record, SpanData};
use spanbridge::record::{Event as EventRecord, Link as LinkRecord};
use spanbridge::w3c::TraceState;
use spanbridge::{RunId, SegmentId, SpanId, Status, TraceId, semconv};
use std::borrow::Cow;

/// What a service is called that does not say its name, by the conventions.
const UNKNOWN_SERVICE: &str = "unknown_service";

/// The longest name of a service, in bytes. Each record has it, also those of the thousands of events that a span may have.
const MAX_SERVICE: usize = 256;

/// Bytes of a resource that tell it from others. They are looked through for each run.
const MAX_TOLD: usize = 64 << 10;

/// Gives the records of a span to `take`. For many spans: [`RecordMaker`].
///
/// The records are those of [`RecordMaker::records`].
pub fn records<'a>(resource: &Resource<'_>, span: Span<'a>, take: impl FnMut(Record<'a>)) {
    RecordMaker::default().records(resource, span, take)
}

/// About how many bytes of a resource are looked through for each run whose spans it has.
pub fn told_bytes(resource: &Resource<'_>) -> usize {
    resource.attributes.iter().map(KeyValue::size).sum::<usize>().min(MAX_TOLD)
}

/// Makes records of spans. What spans of one resource and of one run have in common is worked out once, as long as they follow each
/// other: a resource may be much larger than a span.
#[derive(Debug, Default)]
pub struct RecordMaker {
    /// Its attributes, and what is known of it.
    resource: Option<(Resource<'static>, Known)>,
    segment: Option<(Option<RunId>, SegmentId)>,
}

/// What is known of a resource.
#[derive(Debug, Default)]
struct Known {
    service: String,
    /// What tells it from others.
    told: Vec<u8>,
}

impl RecordMaker {
    /// Gives the records of a span to `take`.
    ///
    /// The span belongs to the trace's own run, unless it says another (`spanbridge.run.id`), or its trace state does: services that do
    /// not know spanbridge pass our member of it on. Everything follows from the span and its
    /// resource alone, also the ids of the records (`otlp-<trace>-<span>`). So the same span gives the same records, whenever and
    /// in whatever company it comes, and another span under the same ids is a conflict that readers report.
    ///
    /// A span without an end time is open, and so is one whose `spanbridge.status` is `open`. One that ends before it begins ends when
    /// it begins. What the sender dropped is a diagnostic `cut.attributes`. A span without a name is called by its primitive. The scope,
    /// the rest of the trace state, and the resource except for the service's name (256 bytes of it) are not kept.
    pub fn records<'a>(&mut self, resource: &Resource<'_>, span: Span<'a>, mut take: impl FnMut(Record<'a>)) {
        let own_run = RunId::new(span.trace_id.get());
        let told_run = span.attribute(semconv::RUN_ID).and_then(AnyValue::as_str).and_then(|run| run.parse().ok());
        let passed_on = || TraceState::parse(span.trace_state.as_bytes()).0;
        let run = told_run.or_else(passed_on).or(own_run);
        let (trace, id) = (span.trace_id, span.span_id);
        let (segment, service) = self.segment(run, resource);
        let of = Of { run, trace, segment, service, id: format!("otlp-{trace}-{id}") };

        let dropped = span.dropped_attributes.saturating_add(span.dropped_events).saturating_add(span.dropped_links);
        let started_at = if span.start_time == 0 { span.end_time } else { span.start_time };
        let derived = finish::derived(&span);
        let primitive = primitive::of(&span);
        // A name is what it has been seen by: one that has none was not recorded.
        let name = if span.name.is_empty() { primitive.clone().into() } else { span.name.clone() };
        let mut data = SpanData::new(id, name, started_at)
            .with_parent_span_id(span.parent_span_id)
            .with_primitive(primitive)
            .with_kind(span.kind.unwrap_or_default())
            .with_end(end(&span, started_at));
        let ours = [semconv::RUN_ID, semconv::PRIMITIVE, semconv::SPAN_STATUS];
        let attributes = span.attributes.into_iter().filter(|attribute| !ours.contains(&&*attribute.key));
        data = data.with_attributes(values::to_record(attributes.collect()));

        let mut edges = Vec::new();
        let mut links = Vec::new();
        for link in span.links {
            match get(&link.attributes, semconv::EDGE_TYPE).and_then(AnyValue::as_str) {
                Some(edge_type) => edges.push(edge(trace, id, edge_type.to_owned(), &link)),
                None => links.push(LinkRecord::new(link.trace_id, link.span_id, values::to_record(link.attributes))),
            }
        }
        take(of.record("", data.with_links(links)));
        for (n, edge) in edges.into_iter().enumerate() {
            take(of.record(&format!("-edge-{n}"), edge));
        }
        for (n, event) in span.events.into_iter().enumerate() {
            if derived.as_ref() != Some(&event) {
                let name = format!("-event-{n}");
                let event_id = format!("{}{name}", of.id);
                take(of.record(&name, event_body(id, event_id, started_at, event)));
            }
        }
        if dropped > 0 {
            let what = "attributes, events or links were dropped by the sender, or because there were too many";
            let diagnostic = Diagnostic::new(semconv::ATTRIBUTES_CUT, what).with_count(Some(u64::from(dropped)));
            take(of.record("-dropped", diagnostic.with_span_id(Some(id))));
        }
    }

    /// The segment of a run and a resource, and the name of the service.
    fn segment(&mut self, run: Option<RunId>, resource: &Resource<'_>) -> (SegmentId, String) {
        if self.resource.as_ref().is_none_or(|(known, _)| !all_same(&known.attributes, &resource.attributes)) {
            let attributes = resource.attributes.iter().cloned().map(KeyValue::into_owned).collect();
            (self.resource, self.segment) = (Some((Resource { attributes }, Known::of(resource))), None);
        }
        let Some((_, known)) = &self.resource else { return (ONE, String::new()) };
        let segment = match self.segment {
            Some((same, segment)) if same == run => segment,
            _ => segment(run, &known.told),
        };
        self.segment = Some((run, segment));
        (segment, known.service.clone())
    }
}

impl Known {
    fn of(resource: &Resource<'_>) -> Self {
        let name = get(&resource.attributes, semconv::SERVICE_NAME).and_then(AnyValue::as_str);
        let service = name.filter(|name| !name.is_empty()).unwrap_or(UNKNOWN_SERVICE);
        let fits = (0..=service.len().min(MAX_SERVICE)).rfind(|length| service.is_char_boundary(*length));
        let (mut told, mut left) = (Vec::new(), MAX_TOLD);
        for attribute in &resource.attributes {
            let Some(rest) = left.checked_sub(attribute.size()) else { break };
            left = rest;
            let KeyValue { key, value } = attribute;
            told.extend_from_slice(key.as_bytes());
            told.push(b'=');
            told.extend_from_slice(json::from_value(value).as_bytes());
            told.push(b'\n');
        }
        Known { service: service[..fits.unwrap_or(0)].to_owned(), told }
    }
}

/// What the records of a span have in common.
struct Of {
    run: Option<RunId>,
    trace: TraceId,
    segment: SegmentId,
    service: String,
    id: String,
}

impl Of {
    fn record<'a>(&self, name: &str, body: impl Into<Body<'a>>) -> Record<'a> {
        let id = format!("{}{name}", self.id);
        // Nobody counted them. What follows from the id is at least the same each time, and another one for each record.
        let number = 1 + (hash(START, id.as_bytes()) >> 16);
        Record::new(self.segment, number, self.service.clone(), body)
            .of_run(self.run, Some(self.trace))
            .with_id(Some(Cow::Owned(id)))
    }
}

fn end<'a>(span: &Span<'a>, started_at: u64) -> Option<End<'a>> {
    if span.end_time == 0 {
        return None;
    }
    let told = span.attribute(semconv::SPAN_STATUS).and_then(AnyValue::as_str);
    if told == Some("open") {
        return None; // a tracer provider had to give it some end
    }
    let status = match (span.status.code, told) {
        (StatusCode::Error, Some("panicked")) => Status::Panicked,
        (StatusCode::Error, _) => Status::Error,
        (_, Some("cancelled")) => Status::Cancelled,
        _ => Status::Ok,
    };
    let error = Some(span.status.message.clone()).filter(|text| !text.is_empty());
    Some(End::new(span.end_time.max(started_at), status).with_error(error))
}

fn edge(trace_id: TraceId, span_id: SpanId, edge_type: String, link: &Link<'_>) -> Edge<'static> {
    let to = Endpoint::Span { trace_id: link.trace_id, span_id: link.span_id };
    Edge::new(edge_type, Endpoint::Span { trace_id, span_id }, to)
}

/// An event, or what an event of ours stands for.
fn event_body<'a>(span: SpanId, event_id: String, started_at: u64, event: Event<'a>) -> Body<'a> {
    let text = |key: &str| match get(&event.attributes, key) {
        Some(AnyValue::Str(text)) => Some(text.clone()),
        _ => None,
    };
    let number = |key: &str| match get(&event.attributes, key) {
        Some(AnyValue::I64(number)) => u64::try_from(*number).ok(),
        _ => None,
    };
    let is_artifact = event.name == semconv::ARTIFACT;
    if let (true, Some(id), Some(kind)) = (is_artifact, text(semconv::ARTIFACT_ID), text(semconv::ARTIFACT_KIND)) {
        let content_type = text(semconv::ARTIFACT_CONTENT_TYPE).unwrap_or_default();
        let artifact = Artifact::new(span, id, kind, content_type, number(semconv::ARTIFACT_SIZE).unwrap_or(0))
            .with_hash(text(semconv::ARTIFACT_HASH))
            .with_preview(text(semconv::ARTIFACT_PREVIEW));
        return match text(semconv::ARTIFACT_ENCODING) {
            Some(encoding) => artifact.with_encoding(encoding).into(),
            None => artifact.into(),
        };
    }
    if let (true, Some(code)) = (event.name == semconv::DIAGNOSTIC, text(semconv::DIAGNOSTIC_CODE)) {
        let message = text(semconv::DIAGNOSTIC_MESSAGE).unwrap_or_default();
        let diagnostic = Diagnostic::new(code, message).with_count(number(semconv::DIAGNOSTIC_COUNT));
        let ours = [semconv::DIAGNOSTIC_CODE, semconv::DIAGNOSTIC_MESSAGE, semconv::DIAGNOSTIC_COUNT];
        let details: Vec<KeyValue<'a>> = event.attributes.into_iter().filter(|a| !ours.contains(&&*a.key)).collect();
        return diagnostic.with_span_id(Some(span)).with_attributes(values::to_record(details)).into();
    }
    let time = if event.time == 0 { started_at } else { event.time };
    EventRecord::new(span, event_id, event.name, time).with_attributes(values::to_record(event.attributes)).into()
}

/// A segment for each run and each resource, by what tells it from others: what one process did in a run.
fn segment(run: Option<RunId>, told: &[u8]) -> SegmentId {
    let id = hash(hash(START, &run.map_or(0, RunId::get).to_be_bytes()), told);
    SegmentId::new(id).unwrap_or(ONE)
}

const ONE: SegmentId = match SegmentId::new(1) {
    Some(one) => one,
    None => panic!("1 is an id"),
};

/// FNV-1a: the ids that are made of it are stored, so it is the same for ever.
fn hash(start: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

const START: u64 = 0xcbf2_9ce4_8422_2325;
