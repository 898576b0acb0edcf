//! Runs that lie in one block are read together: what is before a run in its block must be passed to come to it.

use super::super::run::{FoldedRun, pieces};
use super::super::source::{bad_block, read_runs};
use super::IndexSnapshot;
use crate::Result;
use crate::engine::EachRun;
use spanbridge::RunId;
use spanbridge::record::Record;

/// How many runs are read together, and with how many records: few are in memory at a time.
const MAX_RUNS: usize = 64;
const MAX_RECORDS: u64 = 4096;

/// Where a run lies that is in one block alone, and how many records it has.
#[derive(Clone, Copy)]
struct Alone {
    block: i64,
    place: usize,
    records: u64,
}

impl IndexSnapshot<'_> {
    /// Reads the runs at the beginning of this list that can be read together, if they are several. Answers how many. `None`: what is
    /// damaged is to be told of each, so each is to be read by itself.
    pub(super) fn read_together(
        &self,
        runs: &[(RunId, Option<FoldedRun>)],
        each: &mut EachRun<'_>,
    ) -> Result<Option<usize>> {
        let Some(first) = runs.first().and_then(|run| self.alone(run)) else { return Ok(None) };
        let (mut places, mut records) = (vec![first.place], first.records);
        for next in runs[1..].iter().take(MAX_RUNS - 1).map_while(|run| self.alone(run)) {
            records = records.saturating_add(next.records);
            // They are in the order of their places.
            if next.block != first.block || records > MAX_RECORDS || Some(&next.place) <= places.last() {
                break;
            }
            places.push(next.place);
        }
        if places.len() < 2 {
            return Ok(None);
        }
        let mut raw = Vec::new();
        {
            let (mut packer, mut reader) = (self.packer.borrow_mut(), self.reader.borrow_mut());
            if reader.unfold_places(&self.transaction, &mut packer, first.block, &places, &mut raw).is_err() {
                return Ok(None);
            }
        }
        let run_at = |place: usize| places.binary_search(&place).ok();
        let mut found: Vec<Vec<Record<'_>>> = places.iter().map(|_| Vec::new()).collect();
        let read = read_runs(
            &raw,
            |place| run_at(place).map(|run| Some(runs[run].0)),
            |place, record| found[run_at(place).unwrap_or(0)].push(record),
        );
        if read.ok_or_else(bad_block).is_err() {
            return Ok(None);
        }
        for ((run, _), records) in runs.iter().zip(found).filter(|(_, records)| !records.is_empty()) {
            each(*run, records)?;
        }
        Ok(Some(places.len()))
    }

    fn alone(&self, (run_id, folded): &(RunId, Option<FoldedRun>)) -> Option<Alone> {
        let folded = folded.as_ref().filter(|_| !self.view.runs.contains_key(run_id))?;
        match &pieces(&folded.pieces).ok()?[..] {
            [one] if one.blocks == 1 => Some(Alone { block: one.block, place: one.place, records: one.records }),
            _ => None,
        }
    }
}
