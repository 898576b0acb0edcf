//! Why a run failed.

use super::good::last_good;
use super::reach::Reach;
use crate::Result;
use crate::damage::Damage;
use crate::engine::Snapshot;
use spanbridge::RunId;
use spanbridge_graph::{Diff, DiffOptions, LastGood, Note, Why};

/// Why these runs failed. `None` if none of them has records.
pub(crate) fn why(snapshot: &dyn Snapshot, run_ids: &[RunId]) -> Result<Option<Why>> {
    let reach = Reach::of(snapshot, run_ids)?;
    let Some(mut why) = Why::of(&reach.graphs, run_ids) else { return Ok(None) };
    // Several runs that were asked about together are a trace, of which nobody knows the kind.
    if let ([graph, ..], [_]) = (&reach.graphs[..], run_ids)
        && let Some((_, good)) = last_good(snapshot, graph)?
    {
        why.last_good = Diff::of(&good.graphs, &reach.graphs, &DiffOptions::default()).map(LastGood::new);
    }
    if reach.left_out > 0 {
        let runs = if reach.left_out == 1 { "run" } else { "runs" };
        let message =
            format!("{} more connected {runs} were not read, so failures in them are not known", reach.left_out);
        why.notes.push(Note::new("runs_not_read", message));
    }
    let mut damage = Damage::default();
    damage.add(snapshot.damaged());
    why.notes.extend(damage.diagnostic().map(|damage| Note::new("records_missing", damage.message)));
    Ok(Some(why))
}
