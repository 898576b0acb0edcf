//! Ids: what they stand for, and how many digits of them to print.

use crate::failure::Failure;
use spanbridge::RunId;
use spanbridge_cli::render::escape;
use spanbridge_graph::{Graph, RunSummary};
use spanbridge_query::engine::IdPrefix;
use spanbridge_query::{Found, Id, Store};

/// What an id stands for, and its runs. An ambiguous id is a usage error whose message lists the candidates.
pub(super) fn find(store: &Store, id: &str) -> Result<(Id, Vec<RunId>), Failure> {
    match store.find(id)? {
        Found::One { what, run_ids } => Ok((what, run_ids)),
        Found::Ambiguous(candidates) => {
            let mut message = format!("find {id}: several ids begin with it");
            for c in &candidates {
                message.push_str(&format!("\n  {:<5}  {:<32}  {}", c.id.kind(), c.id.to_string(), escape(&c.name)));
            }
            if candidates.len() == Found::MAX_CANDIDATES {
                message.push_str("\n  … and perhaps more");
            }
            Err(Failure::Usage(message))
        }
        _ => Err(Failure::NotFound(match is_pruned(store, id)? {
            true => format!("find {id}: the run was pruned"),
            false => format!("find {id}: no run, trace or span has an id that begins with it"),
        })),
    }
}

/// Whether this is the id in full of a run that was pruned.
fn is_pruned(store: &Store, id: &str) -> Result<bool, Failure> {
    let whole = IdPrefix::parse(id)?.whole().and_then(RunId::new);
    Ok(whole.map(|run| store.is_pruned(run)).transpose()?.unwrap_or(false))
}

/// The runs of a whole trace, if the id is that of a trace: the given ones first, then the others by start, at most `limit`.
/// Otherwise the given ones.
pub(super) fn runs_of_trace(what: Id, run_ids: &[RunId], first: &Graph, limit: usize) -> Vec<RunId> {
    let is_trace = match what {
        Id::Trace(_) => true,
        // The id of a trace's own run is also the id of the trace.
        Id::Run(run) => first.run.trace_ids.iter().any(|t| RunId::of_trace(*t) == run),
        _ => false,
    };
    let mut ids = run_ids.to_vec();
    if is_trace {
        let mut runs: Vec<&RunSummary> = first.child_runs.iter().chain(&first.related_runs).collect();
        runs.sort_by_key(|r| (r.started_at, r.run_id));
        for run in runs {
            if !ids.contains(&run.run_id) && ids.len() < limit {
                ids.push(run.run_id);
            }
        }
    }
    ids.truncate(limit);
    ids
}

/// How many digits tell these runs apart: at least eight, as in the other commands.
pub(super) fn digits(ids: impl Iterator<Item = RunId>) -> usize {
    let mut ids: Vec<u128> = ids.map(RunId::get).collect();
    ids.sort_unstable();
    ids.dedup();
    let common = |pair: &[u128]| (pair[0] ^ pair[1]).leading_zeros() as usize / 4;
    ids.windows(2).map(common).max().map_or(8, |common| (common + 1).clamp(8, 32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_digits_as_tell_runs_apart() {
        let ids = |ids: &[u128]| digits(ids.iter().filter_map(|id| RunId::new(*id)));
        assert_eq!(ids(&[]), 8);
        assert_eq!(ids(&[1 << 100, 2 << 100]), 8);
        assert_eq!(ids(&[0x1234_5678_9a00 << 80, 0x1234_5678_9b00 << 80]), 10);
        assert_eq!(ids(&[1, 2, 2]), 32);
    }
}
