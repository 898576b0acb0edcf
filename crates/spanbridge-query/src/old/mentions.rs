//! Which runs mention an id: a trace, a parent run, or a linked trace.

use super::deliveries::Deliveries;
use super::row::{bad_directory, blob};
use crate::Result;
use crate::engine::Mention;
use spanbridge::RunId;
use spanbridge_graph::hash::Map;
use spanbridge_store::delivery::{IdPairs, RunIds};

/// The runs that mention one of these ids in this way, each with that id.
pub(super) fn mentions(deliveries: &Deliveries<'_>, mention: Mention, ids: &[u128]) -> Result<Vec<(u128, RunId)>> {
    let mut found = Vec::new();
    if ids.is_empty() || mention == Mention::Link && !deliveries.has_links {
        return Ok(found);
    }
    let sql = match mention {
        Mention::Trace => "SELECT id, traces, run_heads, run_tails FROM delivery WHERE length(traces) > 0",
        Mention::Parent => "SELECT id, parents, run_heads, run_tails FROM delivery WHERE length(parents) > 0",
        Mention::Link => "SELECT id, links, run_heads, run_tails FROM delivery WHERE length(links) > 0",
    };
    deliveries.each(sql, [], |_, row| {
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

/// What started each run.
pub(super) fn parents(deliveries: &Deliveries<'_>) -> Result<Map<RunId, RunId>> {
    let mut found = Map::default();
    let sql = "SELECT id, parents, run_heads, run_tails FROM delivery WHERE length(parents) > 0 ORDER BY id";
    deliveries.each(sql, [], |_, row| {
        let pairs = IdPairs::new(blob(row, 1)?).ok_or_else(bad_directory)?;
        let runs = RunIds::new(blob(row, 2)?, blob(row, 3)?).ok_or_else(bad_directory)?;
        for (parent, at) in pairs.iter() {
            if let (Some(run), Some(parent)) = (runs.get(at).ok_or_else(bad_directory)?, RunId::new(parent)) {
                found.entry(run).or_insert(parent);
            }
        }
        Ok(())
    })?;
    Ok(found)
}
