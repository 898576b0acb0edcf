//! The run itself and the runs that it is connected with, as in the graph.

use serde::Serialize;
use serde_json::{Map, Value};
use spanbridge_graph::Graph;

/// How many runs of each relation are sent.
const MAX_RUNS: usize = 1000;

/// The fields of the graph that are not about spans, and how many runs are left out of each list.
#[derive(Serialize)]
pub(super) struct Others {
    #[serde(flatten)]
    fields: Map<String, Value>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    more: Map<String, Value>,
}

impl Others {
    pub(super) fn of(graph: &Graph) -> Self {
        let mut rest = Graph::new(graph.run.clone());
        let mut more = Map::new();
        rest.child_runs = first(&graph.child_runs, "childRuns", &mut more);
        rest.related_runs = first(&graph.related_runs, "relatedRuns", &mut more);
        rest.linked_runs = first(&graph.linked_runs, "linkedRuns", &mut more);
        rest.pruned_runs = first(&graph.pruned_runs, "prunedRuns", &mut more);
        rest.diagnostics = first(&graph.diagnostics, "diagnostics", &mut more);
        let Value::Object(mut fields) = rest.to_json() else { return Others { fields: Map::new(), more } };
        for name in ["schemaVersion", "spans", "edges", "artifacts"] {
            fields.remove(name);
        }
        Others { fields, more }
    }
}

fn first<T: Clone>(all: &[T], name: &str, more: &mut Map<String, Value>) -> Vec<T> {
    if all.len() > MAX_RUNS {
        more.insert(name.to_owned(), (all.len() - MAX_RUNS).into());
    }
    all.iter().take(MAX_RUNS).cloned().collect()
}
