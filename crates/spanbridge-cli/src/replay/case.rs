//! What is recorded of a handler, as a case.

use super::belonging::Processes;
use spanbridge::{SpanId, semconv};
use spanbridge_graph::{Artifact, Graph, Span, SpanTimes};
use spanbridge_replay::{Case, Content, Run};
use std::collections::HashSet;

/// What is recorded of the span at this place and of all that is part of it. `graph` also has the spans of the runs that it started.
pub(super) fn of(graph: &Graph, entry: usize, processes: &Processes) -> Case {
    let of = &graph.spans[entry];
    let mut run = Run::new(of.run_id, &*graph.run.name);
    run.trace_id = Some(of.trace_id);
    run.status = graph.run.status.as_str().to_owned();
    let mut case = Case::new(run, recorded(of, &SpanTimes::of(graph)[entry]));
    let parts = processes.parts(graph, entry);
    add_parts(&mut case, graph, &parts, None);
    case
}

/// Adds the span at this place, and all that is part of it, below another one.
pub(super) fn add_below(case: &mut Case, above: SpanId, graph: &Graph, at: usize, processes: &Processes) {
    if case.span(graph.spans[at].span_id).is_none() {
        add_parts(case, graph, &processes.parts(graph, at), Some(above));
    }
}

/// `above`: what the first one stands below. `None`: it is there.
fn add_parts(case: &mut Case, graph: &Graph, parts: &[usize], above: Option<SpanId>) {
    let times = SpanTimes::of(graph);
    for at in parts.iter().skip(usize::from(above.is_none())) {
        let span = &graph.spans[*at];
        let mut recorded = recorded(span, &times[*at]);
        // The first span of another run has no parent, or one that stands for its run.
        let parent = span.parent.map(|parent| graph.spans[parent].span_id);
        recorded.parent_span_id = above.filter(|_| *at == parts[0]).or(parent);
        case.add(recorded);
    }
    let ids: HashSet<SpanId> = parts.iter().map(|at| graph.spans[*at].span_id).collect();
    case.artifacts.extend(graph.artifacts.iter().filter(|of| ids.contains(&of.span_id)).map(artifact));
}

/// A span in the form of the graph's JSON.
fn recorded(span: &Span, times: &SpanTimes) -> spanbridge_replay::Span {
    let mut json = span.to_json(times);
    if let Some(class) = span.attribute(semconv::ERROR_TYPE).and_then(|class| class.as_str()) {
        json["errorType"] = class.into();
    }
    serde_json::from_value(json).unwrap_or_else(|_| {
        // The forms are the same, and a test says so.
        spanbridge_replay::Span::new(span.span_id, &*span.name, &*span.primitive)
    })
}

pub(super) fn artifact(artifact: &Artifact) -> spanbridge_replay::Artifact {
    let Artifact { span_id, kind, content_type, encoding, size_bytes, hash, preview, .. } = artifact;
    let content = Content::new(&**encoding, preview.clone());
    let mut recorded = spanbridge_replay::Artifact::new(*span_id, &**kind, &**content_type, content, *size_bytes);
    recorded.hash.clone_from(hash);
    recorded
}
