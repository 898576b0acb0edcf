//! Everything about one span.

use serde::Serialize;
use serde_json::Value;
use spanbridge::SpanId;
use spanbridge::record::{Endpoint, SCHEMA_VERSION};
use spanbridge_graph::{Edge, Gap, Graph, SpanTimes};

/// Everything about one span, with the words of the graph.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SpanDetails<'g> {
    schema_version: u32,
    span: Value,
    artifacts: Value,
    edges: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    mutations: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gaps: Option<Vec<&'g Gap>>,
}

impl<'g> SpanDetails<'g> {
    /// A span of a graph, also of a child run that is inline. `None` if the graph does not have it.
    pub fn of(graph: &Graph, span_id: SpanId) -> Option<Self> {
        let place = graph.spans.iter().position(|span| span.span_id == span_id)?;
        let span = &graph.spans[place];
        let ids: Vec<&str> = {
            let own = graph.artifacts.iter().filter(|artifact| artifact.span_id == span_id);
            own.map(|artifact| artifact.artifact_id.as_str()).collect()
        };
        let is_it = |end: &Endpoint<'_>| match end {
            Endpoint::Span { span_id, trace_id } => (*span_id, *trace_id) == (span.span_id, span.trace_id),
            Endpoint::Artifact(id) => ids.contains(&&**id),
            _ => false,
        };
        let mut around = Graph::new(graph.run.clone());
        let concerned = |edge: &&Edge| is_it(&edge.from) || is_it(&edge.to);
        around.edges = graph.edges.iter().filter(concerned).cloned().collect();
        around.artifacts = graph.artifacts.iter().filter(|artifact| artifact.span_id == span_id).cloned().collect();
        let own = graph.mutations.iter().filter(|mutation| mutation.span_id == Some(span_id));
        let mutations: Vec<Value> = own.map(|mutation| mutation.to_json()).collect();
        let mut fields = around.to_json();
        let times = SpanTimes::of(graph).get(place).copied().unwrap_or_default();
        Some(SpanDetails {
            schema_version: SCHEMA_VERSION,
            span: span.to_json(&times),
            artifacts: fields["artifacts"].take(),
            edges: fields["edges"].take(),
            mutations: (!mutations.is_empty()).then(|| mutations.into()),
            gaps: None,
        })
    }

    /// Adds what `doctor` found about it.
    pub fn findings(self, gaps: &'g [Gap]) -> Self {
        let id = self.span["spanId"].as_str().unwrap_or_default().to_owned();
        let own = gaps.iter().filter(|gap| gap.span_id.is_some_and(|span| span.to_string() == id));
        SpanDetails { gaps: Some(own.collect()), ..self }
    }
}
