//! A run as it is read for a replay: with the runs that it started, and the processes that recorded them.

use super::belonging::{Processes, is_handler};
use super::case;
use crate::answers::NoAnswer;
use spanbridge::{RunId, SpanId, semconv};
use spanbridge_graph::{Graph, GraphLimit};
use spanbridge_query::Store;
use spanbridge_replay::{Case, Run};
use std::collections::HashMap;

/// How many spans a run may have, and the runs that it started together: each takes about 1.5 KB of memory.
const MAX_SPANS: u64 = 200_000;

/// How many runs that it started are read.
const MAX_CHILD_RUNS: usize = 500;

/// A run, with those that it started in its tree.
pub(super) struct RecordedRun {
    pub(super) graph: Graph,
    pub(super) processes: Processes,
    /// Where the artifacts of each span are.
    artifacts: HashMap<SpanId, Vec<usize>>,
}

impl RecordedRun {
    pub(super) fn read(store: &Store, run_id: RunId) -> Result<Option<Self>, NoAnswer> {
        let Some(mut graph) = store.within(GraphLimit::default().whole(MAX_SPANS)).graph(run_id)? else {
            return Ok(None);
        };
        if let Some(left_out) = &graph.left_out {
            let (of, spans) = (graph.run.run_id, left_out.spans);
            let why = format!("read the run {of} for a replay: it has {spans} spans, and at most {MAX_SPANS} are read");
            return Err(NoAnswer::NotFound(why));
        }
        let children = store.descendants(run_id, MAX_CHILD_RUNS, MAX_SPANS)?;
        let mut processes = Processes::default();
        std::iter::once(&graph).chain(&children.graphs).for_each(|graph| processes.add(&graph.run));
        graph.inline(children.graphs);
        let mut artifacts: HashMap<SpanId, Vec<usize>> = HashMap::new();
        for (place, artifact) in graph.artifacts.iter().enumerate() {
            artifacts.entry(artifact.span_id).or_default().push(place);
        }
        Ok(Some(Self { graph, processes, artifacts }))
    }

    /// Where this span is.
    pub(super) fn place(&self, span: SpanId) -> Option<usize> {
        self.graph.spans.iter().position(|of| of.span_id == span)
    }

    /// The handlers, by their places.
    pub(super) fn handlers(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.graph.spans.len()).filter(|at| is_handler(&self.graph.spans[*at]))
    }

    /// Why the handler at this place cannot be run again. `None`: it can.
    pub(super) fn obstacle(&self, at: usize) -> Option<String> {
        let span = &self.graph.spans[at];
        let mut entry = spanbridge_replay::Span::new(span.span_id, &*span.name, &*span.primitive);
        if let Some(size) = span.attribute(semconv::MESSAGING_BODY_SIZE) {
            entry.attributes.insert(semconv::MESSAGING_BODY_SIZE.to_owned(), size.clone());
        }
        let mut case = Case::new(Run::new(span.run_id, ""), entry);
        let own = self.artifacts.get(&span.span_id).into_iter().flatten();
        case.artifacts = own.map(|place| case::artifact(&self.graph.artifacts[*place])).collect();
        case.obstacle()
    }

    /// The work of the handler at this place.
    pub(super) fn case(&self, at: usize) -> Case {
        case::of(&self.graph, at, &self.processes)
    }

    /// Adds the work of the span at this place below another one.
    pub(super) fn add_to(&self, case: &mut Case, above: SpanId, at: usize) {
        case::add_below(case, above, &self.graph, at, &self.processes);
    }
}
