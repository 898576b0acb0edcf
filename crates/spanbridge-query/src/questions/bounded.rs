//! Reads graphs of runs of any size: small runs whole, and of very large ones a summary, from records that are never all in memory.

use crate::Result;
use crate::engine::Snapshot;
use crate::large::summary_of;
use spanbridge::RunId;
use spanbridge_graph::{Graph, GraphLimit};

/// How many runs are asked for at once.
const RUNS_AT_ONCE: usize = 256;

/// Runs with up to this many spans are read whole in any case, unless the limit is lower.
const SMALL: u64 = 1_000;

/// Several runs. Once the whole ones have four times as many spans as one may have alone, further ones are summarised, and less of
/// them is shown.
pub(crate) struct Reading {
    limit: GraphLimit,
    /// How many more spans may be read whole.
    left: u64,
}

impl Reading {
    /// Nothing is read yet.
    pub(crate) fn new(limit: &GraphLimit) -> Self {
        Self { limit: *limit, left: limit.whole.saturating_mul(4) }
    }

    /// Calls `each` with the graphs of these runs that have records, in any order.
    pub(crate) fn graphs(
        &mut self,
        snapshot: &dyn Snapshot,
        run_ids: &[RunId],
        each: &mut dyn FnMut(Graph) -> Result<()>,
    ) -> Result<()> {
        for chunk in run_ids.chunks(RUNS_AT_ONCE) {
            let (mut whole, mut large) = (Vec::with_capacity(chunk.len()), Vec::new());
            for run in chunk {
                match self.fits(snapshot, *run)? {
                    true => whole.push(*run),
                    false => large.push(*run),
                }
            }
            snapshot.records(&whole, &mut |run, records| each(Graph::build(run, &records)))?;
            for run in large {
                // What is left of the room decides how much is shown, too.
                let shown = if self.left == 0 { self.limit.shown / 8 } else { self.limit.shown };
                let graph = summary(snapshot, run, &self.limit.shown(shown))?;
                self.left = self.left.saturating_sub(shown as u64);
                graph.map_or(Ok(()), &mut *each)?;
            }
        }
        Ok(())
    }

    fn fits(&mut self, snapshot: &dyn Snapshot, run: RunId) -> Result<bool> {
        if self.limit.whole == u64::MAX {
            return Ok(true);
        }
        let size = snapshot.size(run)?;
        let fits = size <= self.limit.whole && (size <= self.left || size <= SMALL);
        if fits {
            self.left = self.left.saturating_sub(size);
        }
        Ok(fits)
    }
}

/// The graph of a run. `None` if it has no records.
pub(crate) fn read(snapshot: &dyn Snapshot, run_id: RunId, limit: &GraphLimit) -> Result<Option<Graph>> {
    let mut found = None;
    Reading::new(limit).graphs(snapshot, &[run_id], &mut |graph| {
        found = Some(graph);
        Ok(())
    })?;
    Ok(found)
}

/// The graph of a run of which a summary is wanted. `None` if it has no records.
fn summary(snapshot: &dyn Snapshot, run_id: RunId, limit: &GraphLimit) -> Result<Option<Graph>> {
    summary_of(run_id, limit, |each| {
        snapshot.pieces(&[run_id], &mut |_, records| {
            each(&records);
            Ok(())
        })
    })
}
