//! What was recorded.

use super::forest::Forest;
use crate::{Graph, Span, run_of};
use spanbridge::RunId;
use spanbridge::record::Record;
use std::collections::HashMap;
use std::fmt;

/// What a block recorded, and what it returned.
pub struct Recorded<R> {
    /// What the block returned.
    pub output: R,
    records: Vec<Record<'static>>,
    graphs: Vec<Graph>,
    shown: Vec<String>,
    sorted: bool,
}

impl<R> Recorded<R> {
    pub(super) fn new(output: R, records: Vec<Record<'static>>, shown: Vec<String>, sorted: bool) -> Self {
        Recorded { output, graphs: graphs(&records), records, shown, sorted }
    }

    /// The spans as text, to compare or to snapshot: see the [module](super). Every line ends with a line break. Empty if
    /// nothing was recorded.
    pub fn tree(&self) -> String {
        Forest::of(&self.graphs, &self.records, &self.shown).text(self.sorted)
    }

    /// All spans. Those of a run stand together, parents before children.
    pub fn spans(&self) -> impl Iterator<Item = &Span> {
        self.graphs.iter().flat_map(|graph| &graph.spans)
    }

    /// The only span with this name.
    ///
    /// # Panics
    /// If there is none, or more than one; with the tree.
    #[track_caller]
    pub fn span(&self, name: &str) -> &Span {
        let mut named = self.spans().filter(|span| span.name == name);
        match (named.next(), named.count()) {
            (Some(span), 0) => span,
            (None, _) => panic!("no span is named {name:?}:\n{}", self.tree()),
            (Some(_), more) => panic!("{} spans are named {name:?}:\n{}", more + 1, self.tree()),
        }
    }

    /// A graph for each run, by start. What follows only from other runs is left empty: [`Graph::build`].
    pub fn graphs(&self) -> &[Graph] {
        &self.graphs
    }

    /// The records, in the order of delivery.
    pub fn records(&self) -> &[Record<'static>] {
        &self.records
    }
}

/// Shows what the block returned, and the spans.
impl<R: fmt::Debug> fmt::Debug for Recorded<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tree = self.tree();
        let lines: Vec<&str> = tree.lines().collect();
        f.debug_struct("Recorded").field("output", &self.output).field("tree", &lines).finish_non_exhaustive()
    }
}

fn graphs(records: &[Record<'static>]) -> Vec<Graph> {
    let mut places: HashMap<RunId, usize> = HashMap::new();
    let mut runs: Vec<(RunId, Vec<Record<'_>>)> = Vec::new();
    for record in records {
        let Some(run_id) = run_of(record) else { continue };
        let place = *places.entry(run_id).or_insert_with(|| {
            runs.push((run_id, Vec::new()));
            runs.len() - 1
        });
        runs[place].1.push(record.clone());
    }
    let mut graphs: Vec<Graph> = runs.iter().map(|(run_id, records)| Graph::build(*run_id, records)).collect();
    graphs.sort_by_key(|graph| graph.run.started_at); // stable: if two began at once, the one recorded first comes first
    graphs
}
