//! How two runs differ.

use super::lookup::run_of;
use super::no_answer::NoAnswer;
use spanbridge::RunId;
use spanbridge_graph::{Diff, DiffOptions};
use spanbridge_query::Within;

/// How the right run differs from the left one.
///
/// # Errors
/// If one of them is no longer stored, or the store cannot be read.
pub fn diff<'s>(
    store: impl Into<Within<'s>>,
    left: RunId,
    right: RunId,
    options: &DiffOptions,
) -> Result<Diff, NoAnswer> {
    let gone = || NoAnswer::NotFound("read the runs: one of them is no longer in the store".to_owned());
    store.into().diff(left, right, options)?.ok_or_else(gone)
}

/// The last good run of the same kind before the one that this id stands for, and that one.
///
/// # Errors
/// If there is none, or the store cannot be read.
pub fn last_good<'s>(store: impl Into<Within<'s>>, id: &str) -> Result<(RunId, RunId), NoAnswer> {
    let within = store.into();
    let run = run_of(within.store(), id)?;
    let none = || {
        NoAnswer::NotFound(format!(
            "find a good run before {id}: no earlier run of its kind ended as ok without a failure"
        ))
    };
    Ok((within.last_good(run)?.ok_or_else(none)?, run))
}
