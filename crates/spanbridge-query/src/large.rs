//! Very large runs: their records are read in pieces, twice, and never all in memory.

use crate::Result;
use crate::runs::RunRow;
use spanbridge::RunId;
use spanbridge::record::Record;
use spanbridge_graph::{Graph, GraphLimit, Survey};

/// Takes some records of a run.
pub(crate) type EachPiece<'e> = dyn FnMut(&[Record<'_>]) + 'e;

/// The row of a very large run. Called twice, `read` gives all of its records. `None` if it has none.
pub(crate) fn row_of(run_id: RunId, read: impl FnMut(&mut EachPiece<'_>) -> Result<()>) -> Result<Option<RunRow>> {
    let graph = summary_of(run_id, &GraphLimit::default(), read)?;
    Ok(graph.map(|graph| RunRow::of_summary(&graph)))
}

/// Whether the row of a run with so many spans is made without all of its records in memory.
pub(crate) fn is_large(spans: u64) -> bool {
    spans > GraphLimit::default().whole
}

/// A graph of a very large run. Called twice, `read` gives all of its records. `None` if it has none.
pub(crate) fn summary_of(
    run_id: RunId,
    limit: &GraphLimit,
    mut read: impl FnMut(&mut EachPiece<'_>) -> Result<()>,
) -> Result<Option<Graph>> {
    let mut survey = Survey::new(run_id);
    read(&mut |records| records.iter().for_each(|record| survey.add(record)))?;
    if survey.spans() == 0 {
        return Ok(None);
    }
    let mut selection = survey.select(limit);
    read(&mut |records| records.iter().for_each(|record| selection.add(record)))?;
    Ok(Some(selection.graph()))
}
