//! The list of operations, each with one to three runs that it started.

use crate::measure::{each, head, line};
use crate::workload::{T0, run_id, span_id};
use crate::{Outcome, deliver};
use spanbridge::record::{AttributeValue, Body, End, Record, RunEnd, RunStart, SpanData};
use spanbridge::{Kind, SegmentId, Status, TraceId, semconv};
use spanbridge_graph::RunStatus;
use spanbridge_query::index::{FoldBudget, Index};
use spanbridge_query::{RunFilter, RunQuery, Store};
use spanbridge_store::StoreSink;
use std::path::Path;

/// Runs that are delivered at once.
const BATCH: usize = 500;

/// Makes so many runs and asks for lists of 50.
pub(crate) fn operations(dir: &Path, runs: u64) -> Outcome {
    let path = dir.join("operations");
    let mut sink = StoreSink::open(&path)?;
    let index = Index::open(&path)?;
    let (mut made, mut operation, mut batch, mut number) = (0, 0, Vec::new(), 0);
    while made < runs {
        let parts = 1 + operation % 3;
        batch.extend((0..=parts).flat_map(|part| one_run(operation, part)));
        (made, operation) = (made + parts + 1, operation + 1);
        if batch.len() >= BATCH * 3 || made >= runs {
            number += 1;
            deliver(&mut sink, 1, number, &batch)?;
            batch.clear();
            if number % 100 == 0 || made >= runs {
                index.fold(FoldBudget::everything(), |_| true)?;
            }
        }
    }
    drop((sink, index));
    head(&format!("{made} runs in {operation} operations"));
    let store = Store::open(&path)?;
    let all = RunFilter::default;
    let filters = [
        ("no filter", all()),
        ("failed", all().status(RunStatus::Error)),
        ("ok", all().status(RunStatus::Ok)),
        ("open", all().status(RunStatus::Open)),
        ("a service", all().service("mailer")),
        ("a rare service", all().service("reports")),
        ("a name", all().name("mail")),
        ("failed, a service", all().status(RunStatus::Error).service("mailer")),
        ("ok, a service", all().status(RunStatus::Ok).service("mailer")),
        ("failed, a service, a name", all().status(RunStatus::Error).service("mailer").name("process")),
        ("since half of the time", all().since(T0 + operation / 2 * STEP)),
        ("failed, since half of the time", all().status(RunStatus::Error).since(T0 + operation / 2 * STEP)),
    ];
    for (what, filter) in filters {
        let query = RunQuery::new(filter);
        let list = |query: &RunQuery| store.list(query, 50).map(|_| true);
        line(&format!("list of operations: {what}"), each(&vec![query; 20], list) / 1e3, None, Some(5.0), "ms");
    }
    Ok(())
}

/// Between two operations.
const STEP: u64 = 1_000_000;

/// An order, or the work on one of its messages, each as a run. The first two parts are attempts at the same message in every tenth
/// operation, and one part in 17 fails.
fn one_run(operation: u64, part: u64) -> Vec<Record<'static>> {
    let (id, order) = (run_id(4 * operation + part), run_id(4 * operation));
    let at = T0 + operation * STEP + part * 1000;
    let is_retried = operation % 10 == 3 && !operation.is_multiple_of(3);
    let message = span_id(4 * operation, if is_retried && part == 2 { 1 } else { part });
    let queue = ["", "mail", "stock", "receipts"][if is_retried && part == 2 { 1 } else { part as usize }];
    let failed = part > 0 && ((4 * operation + part).is_multiple_of(17) || is_retried && part == 1);
    let status = if failed { Status::Error } else { Status::Ok };
    let service = match part {
        0 => "shop",
        3 if operation % 20_000 == 5 => "reports",
        _ => "mailer",
    };
    let segment = SegmentId::new((4 * operation + part) | 1 << 60).expect("it is not zero");
    let trace = TraceId::new(order.get());
    let mut seq = 0;
    let mut record = |body: Body<'static>| {
        seq += 1;
        Record::new(segment, seq, service, body).of_run(Some(id), trace)
    };
    let name = if part == 0 { "POST /orders".to_owned() } else { format!("process {queue}") };
    let mut start = RunStart::new(name.clone(), at);
    let mut spans = Vec::new();
    if part == 0 {
        for sent in 1..=3 {
            let mut span = SpanData::new(span_id(4 * operation, sent), "publish orders", at + sent);
            (span.primitive, span.kind) = ("messaging.publish".into(), Kind::Producer);
            spans.push(span);
        }
    } else {
        start = start.with_parent_run_id(Some(order)).with_triggered_by_span_id(Some(message));
        let mut span = SpanData::new(span_id(4 * operation + part, 9), name, at);
        (span.primitive, span.kind) = ("messaging.process".into(), Kind::Consumer);
        let text = |text: &'static str| AttributeValue::Str(text.into());
        let said = [
            (semconv::RELATION, text("new_run")),
            (semconv::MESSAGING_SYSTEM, text("rabbitmq")),
            (semconv::QUEUE_NAME, text(queue)),
            (semconv::DELIVERY_ATTEMPT, AttributeValue::I64(if is_retried { part as i64 } else { 1 })),
        ];
        span.attributes = said.into_iter().map(|(key, value)| (key.into(), value)).collect();
        spans.push(span);
    }
    let mut records = vec![record(Body::RunStart(start))];
    for span in spans {
        let end = End::new(span.started_at + 500, status);
        records.push(record(Body::Span(span.with_end(Some(end)))));
    }
    records.push(record(Body::RunEnd(RunEnd::new(at + 800, status))));
    records
}
