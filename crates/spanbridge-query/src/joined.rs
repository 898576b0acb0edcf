//! Two engines as one: an old store, and the store of this release beside it.
//!
//! A service that was updated goes on in the new store, so a run may have records in both. Such runs are few. Their rows come
//! from their records; all others come from the engine that has them.

use crate::engine::{
    Cursor, Damaged, EachBatch, EachRun, Engine, IdMatches, IdPrefix, Mention, Order, Snapshot, SpanMatch,
};
use crate::fingerprint::Fingerprints;
use crate::large::{is_large, row_of};
use crate::runs::{RunFilter, RunRow};
use crate::{Error, Result};
use spanbridge::record::Record;
use spanbridge::{RunId, SpanId};
use spanbridge_graph::hash::{Map, Set};
use spanbridge_graph::run_of;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

/// How many runs are looked up at once.
const RUNS_AT_ONCE: usize = 4096;

/// An engine, and the one that goes on after it.
pub(crate) struct Joined<A, B> {
    pub(crate) earlier: A,
    pub(crate) later: B,
}

impl<A: Engine, B: Engine> Engine for Joined<A, B> {
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>> {
        let (earlier, later) = (self.earlier.snapshot()?, self.later.snapshot()?);
        Ok(Box::new(JoinedSnapshot { earlier, later, shared: OnceCell::new() }))
    }
}

struct JoinedSnapshot<'e> {
    earlier: Box<dyn Snapshot + 'e>,
    later: Box<dyn Snapshot + 'e>,
    /// The rows of the runs that both have.
    shared: OnceCell<Map<RunId, RunRow>>,
}

impl JoinedSnapshot<'_> {
    /// The rows of all runs that both have.
    fn shared(&self) -> Result<&Map<RunId, RunRow>> {
        if let Some(shared) = self.shared.get() {
            return Ok(shared);
        }
        let all = |snapshot: &dyn Snapshot| snapshot.started(0..=u64::MAX, Order::OldestFirst, usize::MAX);
        let mut later: Vec<RunId> = all(&*self.later)?.into_iter().map(|(_, run)| run).collect();
        later.sort_unstable();
        let earlier = all(&*self.earlier)?.into_iter().map(|(_, run)| run);
        let shared: Vec<RunId> = earlier.filter(|run| later.binary_search(run).is_ok()).collect();
        let rows = self.rows_from_records(&shared)?;
        Ok(self.shared.get_or_init(|| rows.into_iter().map(|row| (row.run_id, row)).collect()))
    }

    /// Those of these runs that both have.
    fn shared_of(&self, run_ids: &[RunId]) -> Result<Set<RunId>> {
        let later: Vec<RunId> = self.later.rows(run_ids)?.into_iter().map(|row| row.run_id).collect();
        Ok(self.earlier.rows(&later)?.into_iter().map(|row| row.run_id).collect())
    }

    fn rows_from_records(&self, run_ids: &[RunId]) -> Result<Vec<RunRow>> {
        let mut rows = Vec::with_capacity(run_ids.len());
        let (mut small, mut large) = (Vec::with_capacity(run_ids.len()), Vec::new());
        for run in run_ids {
            if is_large(self.size(*run)?) { large.push(*run) } else { small.push(*run) }
        }
        self.merged(&small, &mut |run, records| {
            rows.push(RunRow::of(run, &records));
            Ok(())
        })?;
        for run in large {
            rows.extend(row_of(run, |each| {
                self.pieces(&[run], &mut |_, records| {
                    each(&records);
                    Ok(())
                })
            })?);
        }
        Ok(rows)
    }

    /// Calls `each` with the records of these runs, which both have.
    fn merged(&self, run_ids: &[RunId], each: &mut EachRun<'_>) -> Result<()> {
        for run in run_ids {
            let mut done = false;
            self.earlier.records(&[*run], &mut |_, earlier| {
                let mut earlier = Some(earlier);
                self.later.records(&[*run], &mut |run, later| {
                    done = true;
                    each(run, union(earlier.take().unwrap_or_default(), later))
                })?;
                // The later records are damaged.
                match earlier.filter(|_| !done) {
                    Some(earlier) => {
                        done = true;
                        each(*run, earlier)
                    }
                    None => Ok(()),
                }
            })?;
            if !done {
                self.later.records(&[*run], each)?;
            }
        }
        Ok(())
    }
}

/// The records of both. One that both have comes once.
fn union<'r>(mut earlier: Vec<Record<'r>>, later: Vec<Record<'r>>) -> Vec<Record<'r>> {
    let key = |record: &Record<'r>| (record.segment_id, record.segment_seq);
    let mut known: Map<_, Vec<usize>> = Map::default();
    for (place, record) in earlier.iter().enumerate() {
        known.entry(key(record)).or_default().push(place);
    }
    let is_known = |record: &Record<'r>, earlier: &[Record<'r>]| {
        known.get(&key(record)).is_some_and(|places| places.iter().any(|place| earlier[*place] == *record))
    };
    let new: Vec<Record<'r>> = later.into_iter().filter(|record| !is_known(record, &earlier)).collect();
    earlier.extend(new);
    earlier
}

impl Snapshot for JoinedSnapshot<'_> {
    fn records(&self, run_ids: &[RunId], each: &mut EachRun<'_>) -> Result<()> {
        for chunk in run_ids.chunks(RUNS_AT_ONCE) {
            let shared = self.shared_of(chunk)?;
            let (both, one): (Vec<RunId>, Vec<RunId>) = chunk.iter().partition(|run| shared.contains(*run));
            let both: BTreeSet<RunId> = both.into_iter().collect();
            self.merged(&both.into_iter().collect::<Vec<_>>(), each)?;
            self.earlier.records(&one, each)?;
            self.later.records(&one, each)?;
        }
        Ok(())
    }

    /// What both have comes once. For that, eight bytes are remembered of each record of a run that both have.
    fn pieces(&self, run_ids: &[RunId], each: &mut EachRun<'_>) -> Result<()> {
        for chunk in run_ids.chunks(RUNS_AT_ONCE) {
            let shared = self.shared_of(chunk)?;
            let (mut prints, mut seen) = (Fingerprints::default(), Set::default());
            self.earlier.pieces(chunk, &mut |run, records| {
                if shared.contains(&run) {
                    seen.extend(records.iter().map(|record| prints.of(record).all));
                }
                each(run, records)
            })?;
            self.later.pieces(chunk, &mut |run, mut records| {
                if shared.contains(&run) {
                    records.retain(|record| !seen.contains(&prints.of(record).all));
                }
                if records.is_empty() { Ok(()) } else { each(run, records) }
            })?;
        }
        Ok(())
    }

    fn size(&self, run_id: RunId) -> Result<u64> {
        Ok(self.earlier.size(run_id)?.saturating_add(self.later.size(run_id)?))
    }

    fn records_of_no_run(&self, during: RangeInclusive<u64>, each: &mut EachBatch<'_>) -> Result<()> {
        self.earlier.records_of_no_run(during.clone(), each)?;
        self.later.records_of_no_run(during, each)
    }

    fn changed_by(&self, rows: &[u128]) -> Result<Vec<RunId>> {
        let mut runs = self.earlier.changed_by(rows)?;
        runs.extend(self.later.changed_by(rows)?);
        runs.sort_unstable();
        runs.dedup();
        Ok(runs)
    }

    fn changed_by_unknown(&self, rows: &[u128], each: &mut EachBatch<'_>) -> Result<()> {
        self.earlier.changed_by_unknown(rows, each)?;
        self.later.changed_by_unknown(rows, each)
    }

    fn changes_forgotten(&self) -> Result<Option<u64>> {
        Ok(self.earlier.changes_forgotten()?.max(self.later.changes_forgotten()?))
    }

    fn runs(&self, filter: &RunFilter, limit: usize) -> Result<Vec<RunRow>> {
        let shared = self.shared()?;
        // Rows of shared runs may be among those of an engine, and do not count.
        let asked = limit.saturating_add(shared.len());
        let mut rows: Vec<RunRow> = shared.values().filter(|row| filter.matches(row)).cloned().collect();
        for snapshot in [&self.earlier, &self.later] {
            rows.extend(snapshot.runs(filter, asked)?.into_iter().filter(|row| !shared.contains_key(&row.run_id)));
        }
        rows.sort_unstable_by_key(|row| std::cmp::Reverse((row.started_at, row.run_id)));
        rows.truncate(limit);
        Ok(rows)
    }

    fn rows(&self, run_ids: &[RunId]) -> Result<Vec<RunRow>> {
        let mut rows: BTreeMap<RunId, RunRow> = BTreeMap::new();
        let mut both = Vec::new();
        for row in self.later.rows(run_ids)?.into_iter().chain(self.earlier.rows(run_ids)?) {
            let run_id = row.run_id;
            // The same twice: a run that was imported.
            if rows.insert(run_id, row.clone()).is_some_and(|later| later != row) {
                both.push(run_id);
            }
        }
        rows.extend(self.rows_from_records(&both)?.into_iter().map(|row| (row.run_id, row)));
        Ok(rows.into_values().collect())
    }

    fn started(&self, during: RangeInclusive<u64>, order: Order, limit: usize) -> Result<Vec<(u64, RunId)>> {
        let shared = self.shared()?;
        let asked = limit.saturating_add(shared.len());
        let times = shared.values().map(|row| (row.started_at, row.run_id));
        let mut found: Vec<(u64, RunId)> = times.filter(|(at, _)| during.contains(at)).collect();
        for snapshot in [&self.earlier, &self.later] {
            let all = snapshot.started(during.clone(), order, asked)?;
            found.extend(all.into_iter().filter(|(_, run)| !shared.contains_key(run)));
        }
        found.sort_unstable();
        if order == Order::NewestFirst {
            found.reverse();
        }
        found.truncate(limit);
        Ok(found)
    }

    fn ids(&self, prefix: &IdPrefix, limit: usize) -> Result<IdMatches> {
        let (mut all, later) = (self.earlier.ids(prefix, limit)?, self.later.ids(prefix, limit)?);
        all.runs.extend(later.runs);
        all.runs.sort_unstable();
        all.runs.dedup();
        all.traces.extend(later.traces);
        all.traces.sort_unstable();
        all.traces.dedup();
        let mut spans: BTreeMap<(SpanId, RunId), String> = BTreeMap::new();
        for span in all.spans.drain(..).chain(later.spans) {
            let name = spans.entry((span.span_id, span.run_id)).or_default();
            if name.is_empty() {
                *name = span.name;
            }
        }
        all.spans = spans.into_iter().map(|((span_id, run_id), name)| SpanMatch { span_id, run_id, name }).collect();
        Ok(all)
    }

    fn mentions(&self, mention: Mention, ids: &[u128]) -> Result<Vec<(u128, RunId)>> {
        let mut all = self.earlier.mentions(mention, ids)?;
        all.extend(self.later.mentions(mention, ids)?);
        all.sort_unstable();
        all.dedup();
        Ok(all)
    }

    /// Old stores are not pruned.
    fn pruned(&self, run_ids: &[RunId]) -> Result<Vec<RunId>> {
        let mut pruned = self.later.pruned(run_ids)?;
        let stored: Set<RunId> = self.earlier.rows(&pruned)?.into_iter().map(|row| row.run_id).collect();
        pruned.retain(|run| !stored.contains(run));
        Ok(pruned)
    }

    fn end(&self) -> Result<Cursor> {
        let (earlier, later) = (self.earlier.end()?, self.later.end()?);
        let length = u32::try_from(earlier.as_bytes().len()).map_err(|_| Error::corrupt("a cursor is too long"))?;
        Ok(Cursor::from_bytes([&length.to_le_bytes(), earlier.as_bytes(), later.as_bytes()].concat()))
    }

    fn follow(&self, after: &Cursor, each: &mut EachBatch<'_>) -> Result<()> {
        let (after_earlier, after_later) = split(after)?;
        let shared = self.shared()?;
        let is_shared = |record: &Record<'_>| run_of(record).is_none_or(|run| shared.contains_key(&run));
        // What both have comes once.
        let (mut prints, mut seen) = (Fingerprints::default(), Set::default());
        self.earlier.follow(&after_earlier, &mut |records| {
            seen.extend(records.iter().filter(|record| is_shared(record)).map(|record| prints.of(record).all));
            each(records)
        })?;
        self.later.follow(&after_later, &mut |mut records| {
            records.retain(|record| !is_shared(record) || !seen.contains(&prints.of(record).all));
            each(records)
        })
    }

    fn damaged(&self) -> Vec<Damaged> {
        [self.earlier.damaged(), self.later.damaged()].concat()
    }
}

/// The cursors of the two, from one of both.
fn split(cursor: &Cursor) -> Result<(Cursor, Cursor)> {
    let bytes = cursor.as_bytes();
    if bytes.is_empty() {
        return Ok((Cursor::default(), Cursor::default()));
    }
    let parts = bytes.split_first_chunk::<4>();
    let parts = parts.and_then(|(length, rest)| rest.split_at_checked(u32::from_le_bytes(*length) as usize));
    let (earlier, later) = parts.ok_or_else(|| Error::corrupt("the cursor is of another store"))?;
    Ok((Cursor::from_bytes(earlier), Cursor::from_bytes(later)))
}
