//! Folding logs into the index.

use super::location::directory;
use crate::Result;
use crate::index::{FoldBudget, FoldReport, Index};
use std::path::Path;
use std::time::Duration;

/// How long to wait for others who fold.
const PAUSE: Duration = Duration::from_millis(50);

/// Folds what the logs have, as far as the budget goes, and removes the logs that are not needed any more. While others fold, it
/// waits. Says what it did after each step, and ends early if that answers `false`.
///
/// # Errors
/// If there is no store, or its index cannot be written. What was folded before stays.
pub fn compact(
    path: impl AsRef<Path>,
    budget: FoldBudget,
    mut after_step: impl FnMut(&FoldReport) -> bool,
) -> Result<FoldReport> {
    let path = path.as_ref();
    let directory = directory(path)?;
    let mut fold = || {
        let index = Index::open(&directory)?;
        let mut all = FoldReport::default();
        loop {
            let (mut goes_on, before) = (true, all.clone());
            let report = index.fold(budget, |report| {
                goes_on = after_step(&sum(&before, report));
                goes_on
            })?;
            all = sum(&before, &report);
            if !report.is_busy || !goes_on {
                return Ok(all);
            }
            std::thread::sleep(PAUSE);
        }
    };
    fold().map_err(|e: crate::Error| e.at("compact", path))
}

fn sum(before: &FoldReport, more: &FoldReport) -> FoldReport {
    let mut all = more.clone();
    all.steps += before.steps;
    all.frames += before.frames;
    all.spans += before.spans;
    all.bytes += before.bytes;
    all.written += before.written;
    all.repeated += before.repeated;
    all.conflicts += before.conflicts;
    all.removed += before.removed;
    all
}
