//! Runs for tests.

use super::loaded::Loaded;
use serde_json::Value;
use spanbridge::{Kind, RunId, SegmentId, SpanId, TraceId};
use spanbridge_graph::{
    Artifact, Event, Graph, Link, LinkDirection, LinkSource, LinkedRun, Run, RunStatus, RunSummary, Span, SpanStatus,
};
use spanbridge_query::RunRow;
use std::sync::Arc;

/// 2026-11-20T09:25:46Z.
pub(crate) const START: u64 = 1_795_166_746_000_000_000;
pub(crate) const MS: u64 = 1_000_000;

const ORDER: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;
const MAIL: u128 = 0xabc0_0000_0000_0000_0000_0000_0000_0001;

pub(crate) fn order_id() -> RunId {
    RunId::new(ORDER).unwrap()
}

pub(crate) fn mail_id() -> RunId {
    RunId::new(MAIL).unwrap()
}

pub(crate) fn span_id(number: u64) -> SpanId {
    SpanId::new(0x00f0_67aa_0ba9_0000 + number).unwrap()
}

/// Builds a graph, span by span. Spans are numbered from 1.
pub(crate) struct Build(pub(crate) Graph);

impl Build {
    pub(crate) fn run(id: u128, name: &str, status: RunStatus, took: u64) -> Self {
        let mut run = Run::new(RunId::new(id).unwrap(), name, status, START);
        run.ended_at = Some(START + took * MS);
        run.trace_ids = vec![TraceId::new(id).unwrap()];
        Self(Graph::new(run))
    }

    /// A span `at` milliseconds after the start of the run. `what` is `service: name`.
    pub(crate) fn span(&mut self, parent: Option<u64>, what: &str, primitive: &str, at: u64, took: u64) -> &mut Span {
        let (service, name) = what.split_once(": ").unwrap();
        let number = self.0.spans.len() as u64 + 1;
        let segment = service.bytes().fold(7, |sum, byte| sum * 31 + u64::from(byte)) | 1;
        let mut span = Span::new(self.0.run.run_id, SegmentId::new(segment).unwrap(), span_id(number), name);
        span.parent_span_id = parent.map(span_id);
        span.parent = parent.map(|parent| parent as usize - 1);
        span.depth = span.parent.map_or(0, |parent| self.0.spans[parent].depth + 1);
        span.kind = match primitive {
            "messaging.publish" => Kind::Producer,
            "messaging.process" => Kind::Consumer,
            "http.server" => Kind::Server,
            _ => Kind::Internal,
        };
        (span.service, span.primitive, span.status) = (service.into(), primitive.into(), SpanStatus::Ok);
        (span.started_at, span.ended_at) = (START + at * MS, Some(START + (at + took) * MS));
        self.0.spans.push(span);
        self.0.spans.last_mut().unwrap()
    }
}

fn with(span: &mut Span, key: &str, value: impl Into<Value>) {
    span.attributes.push((key.into(), value.into()));
}

/// An order that waits two seconds in a queue, fails once, and is worked on again.
pub(crate) fn order() -> Graph {
    let mut b = Build::run(ORDER, "POST /orders", RunStatus::Ok, 31);
    with(b.span(None, "gateway: POST /orders", "http.server", 0, 30), "http.response.status_code", 202);
    b.span(Some(1), "gateway: INSERT orders", "db.mutation", 2, 4);
    with(
        b.span(Some(1), "gateway: publish orders", "messaging.publish", 6, 4),
        "spanbridge.handoff.status",
        "confirmed",
    );
    let declined = Some("card declined: insufficient funds".to_owned());
    let first = b.span(Some(3), "billing: process orders", "messaging.process", 2010, 120);
    with(first, "spanbridge.delivery.attempt", 1);
    (first.status, first.error) = (SpanStatus::Error, declined.clone());
    let charge = b.span(Some(4), "billing: charge card", "tool.call", 2015, 100);
    (charge.status, charge.error) = (SpanStatus::Error, declined);
    with(b.span(Some(3), "billing: process orders", "messaging.process", 3200, 300), "spanbridge.delivery.attempt", 2);
    let publish = b.span(Some(6), "billing: publish receipts", "messaging.publish", 3450, 6);
    publish.events.push(Event::new("e1", "broker answered", START + 3455 * MS));
    publish.linked_from.push(LinkSource::new(mail_id(), TraceId::new(MAIL).unwrap(), span_id(0x99)));
    let mut graph = b.0;
    let mut artifact = artifact(&graph, 6);
    artifact.preview = Some(r#"{"id":17,"customer":{"name":"Grace"}}"#.into());
    artifact.size_bytes = 37;
    graph.artifacts.push(artifact);
    let mail = RunSummary::new(mail_id(), "send receipts", RunStatus::Ok, START + 4000 * MS);
    graph.linked_runs.push(LinkedRun::new(mail, LinkDirection::From));
    graph
}

/// Artifacts have no constructor: one is made from a record.
fn artifact(graph: &Graph, place: usize) -> Artifact {
    let span = graph.spans[place].span_id;
    let line = format!(
        r#"{{"schemaVersion":1,"recordId":"r","type":"artifact","runId":"{0}","traceId":"{0}","segmentId":"0000000000000001","segmentSeq":1,"service":"x","spanId":"{span}","artifactId":"a","kind":"output","contentType":"application/json","encoding":"text","sizeBytes":0}}"#,
        graph.run.run_id
    );
    let record = spanbridge::record::Record::from_json(&line).unwrap().unwrap();
    Graph::build(graph.run.run_id, &[record]).artifacts.remove(0)
}

/// The run that is linked to the order.
pub(crate) fn mail() -> Graph {
    let mut b = Build::run(MAIL, "send receipts", RunStatus::Ok, 55);
    let process = b.span(None, "mailer: process receipts", "messaging.process", 0, 50);
    process.span_id = span_id(0x99);
    process.links.push(Link::new(TraceId::new(ORDER).unwrap(), span_id(7)));
    b.span(None, "mailer: render", "flow.step", 1, 20);
    b.0
}

/// Names that would harm a terminal or a layout, a thousand levels deep.
pub(crate) fn hostile() -> Graph {
    let mut b = Build::run(0xdead, "<img src=x onerror=alert(1)> \u{1b}]0;owned\u{7}\u{1b}[2J", RunStatus::Error, 300);
    for level in 0..1000u64 {
        let name = match level % 3 {
            0 => format!("注文: {}注文を処理する \u{1b}[31mred {}", "e\u{301}".repeat(20), "x".repeat(300)),
            1 => "b: right\u{202e}gnp.exe\u{2066} 👩‍👩‍👧‍👦".to_owned(),
            _ => format!("b: level {level}"),
        };
        b.span((level > 0).then_some(level), &name, "flow.step", 0, 300);
    }
    let last = b.0.spans.last_mut().unwrap();
    (last.status, last.error) = (SpanStatus::Error, Some("line one\n\u{1b}[2Jline two".into()));
    b.0
}

pub(crate) fn loaded(graph: Graph) -> Arc<Loaded> {
    Arc::new(Loaded::new(graph))
}

/// Runs in a list, the last one first.
pub(crate) fn rows(count: u64) -> Vec<RunRow> {
    let row = |number: u64| {
        let status = if number.is_multiple_of(4) { RunStatus::Error } else { RunStatus::Ok };
        let id = RunId::new((0xc000_0000 + u128::from(number)) << 96).unwrap();
        let mut row = RunRow::new(id, format!("GET /items/{number}"), status, START + number * 1000 * MS);
        row.services = vec!["web".into(), "billing".into()];
        (row.spans, row.errors) = (number, u64::from(number.is_multiple_of(4)));
        row.ended_at = Some(row.started_at + number * MS);
        row
    };
    (1..=count).rev().map(row).collect()
}
