//! Lists of operations.
//!
//! An operation is listed where its first run began, and which it is may depend on any of its runs. The runs that may match are looked at,
//! newest first, and from each the first run of its operation is found. Once there are enough operations that are newer than the first
//! run of every other, all their runs are read, and say the rest.

use super::known::{Choice, Known};
use super::list::first_page;
use super::recent::{Window, slot};
use super::snapshot::Asked;
use super::tree::Tree;
use spanbridge::RunId;
use spanbridge_graph::hash::Set;
use spanbridge_query::engine::{EachRun, operations};
use spanbridge_query::{Error, RunFilter, RunRow};
use std::cmp::Reverse;

type Result<T> = std::result::Result<T, Error>;

impl Asked<'_> {
    /// The first runs of the operations that match, newest first.
    pub(super) fn list_operations(&self, filter: &RunFilter, limit: usize) -> Result<Vec<RunRow>> {
        if limit == 0 || !self.has_parents()? {
            return self.list(filter, limit);
        }
        let one = filter.of_one_run();
        // Then the first run matches, or none does.
        let is_by_first = one == RunFilter::default();
        let choice = Choice::of(if is_by_first { filter } else { &one }).with_parents();
        let mut search =
            Search { asked: self, filter, is_by_first, tree: Tree::default(), seen: Set::default(), found: Vec::new() };
        let mut later = Vec::new();
        if let Some((before, _)) = filter.before.filter(|_| !is_by_first) {
            later = self.later_parts(&choice, slot(before))?;
        }
        let mut window = Window::of(filter, &choice, limit);
        while let Some(recent) = self.recent(&window)? {
            let mut known = self.active(&choice, &recent)?;
            known.extend(later.iter().cloned());
            if search.read_until(known, recent.bound, limit)? || recent.is_all {
                if !is_by_first {
                    search.read_until(self.older_parts(&choice, &recent)?, 0, usize::MAX)?;
                }
                return Ok(search.newest(limit));
            }
            if !window.grow(search.newer(recent.bound), limit) {
                break;
            }
        }
        search.read_until(self.known(&choice, None)?, 0, limit)?;
        Ok(search.newest(limit))
    }
}

/// The operations that match, as far as they are read.
struct Search<'s> {
    asked: &'s Asked<'s>,
    filter: &'s RunFilter,
    is_by_first: bool,
    tree: Tree,
    /// The first runs of the operations that were read.
    seen: Set<RunId>,
    found: Vec<RunRow>,
}

impl Search<'_> {
    /// Reads the operations of these runs until enough that match are newer than all others. Those that none of these is in began at
    /// the time of the bound or earlier; 0: there are no others.
    fn read_until(&mut self, known: Vec<Known>, bound: u64, limit: usize) -> Result<bool> {
        let own: Set<RunId> = known.iter().map(|known| known.run).collect();
        let mut firsts = self.tree.roots(self.asked, known)?;
        firsts.retain(|first| !self.is_out(first) && (!self.is_by_first || own.contains(&first.run)));
        // What is not newer than the others is read with those.
        firsts.retain(|first| !self.seen.contains(&first.run) && (first.latest > bound || bound == 0));
        firsts.sort_unstable_by_key(|first| Reverse(first.place()));
        let mut rest = &firsts[..];
        loop {
            let next = rest.first().map_or(bound, |next| next.latest.max(bound));
            if self.newer(next) >= limit {
                return Ok(true);
            }
            let (now, later) = rest.split_at(first_page(limit).min(rest.len()));
            if now.is_empty() {
                return Ok(false);
            }
            self.read(now.iter().map(|first| first.run).collect())?;
            rest = later;
        }
    }

    /// Whether an operation that begins with this run cannot match, by its time.
    fn is_out(&self, first: &Known) -> bool {
        self.filter.since.is_some_and(|since| first.latest < since)
            || first.is_exact && self.filter.before.is_some_and(|before| first.place() >= before)
    }

    fn read(&mut self, firsts: Vec<RunId>) -> Result<()> {
        let rows = self.asked.rows_of(&self.asked.with_descendants(&firsts)?)?;
        let read = |runs: &[RunId], each: &mut EachRun<'_>| self.asked.read_runs(runs, true, each);
        let mut found = operations(rows, self.filter, usize::MAX, &read)?;
        // What another run started is here without that, if several runs are said to have started it.
        found.retain(|row| firsts.contains(&row.run_id));
        self.found.extend(found);
        self.seen.extend(firsts);
        Ok(())
    }

    /// How many of them began after this time.
    fn newer(&self, than: u64) -> usize {
        self.found.iter().filter(|row| row.started_at > than).count()
    }

    fn newest(mut self, limit: usize) -> Vec<RunRow> {
        self.found.sort_unstable_by_key(|row| Reverse((row.started_at, row.run_id)));
        self.found.truncate(limit);
        self.found
    }
}
