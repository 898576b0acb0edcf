//! Reading a record from JSON.
//!
//! The line is cut into its fields first, each as raw text, and a field is looked into only when its type of record
//! has it. So a record of an unknown type, or a field that is new to a type, may hold anything.

use super::RecordError;
use crate::record::{Artifact, AttributeValue, Attributes, Body, End, Endpoint, Link, Record, Start, Via, parse_time};
use crate::{Kind, RunId, SegmentId, SpanId, Status, TraceId};
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

type Raw<'a> = Option<&'a RawValue>;
type Result<T> = std::result::Result<T, RecordError>;

/// Every field that a record may have.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields<'a> {
    #[serde(borrow, rename = "type")]
    record_type: Raw<'a>,
    schema_version: Raw<'a>,
    record_id: Raw<'a>,
    run_id: Raw<'a>,
    trace_id: Raw<'a>,
    segment_id: Raw<'a>,
    segment_seq: Raw<'a>,
    service: Raw<'a>,
    artifact_id: Raw<'a>,
    attributes: Raw<'a>,
    code: Raw<'a>,
    content_type: Raw<'a>,
    count: Raw<'a>,
    edge_type: Raw<'a>,
    encoding: Raw<'a>,
    ended_at: Raw<'a>,
    error: Raw<'a>,
    event_id: Raw<'a>,
    from: Raw<'a>,
    hash: Raw<'a>,
    kind: Raw<'a>,
    links: Raw<'a>,
    message: Raw<'a>,
    name: Raw<'a>,
    parent_run_id: Raw<'a>,
    parent_span_id: Raw<'a>,
    preview: Raw<'a>,
    primitive: Raw<'a>,
    reason: Raw<'a>,
    resource: Raw<'a>,
    resumed_at: Raw<'a>,
    root_primitive: Raw<'a>,
    size_bytes: Raw<'a>,
    span_id: Raw<'a>,
    started_at: Raw<'a>,
    status: Raw<'a>,
    suspended_at: Raw<'a>,
    suspension_id: Raw<'a>,
    timestamp: Raw<'a>,
    to: Raw<'a>,
    triggered_by_span_id: Raw<'a>,
    via: Raw<'a>,
}

impl<'a> Record<'a> {
    /// From one line of JSON. `Ok(None)`: a type of record that this release does not know.
    ///
    /// # Errors
    /// The line is not one JSON object, or a field that its type of record has is missing or holds what it cannot hold.
    pub fn from_json(line: &'a str) -> Result<Option<Record<'a>>> {
        let f: Fields<'a> = serde_json::from_str(line).map_err(RecordError::not_an_object)?;
        let record_type = text("type", f.record_type)?;
        let Some(body) = body(&record_type, &f)? else { return Ok(None) };
        if number("schemaVersion", f.schema_version)? == 0 {
            return Err(RecordError::invalid("schemaVersion", "a version, from 1", None));
        }
        let (mut run_id, mut trace_id) = (optional(id, "runId", f.run_id)?, optional(id, "traceId", f.trace_id)?);
        if !matches!(body, Body::Diagnostic { .. }) {
            run_id = Some(run_id.ok_or(RecordError::missing("runId"))?);
            trace_id = Some(trace_id.ok_or(RecordError::missing("traceId"))?);
        }
        let segment_id = id("segmentId", f.segment_id)?;
        let segment_seq = number("segmentSeq", f.segment_seq)?;
        if segment_seq == 0 {
            return Err(RecordError::invalid("segmentSeq", "a number, from 1", None));
        }
        let id = Some(text("recordId", f.record_id)?).filter(|id| !is_ours(id, segment_id, segment_seq));
        let service = text("service", f.service)?;
        Ok(Some(Record { id, run_id, trace_id, segment_id, segment_seq, service, body }))
    }
}

/// Whether a record's id is `<segmentId>-<segmentSeq>` to the letter.
fn is_ours(id: &str, segment_id: SegmentId, segment_seq: u64) -> bool {
    let Some((segment, seq)) = id.split_once('-') else { return false };
    SegmentId::from_hex(segment.as_bytes()) == Some(segment_id)
        && matches!(seq.as_bytes(), [b'1'..=b'9', ..])
        && seq.parse() == Ok(segment_seq)
}

fn body<'a>(record_type: &str, f: &Fields<'a>) -> Result<Option<Body<'a>>> {
    Ok(Some(match record_type {
        "segment" => Body::Segment {
            started_at: time("startedAt", f.started_at)?,
            resource: attributes("resource", Some(required("resource", f.resource)?))?,
            via: via(f.via)?,
            suspension_id: optional(text, "suspensionId", f.suspension_id)?,
        },
        "run:start" => Body::RunStart {
            name: text("name", f.name)?,
            started_at: time("startedAt", f.started_at)?,
            root_primitive: optional(text, "rootPrimitive", f.root_primitive)?,
            parent_run_id: optional(id, "parentRunId", f.parent_run_id)?,
            triggered_by_span_id: optional(id, "triggeredBySpanId", f.triggered_by_span_id)?,
            attributes: attributes("attributes", f.attributes)?,
        },
        "run:suspend" => Body::RunSuspend {
            suspension_id: text("suspensionId", f.suspension_id)?,
            suspended_at: time("suspendedAt", f.suspended_at)?,
            reason: optional(text, "reason", f.reason)?,
        },
        "run:resume" => Body::RunResume {
            suspension_id: text("suspensionId", f.suspension_id)?,
            resumed_at: time("resumedAt", f.resumed_at)?,
        },
        "run:end" => {
            let End { ended_at, status, error } = end(f)?;
            if status == Status::Panicked {
                return Err(RecordError::invalid("status", "`ok`, `error` or `cancelled`", None));
            }
            Body::RunEnd { ended_at, status, error }
        }
        "span:start" => Body::SpanStart(start(f)?),
        "span:end" => Body::SpanEnd {
            span_id: id("spanId", f.span_id)?,
            end: end(f)?,
            attributes: attributes("attributes", f.attributes)?,
        },
        "span" => Body::Span(start(f)?, end(f)?),
        "span:attributes" => Body::SpanAttributes {
            span_id: id("spanId", f.span_id)?,
            attributes: attributes("attributes", f.attributes)?,
        },
        "span:event" => Body::Event {
            span_id: id("spanId", f.span_id)?,
            event_id: text("eventId", f.event_id)?,
            name: text("name", f.name)?,
            timestamp: time("timestamp", f.timestamp)?,
            attributes: attributes("attributes", f.attributes)?,
        },
        "artifact" => Body::Artifact(Artifact {
            span_id: id("spanId", f.span_id)?,
            artifact_id: text("artifactId", f.artifact_id)?,
            kind: text("kind", f.kind)?,
            content_type: text("contentType", f.content_type)?,
            encoding: text("encoding", f.encoding)?,
            size_bytes: number("sizeBytes", f.size_bytes)?,
            hash: optional(text, "hash", f.hash)?,
            preview: optional(text, "preview", f.preview)?,
        }),
        "edge" => Body::Edge {
            edge_type: text("edgeType", f.edge_type)?,
            from: endpoint("from", f.from)?,
            to: endpoint("to", f.to)?,
        },
        "diagnostic" => Body::Diagnostic {
            code: text("code", f.code)?,
            message: text("message", f.message)?,
            count: optional(number, "count", f.count)?,
            span_id: optional(id, "spanId", f.span_id)?,
            attributes: attributes("attributes", f.attributes)?,
        },
        _ => return Ok(None),
    }))
}

fn start<'a>(f: &Fields<'a>) -> Result<Start<'a>> {
    Ok(Start {
        span_id: id("spanId", f.span_id)?,
        parent_span_id: optional(id, "parentSpanId", f.parent_span_id)?,
        name: text("name", f.name)?,
        primitive: text("primitive", f.primitive)?,
        kind: kind(f.kind)?,
        started_at: time("startedAt", f.started_at)?,
        attributes: attributes("attributes", f.attributes)?,
        links: links(f.links)?,
    })
}

fn end<'a>(f: &Fields<'a>) -> Result<End<'a>> {
    let status = text("status", f.status)?;
    let all = [Status::Ok, Status::Error, Status::Panicked, Status::Cancelled];
    let status = all.into_iter().find(|s| s.name() == status);
    Ok(End {
        ended_at: time("endedAt", f.ended_at)?,
        status: status
            .ok_or_else(|| RecordError::invalid("status", "`ok`, `error`, `panicked` or `cancelled`", None))?,
        error: optional(text, "error", f.error)?,
    })
}

fn kind(raw: Raw<'_>) -> Result<Kind> {
    let name = text("kind", raw)?;
    Kind::ALL
        .into_iter()
        .find(|k| k.name() == name)
        .ok_or_else(|| RecordError::invalid("kind", "`internal`, `server`, `client`, `producer` or `consumer`", None))
}

fn via(raw: Raw<'_>) -> Result<Via> {
    match &*text("via", raw)? {
        "start" => Ok(Via::Start),
        "resume" => Ok(Via::Resume),
        "receive" => Ok(Via::Receive),
        _ => Err(RecordError::invalid("via", "`start`, `resume` or `receive`", None)),
    }
}

fn required<'a>(field: &'static str, raw: Raw<'a>) -> Result<&'a RawValue> {
    raw.ok_or(RecordError::missing(field))
}

/// Reads a field that may be absent.
fn optional<'a, T>(
    read: impl Fn(&'static str, Raw<'a>) -> Result<T>,
    field: &'static str,
    raw: Raw<'a>,
) -> Result<Option<T>> {
    raw.is_some().then(|| read(field, raw)).transpose()
}

fn text<'a>(field: &'static str, raw: Raw<'a>) -> Result<Cow<'a, str>> {
    let raw = required(field, raw)?;
    text_of(raw).map_err(|e| RecordError::invalid(field, "a text", Some(e)))
}

fn text_of(raw: &RawValue) -> serde_json::Result<Cow<'_, str>> {
    match raw.get().strip_prefix('"').and_then(|t| t.strip_suffix('"')) {
        // Without escapes the text is what stands there; control characters were refused when the line was cut.
        Some(text) if !text.contains('\\') => Ok(Cow::Borrowed(text)),
        _ => serde_json::from_str(raw.get()).map(Cow::Owned),
    }
}

fn id<T: std::str::FromStr>(field: &'static str, raw: Raw<'_>) -> Result<T> {
    text(field, raw)?.parse().map_err(|_| {
        RecordError::invalid(field, "an id: lower-case hexadecimal digits of fixed number, not all zero", None)
    })
}

fn number(field: &'static str, raw: Raw<'_>) -> Result<u64> {
    required(field, raw)?
        .get()
        .parse()
        .map_err(|_| RecordError::invalid(field, "a whole number between 0 and 18446744073709551615", None))
}

fn time(field: &'static str, raw: Raw<'_>) -> Result<u64> {
    parse_time(&text(field, raw)?)
        .ok_or_else(|| RecordError::invalid(field, "an RFC 3339 time between 1970 and 2554", None))
}

fn attributes<'a>(field: &'static str, raw: Raw<'a>) -> Result<Attributes<'a>> {
    let Some(raw) = raw else { return Ok(Attributes::new()) };
    let object: AttributeObject<'a> =
        serde_json::from_str(raw.get()).map_err(|e| RecordError::invalid(field, "an object", Some(e)))?;
    Ok(object.0)
}

fn links<'a>(raw: Raw<'a>) -> Result<Vec<Link<'a>>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct LinkFields<'a> {
        trace_id: TraceId,
        span_id: SpanId,
        #[serde(borrow)]
        attributes: Raw<'a>,
    }
    let Some(raw) = raw else { return Ok(Vec::new()) };
    let links: Vec<LinkFields<'a>> =
        serde_json::from_str(raw.get()).map_err(|e| RecordError::invalid("links", "a list of links", Some(e)))?;
    let link = |l: LinkFields<'a>| {
        Ok(Link { trace_id: l.trace_id, span_id: l.span_id, attributes: attributes("links", l.attributes)? })
    };
    links.into_iter().map(link).collect()
}

fn endpoint<'a>(field: &'static str, raw: Raw<'a>) -> Result<Endpoint<'a>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Ends<'a> {
        trace_id: Option<TraceId>,
        span_id: Option<SpanId>,
        run_id: Option<RunId>,
        #[serde(borrow)]
        artifact_id: Option<Text<'a>>,
    }
    const EXPECTED: &str = "an end: {traceId, spanId}, {runId} or {artifactId}";
    let raw = required(field, raw)?;
    let ends: Ends<'a> = serde_json::from_str(raw.get()).map_err(|e| RecordError::invalid(field, EXPECTED, Some(e)))?;
    match ends {
        Ends { trace_id: Some(trace_id), span_id: Some(span_id), .. } => Ok(Endpoint::Span { trace_id, span_id }),
        Ends { run_id: Some(run_id), span_id: None, .. } => Ok(Endpoint::Run(run_id)),
        Ends { artifact_id: Some(id), span_id: None, .. } => Ok(Endpoint::Artifact(id.0)),
        _ => Err(RecordError::invalid(field, EXPECTED, None)),
    }
}

/// A text, borrowed where it has no escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> std::result::Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E: Error>(self, text: &str) -> std::result::Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(V)
    }
}

struct AttributeObject<'a>(Attributes<'a>);

impl<'de> Deserialize<'de> for AttributeObject<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = AttributeObject<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> std::result::Result<Self::Value, M::Error> {
                let mut items = Vec::new();
                while let Some((key, value)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
                    items.push((key.0, attribute(value).map_err(Error::custom)?));
                }
                Ok(AttributeObject(items.into_iter().collect()))
            }
        }
        deserializer.deserialize_map(V)
    }
}

fn attribute(raw: &RawValue) -> serde_json::Result<AttributeValue<'_>> {
    let json = raw.get();
    Ok(match json.as_bytes() {
        [b'"', ..] => AttributeValue::Str(text_of(raw)?),
        b"true" => AttributeValue::Bool(true),
        b"false" => AttributeValue::Bool(false),
        [b'-' | b'0'..=b'9', ..] => match (json.parse(), json.parse::<f64>()) {
            (Ok(v), _) => AttributeValue::I64(v),
            (_, Ok(v)) if v.is_finite() && json.contains(['.', 'e', 'E']) => AttributeValue::F64(v),
            // Beyond what an i64 holds exactly, or an f64 at all: kept digit by digit.
            _ => AttributeValue::Json(json.into()),
        },
        _ => AttributeValue::Json(json.into()),
    })
}
