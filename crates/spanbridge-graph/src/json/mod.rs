//! The graph as JSON: camelCase names, RFC 3339 times with nanoseconds in UTC, absent fields left out.
//!
//! The views borrow from the model. They only name and order the fields.

mod failed;
mod left_out;
pub(crate) mod mutation;
mod other;
pub(crate) mod parts;
mod path;
pub(crate) mod related;
mod run;
mod span;

use super::model::{Artifact, Diagnostic, Edge, Graph, LinkedRun, Mutation, PrunedRun, RunSummary, SpanTimes};
use left_out::LeftOutView;
use mutation::MutationView;
use other::{ArtifactView, DiagnosticView, EdgeView};
use parts::List;
use path::PathView;
use related::{LinkedView, PrunedView, SummaryView};
use run::RunView;
use serde::{Serialize, Serializer};
use serde_json::Value;
use span::Spans;
use spanbridge::record::SCHEMA_VERSION;

impl Graph {
    /// The graph as JSON, the same as `spanbridge trace --format json`.
    pub fn to_json(&self) -> Value {
        // Writing to memory cannot fail, since all keys are text.
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// In camelCase, with RFC 3339 times. Absent fields are left out.
impl Serialize for Graph {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        GraphView {
            schema_version: SCHEMA_VERSION,
            run: RunView::of(&self.run),
            spans: Spans { spans: &self.spans, times: &SpanTimes::of(self), is_whole: self.left_out.is_none() },
            edges: List(&self.edges, EdgeView::of),
            artifacts: List(&self.artifacts, ArtifactView::of),
            mutations: (!self.mutations.is_empty()).then_some(List(&self.mutations, MutationView::of)),
            child_runs: List(&self.child_runs, SummaryView::of),
            related_runs: List(&self.related_runs, SummaryView::of),
            linked_runs: List(&self.linked_runs, LinkedView::of),
            pruned_runs: (!self.pruned_runs.is_empty()).then_some(List(&self.pruned_runs, PrunedView::of)),
            critical_path: self.critical_path.as_ref().map(|path| PathView::of(path, self)),
            left_out: self.left_out.as_ref().map(LeftOutView::of),
            diagnostics: List(&self.diagnostics, DiagnosticView::of),
        }
        .serialize(serializer)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GraphView<'a> {
    schema_version: u32,
    run: RunView<'a>,
    spans: Spans<'a>,
    edges: List<'a, Edge, EdgeView<'a>>,
    artifacts: List<'a, Artifact, ArtifactView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mutations: Option<List<'a, Mutation, MutationView<'a>>>,
    child_runs: List<'a, RunSummary, SummaryView<'a>>,
    related_runs: List<'a, RunSummary, SummaryView<'a>>,
    linked_runs: List<'a, LinkedRun, LinkedView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pruned_runs: Option<List<'a, PrunedRun, PrunedView>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    critical_path: Option<PathView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<LeftOutView<'a>>,
    diagnostics: List<'a, Diagnostic, DiagnosticView<'a>>,
}
