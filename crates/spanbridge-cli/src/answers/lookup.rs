//! What an id stands for.

use super::no_answer::NoAnswer;
use spanbridge::RunId;
use spanbridge_graph::{Graph, RunSummary};
use spanbridge_query::engine::IdPrefix;
use spanbridge_query::{ErrorKind, Found, Id, Store};

/// What an id stands for, and its runs: at least one.
///
/// # Errors
/// [`NoAnswer::Ambiguous`], [`NoAnswer::NotFound`] and [`NoAnswer::NotAnId`], and if the store cannot be read.
pub fn find(store: &Store, id: &str) -> Result<(Id, Vec<RunId>), NoAnswer> {
    let found = store.find(id).map_err(|error| match error.kind() {
        ErrorKind::InvalidId => NoAnswer::NotAnId { id: id.to_owned(), error },
        _ => error.into(),
    })?;
    match found {
        Found::One { what, run_ids } if run_ids.is_empty() => {
            Err(NoAnswer::NotFound(format!("read the run of {what}: it is no longer in the store")))
        }
        Found::One { what, run_ids } => Ok((what, run_ids)),
        Found::Ambiguous(candidates) => Err(NoAnswer::Ambiguous { id: id.to_owned(), candidates }),
        _ => Err(NoAnswer::NotFound(match is_pruned(store, id)? {
            true => format!("find {id}: the run was pruned"),
            false => format!("find {id}: no run, trace or span has an id that begins with it"),
        })),
    }
}

/// The run that an id stands for; for a trace, its first one.
///
/// # Errors
/// As [`find`].
pub fn run_of(store: &Store, id: &str) -> Result<RunId, NoAnswer> {
    find(store, id)?.1.first().copied().ok_or_else(|| gone(id))
}

/// A run that was found, and was removed since.
pub(super) fn gone(id: &str) -> NoAnswer {
    NoAnswer::NotFound(format!("read the run of {id}: it is no longer in the store"))
}

/// Whether this is the id in full of a run that was pruned.
fn is_pruned(store: &Store, id: &str) -> Result<bool, NoAnswer> {
    let whole = IdPrefix::parse(id)?.whole().and_then(RunId::new);
    Ok(whole.map(|run| store.is_pruned(run)).transpose()?.unwrap_or(false))
}

/// The runs of a whole trace, if the id is that of a trace: the given ones first, then the others by start, at most `limit`.
/// Otherwise the given ones.
pub fn runs_of_trace(what: Id, run_ids: &[RunId], first: &Graph, limit: usize) -> Vec<RunId> {
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
