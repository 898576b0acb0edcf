//! Removing old runs from the engine of another crate.

use super::prune::{nanoseconds_now, prune};
use crate::engine::{Engine, Old, Removed};
use crate::engines::Engines;
use crate::index::prune::{OPEN_GRACE, Prune, PruneReport};
use crate::runs::RunFilter;
use crate::{Error, ErrorKind, Result, Store};
use spanbridge::RunId;
use spanbridge_graph::RunStatus;

/// As [`prune`], of a store that is open, whichever engine it has.
///
/// Engines of other crates keep records by days, so a run goes once nothing happened in it since the *beginning* of the day that was so
/// long ago: up to a day later than in a directory. What comes later of a run that went is [late](crate::Imported::Late), and is not
/// stored.
///
/// # Errors
/// As [`prune`]. [`ErrorKind::ReadOnly`]: the engine cannot remove runs, or not by size. After an error, do it again: it goes on.
pub fn prune_store(
    store: &mut Store,
    options: &Prune,
    mut after_step: impl FnMut(&PruneReport) -> bool,
) -> Result<PruneReport> {
    let path = store.reader.path.clone();
    match &mut store.reader.engine {
        Engines::Other(engine) => {
            prune_engine(&mut **engine, options, &mut after_step).map_err(|e| e.at("prune", &path))
        }
        _ => prune(&path, options, after_step),
    }
}

fn prune_engine(
    engine: &mut dyn Engine,
    options: &Prune,
    after_step: &mut dyn FnMut(&PruneReport) -> bool,
) -> Result<PruneReport> {
    if options.max_bytes.is_some() {
        let why = "go by its size: a database drops whole days, so say for how long runs are to be kept";
        return Err(Error::new(ErrorKind::ReadOnly, why));
    }
    let Some(age) = options.older_than else { return Ok(PruneReport::default()) };
    // So a run in which something happened within the last hour stays, too.
    let age = u64::try_from(age.max(OPEN_GRACE).as_nanos()).unwrap_or(u64::MAX);
    let mut old = Old::before(nanoseconds_now().saturating_sub(age));
    old.dry_run = options.dry_run;
    let (mut failed, mut suspended) = (Vec::new(), Vec::new());
    {
        let snapshot = engine.snapshot()?;
        // A run that began later is younger, too.
        let began_before = RunFilter { before: RunId::new(1).map(|first| (old.before, first)), ..RunFilter::default() };
        let kept = |status| -> Result<Vec<RunId>> {
            let rows = snapshot.runs(&began_before.clone().status(status), usize::MAX)?;
            Ok(rows.into_iter().map(|row| row.run_id).collect())
        };
        if options.keep_failed {
            failed = kept(RunStatus::Error)?;
        }
        if options.keep_suspended {
            suspended = kept(RunStatus::Suspended)?;
        }
    }
    suspended.sort_unstable();
    old.keep = [failed, suspended.clone()].concat();
    old.keep.sort_unstable();
    let report = |removed: &Removed| {
        let kept_suspended = removed.kept.iter().filter(|run| suspended.binary_search(run).is_ok()).count() as u64;
        PruneReport {
            runs: removed.runs,
            spans: removed.spans,
            bytes: removed.bytes,
            kept_failed: removed.kept.len() as u64 - kept_suspended,
            kept_suspended,
            kept_open: 0,
            bytes_left: removed.bytes_left,
        }
    };
    let removed = engine.prune(&old, &mut |removed| after_step(&report(removed)))?;
    Ok(report(&removed))
}
