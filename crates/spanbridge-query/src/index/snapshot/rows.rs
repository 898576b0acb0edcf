//! The row of a run, from the index and from what is not folded.

use super::super::fold::rows::find;
use super::super::run::FoldedRun;
use super::super::view::TextTotals;
use super::IndexSnapshot;
use crate::large::{self, is_large};
use crate::runs::RunRow;
use crate::{Error, Result};
use spanbridge::RunId;
use spanbridge_graph::RunStatus;
use spanbridge_store::delivery::StatusFromTotals;
use std::sync::Arc;

impl IndexSnapshot<'_> {
    /// The row of a run. `None`: it is not stored.
    pub(super) fn row(&self, run_id: RunId) -> Result<Option<RunRow>> {
        if self.view.runs.contains_key(&run_id) {
            return self.fresh_row(run_id, RunRow::clone).map(Some);
        }
        find(&self.transaction, run_id)?.map(|run| self.folded_row(&run)).transpose()
    }

    /// Looks at the row of a run that has records that are not folded.
    pub(super) fn fresh_row<T>(&self, run_id: RunId, look: impl FnOnce(&RunRow) -> T) -> Result<T> {
        let unsettled = self.made_row(run_id, |row| (!row.unsettled.messages.is_empty()).then(|| row.clone()))?;
        match unsettled {
            Some(mut row) => {
                self.judge(&mut row)?;
                Ok(look(&row))
            }
            None => self.made_row(run_id, look),
        }
    }

    /// Looks at the row as it was made, which is done once.
    pub(super) fn made_row<T>(&self, run_id: RunId, look: impl FnOnce(&RunRow) -> T) -> Result<T> {
        if let Some(known) = self.view.rows.borrow().get(&run_id) {
            return Ok(look(known));
        }
        let row = self.merged_row(run_id, find(&self.transaction, run_id)?.as_ref())?;
        let seen = look(&row);
        self.view.rows.borrow_mut().insert(run_id, row);
        Ok(seen)
    }

    /// The row of a run that is in the index alone.
    pub(super) fn folded_row(&self, run: &FoldedRun) -> Result<RunRow> {
        let mut names = self.names.borrow_mut();
        let totals = run.totals(Vec::new())?;
        let name = if run.name == 0 { Arc::from("") } else { names.text(&self.transaction, run.name)? };
        let mut row = RunRow::new(run.run_id, &*name, run.status, run.started_at);
        for service in names.set(&self.transaction, run.services)?.iter() {
            row.services.push(names.text(&self.transaction, *service)?.to_string());
        }
        row.services.sort_unstable();
        (row.spans, row.errors) = run.counted.unwrap_or((totals.started.max(totals.ended), totals.failed));
        (row.ended_at, row.failed_work, row.parent_run_id) = (run.ended_at, run.failed_work, run.parent);
        if !run.unsettled.is_empty() {
            row.unsettled.clone_from(&run.unsettled);
            self.judge(&mut row)?;
        }
        Ok(row)
    }

    /// The row of a run that has records that are not folded.
    pub(super) fn merged_row(&self, run_id: RunId, folded: Option<&FoldedRun>) -> Result<RunRow> {
        let Some(tail) = self.view.runs.get(&run_id) else { return Err(Error::corrupt("a run is not there")) };
        let mut totals = tail.totals.clone();
        if let Some(run) = folded {
            totals.merge(self.text_totals(run)?);
        }
        let StatusFromTotals::Known(status) = totals.status() else { return self.row_of_records(run_id, &totals) };
        let parent = folded.and_then(|run| run.parent).or(tail.parent);
        Ok(RunRow { parent_run_id: parent, ..row_of(run_id, &totals, status) })
    }

    fn text_totals(&self, run: &FoldedRun) -> Result<TextTotals> {
        let mut names = self.names.borrow_mut();
        let services = names.set(&self.transaction, run.services)?.to_vec();
        let totals = run.totals(services)?;
        let mut failed = None;
        let named = totals.named(|number| names.text(&self.transaction, number).map_err(|e| failed = Some(e)).ok());
        named.ok_or_else(|| failed.unwrap_or_else(|| Error::corrupt("the totals of a run cannot be read")))
    }

    /// Only its records say what the status is.
    fn row_of_records(&self, run_id: RunId, totals: &TextTotals) -> Result<RunRow> {
        let mut row = None;
        if is_large(self.spans_of(run_id)?) {
            row = large::row_of(run_id, |each| {
                self.pieces_of(&[run_id], &mut |_, records| {
                    each(&records);
                    Ok(())
                })
            })?;
        } else {
            self.records_of(&[run_id], &mut |run_id, records| {
                row = Some(RunRow::of(run_id, &records));
                Ok(())
            })?;
        }
        // If they are damaged, the totals are all there is.
        let status = if totals.failed > 0 { RunStatus::Error } else { RunStatus::Open };
        let parent_run_id = self.view.runs.get(&run_id).and_then(|tail| tail.parent);
        Ok(row.unwrap_or_else(|| RunRow { parent_run_id, ..row_of(run_id, totals, status) }))
    }
}

fn row_of(run_id: RunId, totals: &TextTotals, status: RunStatus) -> RunRow {
    let name = totals.name.as_ref().map_or("", |name| &name.name);
    let mut row = RunRow::new(run_id, name, status, totals.started_at());
    row.services = totals.services.iter().map(|service| service.to_string()).collect();
    row.services.sort_unstable();
    (row.spans, row.errors) = (totals.started.max(totals.ended), totals.failed);
    row.ended_at = totals.ended_at();
    row
}
