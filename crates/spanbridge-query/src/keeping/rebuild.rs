//! Making the index again.

use super::compact::compact;
use super::location::directory;
use crate::Result;
use crate::engine::Engine;
use crate::index::{FoldBudget, FoldReport, Index, upkeep};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// What a new index has, and what it lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RebuildReport {
    /// The store with the index as it was, if there was one. What can be read there can be imported.
    pub put_aside: Option<PathBuf>,
    /// Runs in the new index.
    pub runs: u64,
    /// Spans that were folded.
    pub spans: u64,
    /// Runs that only the old index has. `None`: it cannot be read.
    pub missing: Option<u64>,
}

/// Puts the index aside and makes another from the logs that are there. Runs whose logs were removed after they were folded are in
/// the old index alone.
///
/// # Errors
/// [`ErrorKind::Busy`](crate::ErrorKind::Busy) if another process has the index open.
pub fn rebuild(path: impl AsRef<Path>, after_step: impl FnMut(&FoldReport) -> bool) -> Result<RebuildReport> {
    let path = path.as_ref();
    let directory = directory(path)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let aside = upkeep::put_aside(&directory, &format!("replaced-{now}"));
    let put_aside = aside.map_err(|e| e.at("put aside the index of", path))?;
    let folded = compact(path, FoldBudget::everything(), after_step)?;
    let count = || {
        let index = Index::open(&directory)?;
        let all = index.snapshot()?.started(0..=u64::MAX, crate::engine::Order::OldestFirst, usize::MAX)?;
        let runs: std::collections::HashSet<_> = all.into_iter().map(|(_, run)| run).collect();
        if let Some(aside) = &put_aside {
            upkeep::note_missing_changes(&index, &aside.join("index.db"), |run| runs.contains(&run))?
        }
        let old = put_aside.as_ref().map(|aside| upkeep::runs_in(&aside.join("index.db"))).transpose();
        let missing = match old {
            Ok(old) => Some(old.iter().flatten().filter(|run| !runs.contains(*run)).count() as u64),
            Err(_) => None,
        };
        let put_aside = put_aside.clone();
        Ok(RebuildReport { put_aside, runs: runs.len() as u64, spans: folded.spans, missing })
    };
    count().map_err(|e: crate::Error| e.at("read", path))
}
