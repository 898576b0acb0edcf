//! Who changed a row: in the index, and in what is not folded.

use super::super::changed::{self, Changers};
use super::super::source::bad_directory;
use super::IndexSnapshot;
use crate::Result;
use crate::engine::EachBatch;
use rusqlite::OptionalExtension;
use spanbridge::RunId;
use spanbridge_store::delivery::IdPairs;
use std::collections::BTreeSet;

impl IndexSnapshot<'_> {
    pub(super) fn runs_changing(&self, rows: &[u128]) -> Result<Vec<RunId>> {
        let mut runs: BTreeSet<RunId> = self.folded_changers(rows)?.runs.into_iter().collect();
        self.tail_changers(rows, |_, run| runs.extend(run))?;
        Ok(runs.into_iter().collect())
    }

    pub(super) fn loose_changing(&self, rows: &[u128], each: &mut EachBatch<'_>) -> Result<()> {
        let numbers: BTreeSet<i64> = self.folded_changers(rows)?.loose.into_iter().collect();
        let mut query = self.transaction.prepare_cached("SELECT block, place FROM loose WHERE id = ?")?;
        for number in numbers {
            let place =
                query.query_row([number], |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as usize))).optional()?;
            if let Some(place) = place {
                self.folded_loose(place, each)?;
            }
        }
        let mut frames = BTreeSet::new();
        self.tail_changers(rows, |frame, run| {
            if run.is_none() {
                frames.insert(frame);
            }
        })?;
        frames.into_iter().try_for_each(|frame| self.tail_loose(frame, each))
    }

    fn folded_changers(&self, rows: &[u128]) -> Result<Changers> {
        let mut found = Changers::default();
        rows.iter().try_for_each(|row| changed::find(&self.transaction, *row, &mut found))?;
        Ok(found)
    }

    /// Calls `each` with the frames that have a change of these rows, and with the run that made it.
    fn tail_changers(&self, rows: &[u128], mut each: impl FnMut(usize, Option<RunId>)) -> Result<()> {
        for (number, frame) in self.view.frames.iter().enumerate() {
            let column = frame.source.columns()?.rows;
            if column.is_empty() {
                continue;
            }
            let (pairs, runs) = (IdPairs::new(column).ok_or_else(bad_directory)?, frame.source.runs()?);
            for row in rows {
                for (_, place) in pairs.within(*row..=*row) {
                    each(number, runs.get(place).ok_or_else(bad_directory)?);
                }
            }
        }
        Ok(())
    }
}
