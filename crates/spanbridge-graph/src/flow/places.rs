//! Where the graph of each run is.

use crate::hash::Map;
use crate::model::Graph;
use spanbridge::RunId;
use std::cell::OnceCell;

/// The places of graphs by their runs. The graphs are gone through once, when the first run is looked up.
pub(super) struct Places<'a, 'g> {
    graphs: &'a [&'g Graph],
    found: OnceCell<Map<RunId, usize>>,
    /// How many graphs and runs were looked at.
    #[cfg(test)]
    pub(super) steps: std::cell::Cell<usize>,
}

impl<'a, 'g> Places<'a, 'g> {
    pub(super) fn of(graphs: &'a [&'g Graph]) -> Self {
        Places {
            graphs,
            found: OnceCell::new(),
            #[cfg(test)]
            steps: std::cell::Cell::new(0),
        }
    }

    /// The first graph of this run.
    pub(super) fn get(&self, run: RunId) -> Option<usize> {
        self.count();
        let places = || self.graphs.iter().enumerate().rev();
        let found = || places().inspect(|_| self.count()).map(|(place, graph)| (graph.run.run_id, place)).collect();
        self.found.get_or_init(found).get(&run).copied()
    }

    fn count(&self) {
        #[cfg(test)]
        self.steps.set(self.steps.get() + 1);
    }
}
