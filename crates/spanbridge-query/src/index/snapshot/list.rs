//! Lists of runs, newest first.
//!
//! Runs with records that are not folded are few; their rows are made first, and all of them are compared. The others come from
//! an index of the table in the order of their starts, until there are enough.

use super::super::order::{ordered, unordered};
use super::super::run::{COLUMNS, FoldedRun};
use super::IndexSnapshot;
use super::streams::{Part, Streams};
use super::wanted::Wanted;
use crate::Result;
use crate::engine::Order;
use crate::runs::{RunFilter, RunRow};
use rusqlite::params;
use spanbridge::RunId;
use std::ops::RangeInclusive;

impl IndexSnapshot<'_> {
    pub(super) fn list(&self, filter: &RunFilter, limit: usize) -> Result<Vec<RunRow>> {
        let mut rows = Vec::new();
        if limit == 0 {
            return Ok(rows);
        }
        // These may be many, so only the rows of the newest are copied.
        let mut fresh = Vec::new();
        for run_id in self.view.runs.keys() {
            let key = self.fresh_row(*run_id, |row| filter.matches(row).then_some((row.started_at, *run_id)));
            fresh.extend(self.skip_damaged(|| format!("run {run_id}"), key)?.flatten());
        }
        fresh.sort_unstable_by(|a, b| b.cmp(a));
        for (_, run_id) in fresh.into_iter().take(limit) {
            rows.push(self.fresh_row(run_id, RunRow::clone)?);
        }
        if let Some(wanted) = Wanted::of(&self.transaction, filter)? {
            self.list_folded(filter, &wanted, limit, &mut rows)?;
        }
        rows.sort_unstable_by_key(|row| std::cmp::Reverse((row.started_at, row.run_id)));
        rows.truncate(limit);
        Ok(rows)
    }

    fn list_folded(&self, filter: &RunFilter, wanted: &Wanted, limit: usize, rows: &mut Vec<RunRow>) -> Result<()> {
        let mut streams = Streams::new(self, wanted, &[Part::First, Part::Others])?;
        let mut query = self.transaction.prepare_cached(&format!("SELECT {COLUMNS} FROM run WHERE id = ?"))?;
        let (mut found, mut last) = (0, None);
        while let Some(place) = streams.next()? {
            // All that began at the same time are compared by their ids.
            if found >= limit && last != Some(place.at) {
                break;
            }
            let mut one = query.query([place.row])?;
            let Some(row) = one.next()? else { continue };
            // A run that ended before it began, by another clock, took no time.
            let took = |least: u64| {
                let took = row.get::<_, Option<i64>>(4).ok().flatten().map(|took| took as u64);
                let began = unordered(place.at);
                took.is_some_and(|took| began.wrapping_add(took).saturating_sub(began) >= least)
            };
            if !filter.min_duration.is_none_or(took) || !wanted.fits(row) {
                continue;
            }
            let run = FoldedRun::read(row).and_then(|run| {
                let is_fresh = self.view.runs.contains_key(&run.run_id);
                if is_fresh { Ok(None) } else { self.folded_row(&run).map(Some) }
            });
            let row = self.skip_damaged(|| format!("row {}", place.row), run)?.flatten();
            // Others may have begun at the same time as the one that they are to come after.
            let is_before = |row: &RunRow| filter.before.is_none_or(|before| (row.started_at, row.run_id) < before);
            if let Some(row) = row.filter(|row| is_before(row) && wanted.is_status_of(row)) {
                rows.push(row);
                (found, last) = (found + 1, Some(place.at));
            }
        }
        Ok(())
    }

    pub(super) fn started_during(
        &self,
        during: RangeInclusive<u64>,
        order: Order,
        limit: usize,
    ) -> Result<Vec<(u64, RunId)>> {
        let mut all = Vec::new();
        for run_id in self.view.runs.keys() {
            let started_at = self.fresh_row(*run_id, |row| row.started_at);
            let started_at = self.skip_damaged(|| format!("run {run_id}"), started_at)?;
            all.extend(started_at.filter(|at| during.contains(at)).map(|at| (at, *run_id)));
        }
        let way = match order {
            Order::OldestFirst => "ASC",
            Order::NewestFirst => "DESC",
        };
        let of = |which: &str| {
            format!("SELECT started_at, head, tail FROM run WHERE {which} AND started_at BETWEEN ?1 AND ?2")
        };
        let sql = format!("{} UNION ALL {} ORDER BY 1 {way}", of("root IS NULL"), of("root IS NOT NULL"));
        let mut query = self.transaction.prepare_cached(&sql)?;
        let mut found = query.query(params![ordered(*during.start()), ordered(*during.end())])?;
        let (mut count, mut last) = (0, None);
        while let Some(row) = found.next()? {
            let started_at = unordered(row.get(0)?);
            if count >= limit && last != Some(started_at) {
                break;
            }
            let id = u128::from(unordered(row.get(1)?)) << 64 | u128::from(row.get::<_, i64>(2)? as u64);
            if let Some(run_id) = RunId::new(id).filter(|run| !self.view.runs.contains_key(run)) {
                all.push((started_at, run_id));
                (count, last) = (count + 1, Some(started_at));
            }
        }
        all.sort_unstable();
        if order == Order::NewestFirst {
            all.reverse();
        }
        all.truncate(limit);
        Ok(all)
    }
}
