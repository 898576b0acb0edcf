//! Removing old runs.

use super::compact::compact;
use super::location::directory;
use crate::Result;
use crate::index::prune::{Prune, PruneReport};
use crate::index::{FoldBudget, Index};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Removes runs. First it folds what the logs have. Says what it did after each transaction, and ends early if that answers
/// `false`; what was removed by then stays removed.
///
/// A run without an end in which something happened within [`OPEN_GRACE`](super::OPEN_GRACE) is never removed.
///
/// # Errors
/// [`ErrorKind::Busy`](crate::ErrorKind::Busy) if others kept the index locked, [`ErrorKind::Io`](crate::ErrorKind::Io) if the
/// directory cannot be written.
pub fn prune(
    path: impl AsRef<Path>,
    prune: &Prune,
    after_step: impl FnMut(&PruneReport) -> bool,
) -> Result<PruneReport> {
    let path = path.as_ref();
    compact(path, FoldBudget::everything(), |_| true)?;
    let directory = directory(path)?;
    let run = || Index::open(&directory)?.prune(prune, nanoseconds_now(), after_step);
    run().map_err(|e| e.at("prune", path))
}

/// Since the Unix epoch.
pub(super) fn nanoseconds_now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
}
