//! Lists of runs: the tables of runs choose, and the records of those say the rest.
//!
//! The tables have bits, minima, maxima and sets, which stay right however often a record is inserted. They say when a run began at
//! the latest, and that it cannot match; what a run is like, only its records say. So the runs that may match are read, newest first,
//! until enough of them do. First among those that were active last; only if these are not enough, among all.

use super::known::{Choice, Known};
use super::recent::{Recent, Window};
use super::snapshot::Asked;
use spanbridge::RunId;
use spanbridge_graph::hash::Set;
use spanbridge_query::engine::Order;
use spanbridge_query::{Error as QueryError, RunFilter, RunRow};
use std::cmp::Reverse;
use std::ops::RangeInclusive;

type Result<T> = std::result::Result<T, QueryError>;

/// How many runs are looked at first of all that are stored, and how many times more each time.
const NEWEST: usize = 256;
const GROWTH: usize = 8;

/// For more starts than these, all runs are looked at.
const MOST_STARTS: usize = 8192;

/// How many runs are read at most at a time.
const MAX_PAGE: usize = 512;

/// How many runs are read first for a list of so many: some began later than they seemed to, or do not match.
pub(super) fn first_page(limit: usize) -> usize {
    limit.saturating_add(limit / 4).clamp(16, MAX_PAGE)
}

impl Asked<'_> {
    /// The runs that match, newest first.
    pub(super) fn list(&self, filter: &RunFilter, limit: usize) -> Result<Vec<RunRow>> {
        let mut found = Found { filter, rows: Vec::new(), seen: Set::default() };
        if limit == 0 {
            return Ok(Vec::new());
        }
        let choice = Choice::of(filter);
        let mut window = Window::of(filter, &choice, limit);
        while let Some(recent) = self.recent(&window)? {
            let known = self.active(&choice, &recent)?;
            if self.read_until(&mut found, &known, recent.bound, limit)? || recent.is_all {
                return Ok(found.newest(limit));
            }
            if !window.grow(found.newer(recent.bound), limit) {
                break;
            }
        }
        let mut many = limit.saturating_mul(2).max(NEWEST);
        loop {
            let known = self.newest_known(&choice, many)?;
            let rest = if known.len() < many { 0 } else { known.last().map_or(0, |last| last.latest) };
            if self.read_until(&mut found, &known, rest, limit)? || known.len() < many {
                return Ok(found.newest(limit));
            }
            many = many.saturating_mul(GROWTH);
        }
    }

    /// Those of the runs that were active then that may match.
    pub(super) fn active(&self, choice: &Choice, recent: &Recent) -> Result<Vec<Known>> {
        let active = self.table_here("active");
        self.known(choice, Some(&format!("run IN (SELECT run FROM {active} WHERE {})", recent.rows)))
    }

    /// Reads these runs, which are in order, until enough that match are newer than all others. The runs that are not among these
    /// began at the time of the bound or earlier; 0: there are no others.
    fn read_until(&self, found: &mut Found<'_>, known: &[Known], bound: u64, limit: usize) -> Result<bool> {
        // What is not newer than the others is read with those.
        let is_next = |known: &&Known| known.latest > bound || bound == 0;
        let unread: Vec<&Known> =
            known.iter().filter(is_next).filter(|known| !found.seen.contains(&known.run)).collect();
        let (mut rest, mut page) = (&unread[..], first_page(limit));
        loop {
            let next = rest.first().map_or(bound, |next| next.latest.max(bound));
            if found.is_enough(next, limit) {
                return Ok(true);
            }
            let (now, later) = rest.split_at(page.min(rest.len()));
            if now.is_empty() {
                return Ok(false);
            }
            let runs: Vec<RunId> = now.iter().map(|known| known.run).collect();
            found.seen.extend(runs.iter().copied());
            self.rows_of(&runs)?.into_iter().for_each(|row| found.add(row));
            (rest, page) = (later, (page * 2).min(MAX_PAGE));
        }
    }

    /// The rows of these runs, as far as they are stored, by their own records.
    pub(super) fn rows_by_records(&self, runs: &[RunId]) -> Result<Vec<RunRow>> {
        let mut rows = Vec::with_capacity(runs.len());
        self.read_runs(runs, true, &mut |run, records| {
            let row = RunRow::of(run, &records);
            self.receivers.learn(&row, &records);
            rows.push(row);
            Ok(())
        })?;
        Ok(rows)
    }

    /// The runs that began at this time, each with the time.
    pub(super) fn starts(&self, during: RangeInclusive<u64>, order: Order, limit: usize) -> Result<Vec<(u64, RunId)>> {
        if order == Order::NewestFirst && *during.end() == u64::MAX && limit < MOST_STARTS {
            let rows = self.list(&RunFilter::default().since(*during.start()), limit)?;
            return Ok(rows.into_iter().map(|row| (row.started_at, row.run_id)).collect());
        }
        let mut filter = RunFilter::default();
        filter.since = Some(*during.start()).filter(|since| *since > 0);
        filter.before = Some(*during.end()).filter(|end| *end < u64::MAX).zip(RunId::new(u128::MAX));
        let known = self.known(&Choice::of(&filter), None)?;
        // Whichever of several starts counts that contradict each other, only the records say.
        let runs: Vec<RunId> = known.into_iter().map(|known| known.run).collect();
        let mut starts: Vec<_> =
            self.rows_by_records(&runs)?.into_iter().map(|row| (row.started_at, row.run_id)).collect();
        starts.retain(|(at, _)| during.contains(at));
        match order {
            Order::OldestFirst => starts.sort_unstable(),
            Order::NewestFirst => starts.sort_unstable_by_key(|start| Reverse(*start)),
        }
        starts.truncate(limit);
        Ok(starts)
    }
}

/// The runs that match, as far as they are read.
struct Found<'f> {
    filter: &'f RunFilter,
    rows: Vec<RunRow>,
    seen: Set<RunId>,
}

impl Found<'_> {
    fn add(&mut self, row: RunRow) {
        if self.filter.matches(&row) {
            self.rows.push(row);
        }
    }

    /// Whether so many of them are newer than every run that is not read. Those began at this time or earlier.
    fn is_enough(&self, unread: u64, limit: usize) -> bool {
        self.newer(unread) >= limit
    }

    /// How many of them began after this time.
    fn newer(&self, than: u64) -> usize {
        self.rows.iter().filter(|row| row.started_at > than).count()
    }

    fn newest(mut self, limit: usize) -> Vec<RunRow> {
        self.rows.sort_unstable_by_key(|row| Reverse((row.started_at, row.run_id)));
        self.rows.truncate(limit);
        self.rows
    }
}
