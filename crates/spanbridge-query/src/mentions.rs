//! Which runs mention an id: a trace, a parent run, or a linked trace.

use crate::Result;
use crate::row::{bad_directory, blob};
use crate::snapshot::Snapshot;
use spanbridge::RunId;
use spanbridge_store::delivery::{IdPairs, RunIds};

/// A column of the directory with pairs of an id and a run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum IdColumn {
    /// Traces other than the run's own.
    Traces,
    /// Parent runs.
    Parents,
    /// Traces that spans of the run link to, other than the run's own.
    Links,
}

/// The runs that mention one of these ids in this column, each with that id.
pub(crate) fn mentions(snapshot: &Snapshot<'_>, column: IdColumn, ids: &[u128]) -> Result<Vec<(u128, RunId)>> {
    let mut found = Vec::new();
    if ids.is_empty() {
        return Ok(found);
    }
    let sql = match column {
        IdColumn::Traces => "SELECT id, traces, run_heads, run_tails FROM delivery WHERE length(traces) > 0",
        IdColumn::Parents => "SELECT id, parents, run_heads, run_tails FROM delivery WHERE length(parents) > 0",
        IdColumn::Links => "SELECT id, links, run_heads, run_tails FROM delivery WHERE length(links) > 0",
    };
    snapshot.deliveries(sql, [], |_, row| {
        let pairs = IdPairs::new(blob(row, 1)?).ok_or_else(bad_directory)?;
        for (id, at) in ids.iter().flat_map(|id| pairs.within(*id..=*id)) {
            let runs = RunIds::new(blob(row, 2)?, blob(row, 3)?).ok_or_else(bad_directory)?;
            found.extend(runs.get(at).ok_or_else(bad_directory)?.map(|run| (id, run)));
        }
        Ok(())
    })?;
    found.sort_unstable();
    found.dedup();
    Ok(found)
}
