//! Cases of what has just been recorded.

use serde_json::{Value, from_value};
use spanbridge_graph::testing::Recorded;
use spanbridge_replay::{Artifact, Case, Content, Report, Run, Span};

/// The case of the span of this primitive, with everything below it.
#[track_caller]
pub(crate) fn case_of<R>(recorded: &Recorded<R>, primitive: &str) -> Case {
    let graph = recorded.graphs().iter().find(|graph| graph.spans.iter().any(|span| &*span.primitive == primitive));
    let graph = graph.unwrap_or_else(|| panic!("no {primitive} in\n{}", recorded.tree()));
    let json = graph.to_json();
    let all = |name: &str| json[name].as_array().unwrap().clone();
    let mut spans: Vec<Span> = all("spans").into_iter().map(|span| from_value(span).unwrap()).collect();
    // Parents stand before their children.
    let entry = spans.remove(spans.iter().position(|span| span.primitive == primitive).unwrap());
    let mut below = vec![entry.span_id];
    let mut case = Case::new(Run::new(graph.run.run_id, &*graph.run.name), entry);
    for span in spans {
        if span.parent_span_id.is_some_and(|parent| below.contains(&parent)) {
            below.push(span.span_id);
            case.add(span)
        }
    }
    for artifact in all("artifacts") {
        let text = |name: &str| artifact[name].as_str().map(str::to_owned);
        let content = Content::new(text("encoding").unwrap(), text("preview"));
        let span = from_value(artifact["spanId"].clone()).unwrap();
        let size = artifact["sizeBytes"].as_u64().unwrap();
        let mut made = Artifact::new(span, text("kind").unwrap(), text("contentType").unwrap(), content, size);
        made.hash = text("hash");
        if below.contains(&span) {
            case.artifacts.push(made)
        }
    }
    case
}

/// What holds of every report: it reads the same from JSON, its records are records, and point at the recorded run.
pub(crate) fn check(report: &Report, case: &Case) {
    assert_eq!(Report::from_json(report.to_json().as_bytes()).unwrap(), *report);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let run = case.run.run_id.to_string();
    let edges = report.records.iter().filter(|record| record["type"] == "edge" && record["edgeType"] == "replay.of");
    let ends: Vec<_> = edges.map(|edge| (text(&edge["from"]["runId"]), text(&edge["to"]["runId"]))).collect();
    assert_eq!(ends, [(report.replay.unwrap().run_id.to_string(), run)]);
    for record in &report.records {
        let line = record.to_string();
        assert!(spanbridge::record::Record::from_json(&line).unwrap().is_some(), "{line}");
    }
}
