//! Why a run failed.

use super::good::last_good;
use super::other_writers::add_other_writers;
use super::reach::Reach;
use crate::Result;
use crate::damage::Damage;
use crate::engine::Snapshot;
use spanbridge::RunId;
use spanbridge_graph::{Diff, DiffOptions, GraphLimit, LastGood, Note, Why};

/// Why these runs failed. `None` if none of them has records.
pub(crate) fn why(snapshot: &dyn Snapshot, run_ids: &[RunId], limit: &GraphLimit) -> Result<Option<Why>> {
    let reach = Reach::of(snapshot, run_ids, limit)?;
    let Some(mut why) = Why::of(&reach.graphs, run_ids) else { return Ok(None) };
    // Several runs that were asked about together are a trace, of which nobody knows the kind.
    if let ([graph, ..], [_]) = (&reach.graphs[..], run_ids)
        && let Some((_, good)) = last_good(snapshot, graph, limit)?
    {
        why.last_good = Diff::of(&good.graphs, &reach.graphs, &DiffOptions::default()).map(LastGood::new);
    }
    add_other_writers(snapshot, &mut why, &reach.graphs)?;
    why.notes.extend(never_settled(&why));
    why.notes.extend(reach.summarised().map(|message| Note::new("spans_not_read", message)));
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

/// What is missing is no step that failed. Another command says which it is.
fn never_settled(why: &Why) -> Option<Note> {
    let message = match why.run.failed_work.never_settled {
        0 => return None,
        1 => "1 message was".to_owned(),
        many => format!("{many} messages were"),
    };
    Some(Note::new("never_settled", format!("{message} never settled: spanbridge doctor {:.8}", why.run.run_id)))
}
