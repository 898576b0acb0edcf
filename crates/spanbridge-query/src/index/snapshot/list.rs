//! Lists of runs, newest first.
//!
//! Runs with records that are not folded are few; their rows are made first, and all of them are compared. The others come from
//! an index of the table in the order of their starts, until there are enough.

use super::super::run::{COLUMNS, FoldedRun, status_number, statuses_shown};
use super::super::schema::{ordered, unordered};
use super::super::texts;
use super::IndexSnapshot;
use crate::Result;
use crate::engine::Order;
use crate::runs::{RunFilter, RunRow};
use rusqlite::params;
use spanbridge::RunId;
use spanbridge_graph::RunStatus;
use std::collections::{BTreeSet, BinaryHeap};
use std::ops::RangeInclusive;

/// How many values of a column are followed at once. If more match, runs are compared one by one.
const MAX_VALUES: usize = 64;

/// How many rows are read at once for each value.
const BATCH: usize = 64;

/// How many rows are counted to find the column that matches the fewest.
const COUNTED: i64 = 4096;

/// A filter, by the numbers that texts have in the index.
struct Wanted {
    since: i64,
    /// The start of the run that all others come after.
    before: i64,
    status: Option<Vec<i64>>,
    names: Option<BTreeSet<i64>>,
    services: Option<BTreeSet<i64>>,
}

/// The rows with one of some values in a column, by descending start.
struct Streams<'s> {
    snapshot: &'s IndexSnapshot<'s>,
    sql: String,
    since: i64,
    /// The next rows of each value: start, row. Descending.
    heap: BinaryHeap<(i64, i64, usize)>,
    values: Vec<i64>,
    /// How many rows of the batch of each value are in the heap, and the last row of the batch.
    pending: Vec<(usize, Option<(i64, i64)>)>,
}

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
        if let Some(wanted) = self.wanted(filter)? {
            self.list_folded(filter, &wanted, limit, &mut rows)?;
        }
        rows.sort_unstable_by_key(|row| std::cmp::Reverse((row.started_at, row.run_id)));
        rows.truncate(limit);
        Ok(rows)
    }

    /// `None`: no folded run can match.
    fn wanted(&self, filter: &RunFilter) -> Result<Option<Wanted>> {
        let mut wanted = Wanted {
            since: filter.since.map_or(i64::MIN, ordered),
            before: filter.before.map_or(i64::MAX, |(started_at, _)| ordered(started_at)),
            status: filter.status.map(statuses_shown),
            names: None,
            services: None,
        };
        if let Some(part) = &filter.name {
            let mut names = BTreeSet::new();
            let mut query = self.transaction.prepare_cached("SELECT id, text FROM text")?;
            let mut found = query.query([])?;
            while let Some(row) = found.next()? {
                if row.get_ref(1)?.as_str().is_ok_and(|text| text.contains(part)) {
                    names.insert(row.get(0)?);
                }
            }
            if part.is_empty() {
                names.insert(0);
            }
            wanted.names = Some(names);
        }
        if let Some(service) = &filter.service {
            let Some(number) = texts::find(&self.transaction, service)? else { return Ok(None) };
            let mut sets = BTreeSet::new();
            let mut query = self.transaction.prepare_cached("SELECT id, texts FROM service_set")?;
            let mut found = query.query([])?;
            while let Some(row) = found.next()? {
                if texts::read_set(row.get_ref(1)?.as_blob().unwrap_or_default()).contains(&number) {
                    sets.insert(row.get(0)?);
                }
            }
            wanted.services = Some(sets);
        }
        Ok(Some(wanted))
    }

    fn list_folded(&self, filter: &RunFilter, wanted: &Wanted, limit: usize, rows: &mut Vec<RunRow>) -> Result<()> {
        let mut streams = self.streams(wanted)?;
        let mut query = self.transaction.prepare_cached(&format!("SELECT {COLUMNS} FROM run WHERE id = ?"))?;
        let (mut found, mut last) = (0, None);
        while let Some((started_at, id)) = streams.next()? {
            // All that began at the same time are compared by their ids.
            if found >= limit && last != Some(started_at) {
                break;
            }
            let mut one = query.query([id])?;
            let Some(row) = one.next()? else { continue };
            // A run that ended before it began, by another clock, took no time.
            let took = |least: u64| {
                let took = row.get::<_, Option<i64>>(4).ok().flatten().map(|took| took as u64);
                let began = unordered(started_at);
                took.is_some_and(|took| began.wrapping_add(took).saturating_sub(began) >= least)
            };
            let fits = filter.min_duration.is_none_or(took)
                && wanted.status.as_ref().is_none_or(|status| row.get(5).is_ok_and(|s| status.contains(&s)))
                && wanted.names.as_ref().is_none_or(|names| row.get(6).is_ok_and(|name| names.contains(&name)))
                && wanted.services.as_ref().is_none_or(|sets| row.get(7).is_ok_and(|set| sets.contains(&set)));
            if !fits {
                continue;
            }
            let run = FoldedRun::read(row).and_then(|run| {
                let is_fresh = self.view.runs.contains_key(&run.run_id);
                if is_fresh { Ok(None) } else { self.folded_row(&run).map(Some) }
            });
            let row = self.skip_damaged(|| format!("row {id}"), run)?.flatten();
            // Others may have begun at the same time as the one that they are to come after.
            if let Some(row) =
                row.filter(|row| filter.before.is_none_or(|before| (row.started_at, row.run_id) < before))
            {
                rows.push(row);
                (found, last) = (found + 1, Some(started_at));
            }
        }
        Ok(())
    }

    /// The rows that may match, in the column that matches the fewest.
    fn streams<'s>(&'s self, wanted: &Wanted) -> Result<Streams<'s>> {
        let set = |values: &Option<BTreeSet<i64>>| {
            values.as_ref().map(|v| v.iter().copied().collect::<Vec<_>>()).filter(|v| v.len() <= MAX_VALUES)
        };
        let status = wanted.status.clone().filter(|status| !status.contains(&status_number(RunStatus::Ok)));
        let columns = [("status", status), ("name", set(&wanted.names)), ("services", set(&wanted.services))];
        let columns: Vec<(&str, Vec<i64>)> = columns.into_iter().filter_map(|(c, v)| Some((c, v?))).collect();
        let mut best: Option<(i64, &str, Vec<i64>)> = None;
        let is_choice = columns.len() > 1;
        for (column, values) in columns {
            let count = if is_choice { self.count(column, &values, wanted.since)? } else { 0 };
            if best.as_ref().is_none_or(|(least, ..)| count < *least) {
                best = Some((count, column, values));
            }
        }
        match best {
            Some((_, column, values)) => Streams::new(self, Some(column), values, wanted),
            None => Streams::new(self, None, vec![0], wanted),
        }
    }

    /// How many rows have one of these values, as far as counted.
    fn count(&self, column: &str, values: &[i64], since: i64) -> Result<i64> {
        let also = if column == "status" { "AND status <> 0" } else { "" };
        let sql = format!(
            "SELECT count(*) FROM (SELECT 1 FROM run WHERE {column} = ? {also} AND started_at >= ? LIMIT {COUNTED})"
        );
        let mut query = self.transaction.prepare_cached(&sql)?;
        let mut sum = 0;
        for value in values {
            sum += query.query_row([*value, since], |row| row.get::<_, i64>(0))?;
            if sum >= COUNTED {
                break;
            }
        }
        Ok(sum)
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
        let sql = format!(
            "SELECT started_at, head, tail FROM run WHERE started_at BETWEEN ? AND ? ORDER BY started_at {way}"
        );
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

impl<'s> Streams<'s> {
    fn new(snapshot: &'s IndexSnapshot<'s>, column: Option<&str>, values: Vec<i64>, wanted: &Wanted) -> Result<Self> {
        let since = wanted.since;
        let which = match column {
            // A condition that is always true, so that both have the same parameters.
            None => "?1 = 0".to_owned(),
            Some("status") => "status = ?1 AND status <> 0".to_owned(),
            Some(column) => format!("{column} = ?1"),
        };
        let sql = format!(
            "SELECT started_at, id FROM run WHERE {which} AND started_at >= ?2 AND (started_at, id) < (?3, ?4)
             ORDER BY started_at DESC, id DESC LIMIT {BATCH}"
        );
        let pending = vec![(0, Some((wanted.before, i64::MAX))); values.len()];
        let mut streams = Self { snapshot, sql, since, heap: BinaryHeap::new(), values, pending };
        for value in 0..streams.values.len() {
            streams.fill(value)?;
        }
        Ok(streams)
    }

    /// The next row: its start, and its number.
    fn next(&mut self) -> Result<Option<(i64, i64)>> {
        let Some((started_at, id, value)) = self.heap.pop() else { return Ok(None) };
        self.pending[value].0 -= 1;
        if self.pending[value].0 == 0 {
            self.fill(value)?;
        }
        Ok(Some((started_at, id)))
    }

    /// Reads the next rows of a value.
    fn fill(&mut self, value: usize) -> Result<()> {
        let Some(before) = self.pending[value].1 else { return Ok(()) };
        let mut query = self.snapshot.transaction.prepare_cached(&self.sql)?;
        let mut rows = query.query(params![self.values[value], self.since, before.0, before.1])?;
        let (mut count, mut last) = (0, None);
        while let Some(row) = rows.next()? {
            let at = (row.get(0)?, row.get(1)?);
            self.heap.push((at.0, at.1, value));
            (count, last) = (count + 1, Some(at));
        }
        self.pending[value] = (count, last.filter(|_| count == BATCH));
        Ok(())
    }
}
