//! The list of operations, newest first.
//!
//! The first runs of operations that match themselves, and other runs that match, come from indexes in the order in which the operations
//! began. The runs of the view are few, and all of them are compared.

use super::super::operations::{Member, has_parts};
use super::super::run::{COLUMNS, FAILED, FoldedRun, OK_UNSETTLED};
use super::super::view::Members;
use super::IndexSnapshot;
use super::streams::{Part, Place, Streams};
use super::wanted::Wanted;
use crate::Result;
use crate::engine::parts::parts;
use crate::engine::recovered::{MAX_PARTS, Recovered};
use crate::engine::{EachRun, Snapshot};
use crate::runs::{RunFilter, RunRow};
use spanbridge::RunId;
use spanbridge_graph::hash::{Map, Set};
use std::sync::Arc;

/// For so many operations, what is mended in them is kept.
const MAX_KEPT: usize = 10_000;

impl IndexSnapshot<'_> {
    pub(super) fn list_operations(&self, filter: &RunFilter, limit: usize) -> Result<Vec<RunRow>> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let members = self.members()?;
        let one = filter.of_one_run();
        let mut mended = Mended { snapshot: self, members, known: Map::default() };
        let matching = self.matching_members(&mut mended, &one)?;
        let mut rows = self.rows_of_members(&mut mended, filter, &matching, limit)?;
        let times = RunFilter { since: filter.since, before: filter.before, ..one };
        if let Some(wanted) = Wanted::of(&self.transaction, &times)? {
            self.folded_operations(&mut mended, filter, &wanted, &matching, limit, &mut rows)?;
        }
        rows.sort_unstable_by_key(|row| std::cmp::Reverse((row.started_at, row.run_id)));
        rows.truncate(limit);
        Ok(rows)
    }

    /// The operations with a member that matches.
    fn matching_members(&self, mended: &mut Mended<'_>, one: &RunFilter) -> Result<Set<RunId>> {
        let mut found = Set::default();
        let members = mended.members;
        for (run, root) in &members.roots {
            let is_match = self.member_row(members, *run, |row| one.matches(row));
            if self.skip_damaged(|| format!("run {run}"), is_match)? == Some(true)
                && !found.contains(root)
                && !(one.is_about_failures() && mended.has(*root, *run)?)
            {
                found.insert(*root);
            }
        }
        Ok(found)
    }

    /// The newest of these operations that match.
    fn rows_of_members(
        &self,
        mended: &mut Mended<'_>,
        filter: &RunFilter,
        matching: &Set<RunId>,
        limit: usize,
    ) -> Result<Vec<RunRow>> {
        let mut starts = Vec::with_capacity(matching.len());
        for root in matching {
            let started_at = match self.view.runs.contains_key(root) {
                true => Some(self.fresh_row(*root, |row| row.started_at)),
                false => self.row(*root).map(|row| row.map(|row| row.started_at)).transpose(),
            };
            let started_at = started_at.map(|at| self.skip_damaged(|| format!("run {root}"), at)).transpose()?;
            starts.extend(started_at.flatten().map(|at| (at, *root)));
        }
        starts.sort_unstable_by(|a, b| b.cmp(a));
        let mut rows = Vec::new();
        for (_, root) in starts {
            if rows.len() >= limit {
                break;
            }
            let row = Member::find(&self.transaction, root)?.map(|member| member.row);
            let found = self.row(root)?.map(|first| self.operation(mended, filter, first, row)).transpose()?;
            rows.extend(found.flatten());
        }
        Ok(rows)
    }

    fn folded_operations(
        &self,
        mended: &mut Mended<'_>,
        filter: &RunFilter,
        wanted: &Wanted,
        seen: &Set<RunId>,
        limit: usize,
        rows: &mut Vec<RunRow>,
    ) -> Result<()> {
        let mut streams = Streams::new(self, wanted, &[Part::First, Part::ByOperation])?;
        let (mut found, mut last) = (0, None);
        while let Some(place) = streams.next()? {
            // All that began at the same time are compared by their ids.
            if found >= limit && last != Some(place.at) {
                break;
            }
            let first = self.first_run(mended.members, wanted, place);
            let first = self.skip_damaged(|| format!("row {}", place.row), first)?.flatten();
            let Some((part, first)) = first else { continue };
            if place.row != place.group
                && filter.is_about_failures()
                && mended.of(&first, Some(place.group))?.runs.contains(&part)
            {
                continue;
            }
            streams.pass(place.group);
            if seen.contains(&first.run_id) {
                continue;
            }
            if let Some(row) = self.operation(mended, filter, first, Some(place.group))? {
                rows.push(row);
                (found, last) = (found + 1, Some(place.at));
            }
        }
        Ok(())
    }

    /// The run of a row, and the first run of its operation. `None`: the row does not match, or is of a member, and those were compared.
    fn first_run(&self, members: &Members, wanted: &Wanted, place: Place) -> Result<Option<(RunId, RunRow)>> {
        let mut query = self.transaction.prepare_cached(&format!("SELECT {COLUMNS} FROM run WHERE id = ?"))?;
        let mut one = query.query([place.row])?;
        let Some(row) = one.next()?.filter(|row| wanted.fits(row)) else { return Ok(None) };
        let run = FoldedRun::read(row)?;
        if members.roots.contains_key(&run.run_id) || self.view.runs.contains_key(&run.run_id) {
            return Ok(None);
        }
        if !run.unsettled.messages.is_empty() && !wanted.is_status_of(&self.folded_row(&run)?) {
            return Ok(None);
        }
        let Some(root) = run.root else { return Ok(Some((run.run_id, self.folded_row(&run)?))) };
        drop(one);
        let mut one = query.query([root])?;
        let Some(row) = one.next()? else { return Ok(None) };
        let first = FoldedRun::read(row)?;
        let first = match self.view.runs.contains_key(&first.run_id) {
            true => self.row(first.run_id)?,
            false => Some(self.folded_row(&first)?),
        };
        Ok(first.map(|first| (run.run_id, first)))
    }

    /// The row of an operation, if that matches. `first` is its first run, which is in this row of the index.
    fn operation(
        &self,
        mended: &mut Mended<'_>,
        filter: &RunFilter,
        mut first: RunRow,
        row: Option<i64>,
    ) -> Result<Option<RunRow>> {
        let times = RunFilter { status: None, ..filter.clone() };
        if !times.matches_operation(&first) {
            return Ok(None);
        }
        (first.descendants, first.failed_descendants) = self.count_parts(mended.members, first.run_id, row)?;
        if first.failed_descendants > 0 {
            let recovered = mended.of(&first, row)?;
            recovered.tell(&mut first);
        }
        Ok(filter.matches_operation(&first).then_some(first))
    }

    /// The parts of an operation of which all are folded. If they are more than are looked at, some of them.
    fn folded_parts(&self, root: i64) -> Result<Vec<RunRow>> {
        let sql = format!("SELECT {COLUMNS} FROM run WHERE root = ? LIMIT {}", MAX_PARTS + 1);
        let mut query = self.transaction.prepare_cached(&sql)?;
        let mut rows = query.query([root])?;
        let mut parts = Vec::new();
        while let Some(row) = rows.next()? {
            parts.push(self.folded_row(&FoldedRun::read(row)?)?);
        }
        Ok(parts)
    }

    /// How many parts the operation with this first run has, and how many of them failed.
    fn count_parts(&self, members: &Members, first: RunId, row: Option<i64>) -> Result<(u64, u64)> {
        let (mut all, mut failed) = members.counts.get(&first).copied().unwrap_or_default();
        if let Some(row) = row
            && has_parts(&self.transaction)?
        {
            let sql = "SELECT status, count(*) FROM run WHERE root = ? GROUP BY status";
            let mut query = self.transaction.prepare_cached(sql)?;
            let mut counts = query.query([row])?;
            while let Some(of_status) = counts.next()? {
                let (status, count): (i64, i64) = (of_status.get(0)?, of_status.get(1)?);
                all += count;
                failed += match status {
                    OK_UNSETTLED => self.unsettled_parts(row)?,
                    _ if FAILED.contains(&status) => count,
                    _ => 0,
                };
            }
        }
        Ok((all.max(0) as u64, failed.max(0) as u64))
    }
}

/// What later attempts mended in operations.
struct Mended<'s> {
    snapshot: &'s IndexSnapshot<'s>,
    members: &'s Members,
    /// Of operations with parts that are not folded: each is looked at once for a list.
    known: Map<RunId, Arc<Recovered>>,
}

impl Mended<'_> {
    /// Of the operation with this first run, which is in this row of the index.
    fn of(&mut self, first: &RunRow, row: Option<i64>) -> Result<Arc<Recovered>> {
        let view = &self.snapshot.view;
        let is_touched = self.members.counts.contains_key(&first.run_id) || view.runs.contains_key(&first.run_id);
        match row.filter(|_| !is_touched) {
            Some(row) => self.of_folded(first, row),
            None => self.of_touched(first, row),
        }
    }

    /// All of it is folded. What was found holds until something is folded or pruned.
    fn of_folded(&self, first: &RunRow, row: i64) -> Result<Arc<Recovered>> {
        let (now, kept) = (self.snapshot.now, &self.snapshot.view.mended);
        if let Some((known, until)) = kept.borrow().get(&first.run_id)
            && *until > now
        {
            return Ok(Arc::clone(known));
        }
        let parts = self.snapshot.folded_parts(row)?;
        let until = parts.iter().chain([first]).map(|row| self.snapshot.next_due(&row.unsettled)).min();
        let found = Arc::new(self.look(first, &parts)?);
        let mut kept = kept.borrow_mut();
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(first.run_id, (Arc::clone(&found), until.unwrap_or(u64::MAX)));
        Ok(found)
    }

    fn of_touched(&mut self, first: &RunRow, row: Option<i64>) -> Result<Arc<Recovered>> {
        if let Some(known) = self.known.get(&first.run_id) {
            return Ok(Arc::clone(known));
        }
        let (all, failed) = self.snapshot.count_parts(self.members, first.run_id, row)?;
        let is_looked_at = failed > 0 && all <= MAX_PARTS;
        let parts = if is_looked_at { parts(self.snapshot, first.run_id)? } else { Vec::new() };
        let found = Arc::new(self.look(first, &parts)?);
        self.known.insert(first.run_id, Arc::clone(&found));
        Ok(found)
    }

    fn look(&self, first: &RunRow, parts: &[RunRow]) -> Result<Recovered> {
        if parts.len() as u64 > MAX_PARTS {
            return Ok(Recovered::default());
        }
        let all: Vec<&RunRow> = parts.iter().chain([first]).collect();
        let read = |runs: &[RunId], each: &mut EachRun<'_>| self.snapshot.records(runs, each);
        Recovered::of(&all, &read)
    }

    /// Whether this part of the operation with that first run is mended.
    fn has(&mut self, first: RunId, part: RunId) -> Result<bool> {
        if part == first {
            return Ok(false);
        }
        let Some(row) = self.snapshot.row(first)? else { return Ok(false) };
        let at = Member::find(&self.snapshot.transaction, first)?.map(|member| member.row);
        Ok(self.of(&row, at)?.runs.contains(&part))
    }
}
