//! Runs that an earlier release saved resume in this one. The texts and the records are what that release wrote.

mod common;

use common::place;
use spanbridge::record::{Body, Record, Segment};
use spanbridge::{Recorder, RunContext, RunId, observe};
use spanbridge_graph::{Graph, RunStatus};
use spanbridge_query::Store;
use spanbridge_store::StoreSink;
use std::path::Path;
use std::time::Duration;

/// The run began, and was suspended.
const SUSPENDED: &str = r#"{"version":1,"traceparent":"00-ce0f4272e8ba126aaf44aab5cebacfd9-af44aab5cebacfd9-03","runId":"ce0f4272e8ba126aaf44aab5cebacfd9","suspensionId":"4ada9bcd44823f89"}"#;

/// A second process resumed that, and left the run without suspending it.
const LEFT: &str = r#"{"version":1,"traceparent":"00-ce0f4272e8ba126aaf44aab5cebacfd9-af44aab5cebacfd9-03","runId":"ce0f4272e8ba126aaf44aab5cebacfd9","legId":"0e6f56c481853483"}"#;

/// A third process resumed that, and suspended the run again.
const SUSPENDED_AGAIN: &str = r#"{"version":1,"traceparent":"00-ce0f4272e8ba126aaf44aab5cebacfd9-af44aab5cebacfd9-03","runId":"ce0f4272e8ba126aaf44aab5cebacfd9","suspensionId":"d4f48d0cc41e284c","legId":"c0cc0993cb1fea38"}"#;

/// The records of the three processes: four, two and two.
const RECORDS: &str = include_str!("saved/records.jsonl");

/// A store with the first records, and the run resumed from this text and ended by this release.
fn resumed(records: usize, saved: &str) -> (Graph, Vec<Record<'static>>) {
    let (_dir, path) = place();
    let lines = RECORDS.lines().take(records).map(|line| Record::from_json(line).unwrap().unwrap());
    let report = Store::open_or_create(&path).unwrap().import(lines).unwrap();
    assert_eq!(report.stored, records as u64);
    let context: RunContext = saved.parse().unwrap();
    assert_eq!(context.to_string(), saved, "this release writes the same text");
    let recorder = Recorder::builder("approvals").sink(StoreSink::open(&path).unwrap()).build().unwrap();
    recorder.in_scope(|| {
        let run = observe::resume_run(context);
        run.in_scope(|| observe::span("pay").in_scope(|| ()));
        run.end();
    });
    let report = recorder.shutdown(Duration::from_secs(60));
    assert!(report.complete && report.dropped == 0, "{report:?}");
    read(&path, records)
}

fn read(path: &Path, imported: usize) -> (Graph, Vec<Record<'static>>) {
    let store = Store::open(path).unwrap();
    let run = RunId::new(0xce0f_4272_e8ba_126a_af44_aab5_ceba_cfd9).unwrap();
    let mut records = Vec::new();
    store.records(Some(run), |record| records.push(record.into_owned())).unwrap();
    (store.graph(run).unwrap().unwrap(), records.split_off(imported))
}

/// What the segment of the new process says it follows: a suspension, and a resumption.
fn follows(records: &[Record<'_>]) -> (Option<String>, Option<String>) {
    let of = |record: &Record<'_>| match &record.body {
        Body::Segment(Segment { suspension_id, previous_resumption_id, .. }) => {
            let text = |id: &Option<std::borrow::Cow<'_, str>>| id.as_deref().map(str::to_owned);
            Some((text(suspension_id), text(previous_resumption_id)))
        }
        _ => None,
    };
    records.iter().find_map(of).unwrap()
}

fn assert_ended(graph: &Graph, segments: usize, waits: usize) {
    assert_eq!((graph.run.status, &*graph.run.name), (RunStatus::Ok, "approval"), "{:?}", graph.diagnostics);
    assert_eq!(graph.diagnostics, [], "whatever the clocks say, the end came last");
    assert_eq!((graph.run.segments.len(), graph.run.suspensions.len()), (segments, waits));
    assert!(graph.run.suspensions.iter().all(|wait| wait.resumed_at.is_some()), "{:?}", graph.run.suspensions);
    assert_eq!(graph.spans.iter().map(|span| &*span.name).filter(|name| *name == "pay").count(), 1);
}

#[test]
fn a_suspended_run_resumes() {
    let (graph, records) = resumed(4, SUSPENDED);
    assert_ended(&graph, 2, 1);
    assert_eq!(follows(&records), (Some("4ada9bcd44823f89".into()), None));
}

#[test]
fn a_run_that_was_left_resumes() {
    let (graph, records) = resumed(6, LEFT);
    assert_ended(&graph, 3, 1);
    assert_eq!(follows(&records), (None, Some("0e6f56c481853483".into())));
}

#[test]
fn a_run_that_was_suspended_again_resumes() {
    let (graph, records) = resumed(8, SUSPENDED_AGAIN);
    assert_ended(&graph, 4, 2);
    assert_eq!(follows(&records), (Some("d4f48d0cc41e284c".into()), Some("c0cc0993cb1fea38".into())));
}
