//! Questions about runs of any size, in bounded memory.

use super::Store;
use crate::Result;
use crate::questions::{diff, graph, why};
use spanbridge::RunId;
use spanbridge_graph::{Diff, DiffOptions, Graph, GraphLimit, Why};

/// Asks about runs of any size. See [`Store::within`].
#[derive(Clone, Copy, Debug)]
pub struct Within<'s> {
    store: &'s Store,
    limit: GraphLimit,
}

impl Store {
    /// The same questions in bounded memory: a run with more spans than [`GraphLimit::whole`] is not read whole. Of such a run a
    /// graph shows failures, the longest parts of the critical path, the slowest spans and the first levels, and says what it does
    /// not show ([`Graph::left_out`]). `why` and `diff` look at about ten times as many of its spans as a graph shows.
    ///
    /// ```no_run
    /// use spanbridge_graph::GraphLimit;
    /// # fn show(store: &spanbridge_query::Store, run_id: spanbridge::RunId) -> Result<(), spanbridge_query::Error> {
    /// if let Some(graph) = store.within(GraphLimit::default()).graph(run_id)? {
    ///     let spans = graph.left_out.as_ref().map_or(graph.spans.len() as u64, |left_out| left_out.spans);
    ///     println!("{} of {spans} spans", graph.spans.len());
    /// }
    /// # Ok(()) }
    /// ```
    pub fn within(&self, limit: GraphLimit) -> Within<'_> {
        Within { store: self, limit }
    }
}

/// With the default limit.
impl<'s> From<&'s Store> for Within<'s> {
    fn from(store: &'s Store) -> Self {
        store.within(GraphLimit::default())
    }
}

impl<'s> Within<'s> {
    /// How many times as many spans are looked at where they are not shown.
    const MORE: usize = 10;

    /// The store that is asked.
    pub fn store(&self) -> &'s Store {
        self.store
    }

    /// As [`Store::graph`].
    pub fn graph(&self, run_id: RunId) -> Result<Option<Graph>> {
        self.store.reader.read(|snapshot| graph::graph(snapshot, run_id, &self.limit))
    }

    /// As [`Store::why`]. A [note](Why::notes) says if not all spans of a run were looked at. Failures are looked at first: those
    /// at which others began, and of equal ones a few.
    pub fn why(&self, run_ids: &[RunId]) -> Result<Option<Why>> {
        self.store.reader.read(|snapshot| why::why(snapshot, run_ids, &self.looked_at()))
    }

    /// As [`Store::diff`]. Of runs that are not read whole, what is in their graphs is compared; a [note](Diff::notes) says so.
    pub fn diff(&self, left: RunId, right: RunId, options: &DiffOptions) -> Result<Option<Diff>> {
        self.store.reader.read(|snapshot| diff::diff(snapshot, left, right, options, &self.looked_at()))
    }

    /// As [`Store::last_good`].
    pub fn last_good(&self, run_id: RunId) -> Result<Option<RunId>> {
        self.store.reader.read(|snapshot| diff::last_good(snapshot, run_id, &self.looked_at()))
    }

    fn looked_at(&self) -> GraphLimit {
        self.limit.shown(self.limit.shown.saturating_mul(Self::MORE))
    }
}
