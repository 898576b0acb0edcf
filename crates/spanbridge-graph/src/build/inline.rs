//! Child runs inside the graph of the run that caused them.

use crate::hash::{Map, Set};
use crate::model::Graph;
use spanbridge::{RunId, SpanId};

impl Graph {
    /// Puts the spans of these runs below the spans that started them, also of runs that one of them started. What is about a
    /// child run itself (its name, its status) stays in `child_runs`, to which those of the children are added. Returns the runs
    /// that have no place here: the span that started them is not recorded, or they have no spans.
    ///
    /// ```
    /// # use spanbridge_graph::Graph;
    /// # fn show(mut order: Graph, shipping: Graph) {
    /// let without_place = order.inline(vec![shipping]);
    /// assert!(without_place.is_empty());
    /// # }
    /// ```
    pub fn inline(&mut self, runs: Vec<Graph>) -> Vec<Graph> {
        let mut places: Map<SpanId, usize> = self.spans.iter().enumerate().map(|(at, s)| (s.span_id, at)).collect();
        let mut known: Set<RunId> = [self.run.run_id].into_iter().collect();
        let mut waiting: Map<SpanId, Vec<Graph>> = Map::default();
        let (mut ready, mut without_place) = (Vec::new(), Vec::new());
        for run in runs {
            match run.run.triggered_by_span_id {
                _ if run.spans.is_empty() || !known.insert(run.run.run_id) => without_place.push(run),
                Some(by) => match places.get(&by) {
                    Some(at) => ready.push((*at, run)),
                    None => waiting.entry(by).or_default().push(run),
                },
                None => without_place.push(run),
            }
        }
        ready.reverse();
        while let Some((above, run)) = ready.pop() {
            let first = self.spans.len();
            for (at, span) in run.spans.iter().enumerate() {
                places.entry(span.span_id).or_insert(first + at);
                for run in waiting.remove(&span.span_id).into_iter().flatten() {
                    ready.push((first + at, run));
                }
            }
            self.append(above, run);
        }
        let mut listed = Set::default();
        self.child_runs.retain(|child| listed.insert(child.run_id));
        let mut rest: Vec<Graph> = waiting.into_values().flatten().collect();
        rest.sort_by_key(|graph| (graph.run.started_at, graph.run.run_id));
        without_place.append(&mut rest);
        without_place
    }

    fn append(&mut self, above: usize, run: Graph) {
        let (first, depth) = (self.spans.len(), self.spans[above].depth + 1);
        self.spans.extend(run.spans.into_iter().map(|mut span| {
            match span.parent {
                Some(parent) => span.parent = Some(first + parent),
                // One whose parent is missing stands with the others of its run.
                None => (span.parent, span.orphan) = (Some(above), false),
            }
            span.depth += depth;
            span
        }));
        self.add_edges(run.edges);
        self.artifacts.extend(run.artifacts);
        self.mutations.extend(run.mutations);
        self.diagnostics.extend(run.diagnostics);
        for child in self.child_runs.iter_mut().filter(|child| child.run_id == run.run.run_id) {
            child.suspensions.clone_from(&run.run.suspensions);
        }
        self.child_runs.extend(run.child_runs);
    }
}
