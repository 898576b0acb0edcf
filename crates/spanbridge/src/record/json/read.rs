//! Reading a record from JSON.
//!
//! The line is split into raw fields first. A field is parsed only if the type of record has it, so an unknown type of
//! record, or a new field of a known one, may contain anything.

use super::RecordError;
use super::field::{
    Raw, Result, attributes, endpoint, id, json_object, links, number, optional, required, text, texts, time,
};
use crate::record::{
    Artifact, Body, Diagnostic, Edge, End, Event, Mutation, MutationOp, Record, RunAttributes, RunEnd, RunResume,
    RunStart, RunSuspend, Segment, SpanAttributes, SpanData, SpanEnd, Via,
};
use crate::{Kind, SegmentId, Status};
use serde::Deserialize;

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
    #[serde(rename = "afterLegId")]
    previous_resumption_id: Raw<'a>,
    after: Raw<'a>,
    artifact_id: Raw<'a>,
    attributes: Raw<'a>,
    before: Raw<'a>,
    code: Raw<'a>,
    columns: Raw<'a>,
    committed_at: Raw<'a>,
    content_type: Raw<'a>,
    count: Raw<'a>,
    database: Raw<'a>,
    edge_type: Raw<'a>,
    encoding: Raw<'a>,
    ended_at: Raw<'a>,
    error: Raw<'a>,
    error_type: Raw<'a>,
    event_id: Raw<'a>,
    from: Raw<'a>,
    hash: Raw<'a>,
    key: Raw<'a>,
    kind: Raw<'a>,
    #[serde(rename = "legId")]
    resumption_id: Raw<'a>,
    links: Raw<'a>,
    message: Raw<'a>,
    mutation_id: Raw<'a>,
    name: Raw<'a>,
    op: Raw<'a>,
    parent_run_id: Raw<'a>,
    parent_span_id: Raw<'a>,
    position: Raw<'a>,
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
    table: Raw<'a>,
    timestamp: Raw<'a>,
    to: Raw<'a>,
    triggered_by_span_id: Raw<'a>,
    via: Raw<'a>,
}

impl<'a> Record<'a> {
    /// Reads one line of JSON. `Ok(None)`: this release does not know the type of record.
    ///
    /// # Errors
    /// The line is not one JSON object, or a required field is missing or has a value that it cannot have.
    pub fn from_json(line: &'a str) -> Result<Option<Record<'a>>> {
        let f: Fields<'a> = serde_json::from_str(line).map_err(RecordError::not_an_object)?;
        let record_type = text("type", f.record_type)?;
        let Some(body) = body(&record_type, &f)? else { return Ok(None) };
        if number("schemaVersion", f.schema_version)? == 0 {
            return Err(RecordError::invalid("schemaVersion", "a version, from 1", None));
        }
        let (mut run_id, mut trace_id) = (optional(id, "runId", f.run_id)?, optional(id, "traceId", f.trace_id)?);
        if !matches!(body, Body::Diagnostic(_) | Body::Mutation(_)) {
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

/// Whether a record's id is exactly `<segmentId>-<segmentSeq>`.
fn is_ours(id: &str, segment_id: SegmentId, segment_seq: u64) -> bool {
    let Some((segment, seq)) = id.split_once('-') else { return false };
    SegmentId::from_hex(segment.as_bytes()) == Some(segment_id)
        && matches!(seq.as_bytes(), [b'1'..=b'9', ..])
        && seq.parse() == Ok(segment_seq)
}

fn body<'a>(record_type: &str, f: &Fields<'a>) -> Result<Option<Body<'a>>> {
    Ok(Some(match record_type {
        "segment" => Body::Segment(Segment {
            started_at: time("startedAt", f.started_at)?,
            resource: attributes("resource", Some(required("resource", f.resource)?))?,
            via: via(f.via)?,
            suspension_id: optional(text, "suspensionId", f.suspension_id)?,
            resumption_id: optional(text, "legId", f.resumption_id)?,
            previous_resumption_id: optional(text, "afterLegId", f.previous_resumption_id)?,
        }),
        "run:start" => Body::RunStart(RunStart {
            name: text("name", f.name)?,
            started_at: time("startedAt", f.started_at)?,
            root_primitive: optional(text, "rootPrimitive", f.root_primitive)?,
            parent_run_id: optional(id, "parentRunId", f.parent_run_id)?,
            triggered_by_span_id: optional(id, "triggeredBySpanId", f.triggered_by_span_id)?,
            attributes: attributes("attributes", f.attributes)?,
        }),
        "run:attributes" => Body::RunAttributes(RunAttributes { attributes: attributes("attributes", f.attributes)? }),
        "run:suspend" => Body::RunSuspend(RunSuspend {
            suspension_id: text("suspensionId", f.suspension_id)?,
            suspended_at: time("suspendedAt", f.suspended_at)?,
            reason: optional(text, "reason", f.reason)?,
        }),
        "run:resume" => Body::RunResume(RunResume {
            suspension_id: text("suspensionId", f.suspension_id)?,
            resumed_at: time("resumedAt", f.resumed_at)?,
        }),
        "run:end" => {
            let End { ended_at, status, error, .. } = end(f)?;
            if status == Status::Panicked {
                return Err(RecordError::invalid("status", "`ok`, `error` or `cancelled`", None));
            }
            Body::RunEnd(RunEnd { ended_at, status, error })
        }
        "span:start" => Body::Span(span(f)?),
        "span:end" => Body::SpanEnd(SpanEnd {
            span_id: id("spanId", f.span_id)?,
            end: end(f)?,
            attributes: attributes("attributes", f.attributes)?,
        }),
        "span" => Body::Span(span(f)?.with_end(Some(end(f)?))),
        "span:attributes" => Body::SpanAttributes(SpanAttributes {
            span_id: id("spanId", f.span_id)?,
            attributes: attributes("attributes", f.attributes)?,
        }),
        "span:event" => Body::Event(Event {
            span_id: id("spanId", f.span_id)?,
            event_id: text("eventId", f.event_id)?,
            name: text("name", f.name)?,
            timestamp: time("timestamp", f.timestamp)?,
            attributes: attributes("attributes", f.attributes)?,
        }),
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
        "mutation" => Body::Mutation(Mutation {
            mutation_id: text("mutationId", f.mutation_id)?,
            span_id: optional(id, "spanId", f.span_id)?,
            database: text("database", f.database)?,
            table: text("table", f.table)?,
            key: json_object("key", f.key)?,
            op: op(f.op)?,
            before: optional(json_object, "before", f.before)?,
            after: optional(json_object, "after", f.after)?,
            columns: texts("columns", f.columns)?,
            committed_at: optional(time, "committedAt", f.committed_at)?,
            position: optional(text, "position", f.position)?,
        }),
        "edge" => Body::Edge(Edge {
            edge_type: text("edgeType", f.edge_type)?,
            from: endpoint("from", f.from)?,
            to: endpoint("to", f.to)?,
        }),
        "diagnostic" => Body::Diagnostic(Diagnostic {
            code: text("code", f.code)?,
            message: text("message", f.message)?,
            count: optional(number, "count", f.count)?,
            span_id: optional(id, "spanId", f.span_id)?,
            attributes: attributes("attributes", f.attributes)?,
        }),
        _ => return Ok(None),
    }))
}

fn span<'a>(f: &Fields<'a>) -> Result<SpanData<'a>> {
    Ok(SpanData {
        span_id: id("spanId", f.span_id)?,
        parent_span_id: optional(id, "parentSpanId", f.parent_span_id)?,
        name: text("name", f.name)?,
        primitive: text("primitive", f.primitive)?,
        kind: kind(f.kind)?,
        started_at: time("startedAt", f.started_at)?,
        end: None,
        attributes: attributes("attributes", f.attributes)?,
        links: links(f.links)?,
    })
}

fn end<'a>(f: &Fields<'a>) -> Result<End<'a>> {
    let status = text("status", f.status)?;
    let all = [Status::Ok, Status::Error, Status::Panicked, Status::Cancelled];
    let status = all.into_iter().find(|s| s.name() == status);
    let status =
        status.ok_or_else(|| RecordError::invalid("status", "`ok`, `error`, `panicked` or `cancelled`", None))?;
    let error = optional(text, "error", f.error)?;
    Ok(End {
        ended_at: time("endedAt", f.ended_at)?,
        status,
        error,
        error_type: optional(text, "errorType", f.error_type)?,
    })
}

fn kind(raw: Raw<'_>) -> Result<Kind> {
    let name = text("kind", raw)?;
    Kind::ALL
        .into_iter()
        .find(|k| k.name() == name)
        .ok_or_else(|| RecordError::invalid("kind", "`internal`, `server`, `client`, `producer` or `consumer`", None))
}

fn op(raw: Raw<'_>) -> Result<MutationOp> {
    MutationOp::from_name(&text("op", raw)?)
        .ok_or_else(|| RecordError::invalid("op", "`insert`, `update`, `delete` or `truncate`", None))
}

fn via(raw: Raw<'_>) -> Result<Via> {
    match &*text("via", raw)? {
        "start" => Ok(Via::Start),
        "resume" => Ok(Via::Resume),
        "receive" => Ok(Via::Receive),
        _ => Err(RecordError::invalid("via", "`start`, `resume` or `receive`", None)),
    }
}
