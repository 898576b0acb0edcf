//! Checking a store.

mod index;
mod logs;
mod report;

pub use report::{CheckReport, IndexTotals, LogTotals, Problem, Progress};

use super::location::directory;
use crate::index::Index;
use crate::{ErrorKind, Result};
use std::path::Path;

/// Reads everything that a store has: every frame of every log, every block of the index, and the records of every run, which
/// must say what the list of runs says. Others may write meanwhile.
///
/// # Errors
/// If there is no store, or it cannot be read at all. What is wrong with it is in the report.
pub fn check(path: impl AsRef<Path>, mut progress: impl FnMut(Progress)) -> Result<CheckReport> {
    let path = path.as_ref();
    let directory = directory(path)?;
    let mut report = CheckReport::default();
    let index = match Index::open(&directory) {
        Ok(index) => Some(index),
        Err(e) if matches!(e.kind(), ErrorKind::Corrupt | ErrorKind::NotAStore | ErrorKind::NewerFormat) => {
            report.add(index::unusable(&e.at("open", &directory)));
            None
        }
        Err(e) => return Err(e.at("open", &directory)),
    };
    let check = || {
        // Before the logs, which only grow: so a watermark is never ahead of what is read.
        let folded = index.as_ref().map(Index::folded_to).transpose()?.unwrap_or_default();
        logs::check(&directory, &folded, &mut report, &mut progress)?;
        if let Some(index) = &index {
            index::check(index, &mut report, &mut progress)?;
        }
        Ok(report)
    };
    check().map_err(|e: crate::Error| e.at("check", path))
}
