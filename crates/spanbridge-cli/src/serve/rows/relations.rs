//! Relations that are not part of the tree.

use super::order::Order;
use serde::Serialize;
use spanbridge::record::Endpoint;
use spanbridge::{RunId, SpanId, TraceId};
use spanbridge_graph::Graph;
use std::collections::HashSet;

/// What the relations say about single spans.
#[derive(Default)]
pub(super) struct Related {
    pub(super) retries: HashSet<SpanId>,
    pub(super) dead_lettered: HashSet<SpanId>,
    pub(super) dead_letters: HashSet<SpanId>,
}

impl Related {
    pub(super) fn of(graph: &Graph) -> Self {
        let mut all = Self::default();
        for edge in &graph.edges {
            let (Endpoint::Span { span_id: from, .. }, Endpoint::Span { span_id: to, .. }) = (&edge.from, &edge.to)
            else {
                continue;
            };
            match &*edge.edge_type {
                "retry.of" => drop(all.retries.insert(*from)),
                "dead_lettered.to" => {
                    all.dead_lettered.insert(*from);
                    all.dead_letters.insert(*to);
                }
                _ => {}
            }
        }
        all
    }
}

/// A relation. Its ends are rows where that is possible.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EdgeRow<'g> {
    edge_type: &'g str,
    from: End<'g>,
    to: End<'g>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    derived: bool,
}

#[derive(Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
enum End<'g> {
    Row { row: u32 },
    Span { trace_id: TraceId, span_id: SpanId },
    Run { run_id: RunId },
    Artifact { artifact_id: &'g str },
}

pub(super) fn edges<'g>(graph: &'g Graph, order: &Order) -> Vec<EdgeRow<'g>> {
    let end = |end: &'g Endpoint<'static>| match end {
        Endpoint::Span { trace_id, span_id } => match order.row(*span_id) {
            Some(row) => End::Row { row },
            None => End::Span { trace_id: *trace_id, span_id: *span_id },
        },
        Endpoint::Run(run_id) => End::Run { run_id: *run_id },
        Endpoint::Artifact(id) => End::Artifact { artifact_id: id },
        // Kinds of a newer core, which the graph does not hold.
        _ => End::Artifact { artifact_id: "" },
    };
    let edge = |edge: &'g spanbridge_graph::Edge| EdgeRow {
        edge_type: &edge.edge_type,
        from: end(&edge.from),
        to: end(&edge.to),
        derived: edge.derived,
    };
    graph.edges.iter().map(edge).collect()
}
