//! Which runs go.

use super::super::order::ordered;
use super::super::run::{COLUMNS, FoldedRun};
use super::super::unsettled::SettlesOthers;
use super::options::{OPEN_GRACE, Prune, PruneReport};
use super::pages::used_bytes;
use crate::Result;
use rusqlite::{Connection, params};
use spanbridge_graph::RunStatus;
use std::collections::BTreeMap;

/// How many runs a transaction removes at most. It takes up to about a second.
pub(super) const RUNS_AT_ONCE: usize = 16 << 10;

/// How many rows are looked at in a transaction, for each run that it may remove.
const ROWS_FOR_A_RUN: usize = 8;

/// What becomes of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    Goes,
    /// Something happened in it since then.
    Young,
    /// It failed, or is suspended, and is to be kept.
    Failed,
    Suspended,
    /// It has no end, and something happened in it lately.
    Open,
}

/// The runs of one transaction.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) runs: Vec<FoldedRun>,
    pub(super) spans: u64,
    /// Those that would go, and are kept.
    pub(super) kept: BTreeMap<Verdict, u64>,
    /// Records of no run go that are older.
    pub(super) loose_before: u64,
    /// No other can follow.
    pub(super) is_last: bool,
}

/// Goes through the runs from the oldest on.
pub(super) struct Selection {
    /// Runs go in which nothing happened since then.
    before: Option<u64>,
    /// Others go while the index has more bytes.
    most: Option<u64>,
    open_since: u64,
    keep_failed: bool,
    keep_suspended: bool,
    now: u64,
    settles_others: SettlesOthers,
    /// The last row that was looked at: when the run began, and its number.
    after: (i64, i64),
}

impl Selection {
    /// The logs have so many bytes that are not folded.
    pub(super) fn new(connection: &Connection, prune: &Prune, now: u64, logs: u64) -> Result<Self> {
        let ago = |time: std::time::Duration| now.saturating_sub(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
        Ok(Self {
            before: prune.older_than.map(ago),
            most: prune.max_bytes.map(|most| most.saturating_sub(logs)),
            open_since: ago(OPEN_GRACE),
            keep_failed: prune.keep_failed,
            keep_suspended: prune.keep_suspended,
            now,
            settles_others: SettlesOthers::of(connection)?,
            after: (i64::MIN, i64::MIN),
        })
    }

    /// `by_size`: the index has too many bytes still, so it may go however old it is.
    fn verdict(&self, run: &FoldedRun, last_at: u64, by_size: bool) -> Verdict {
        if !by_size && self.before.is_none_or(|before| last_at >= before) {
            return Verdict::Young;
        }
        match run.status {
            RunStatus::Error if self.keep_failed => Verdict::Failed,
            RunStatus::Ok if self.keep_failed && self.has_failed_work(run) => Verdict::Failed,
            RunStatus::Suspended if self.keep_suspended => Verdict::Suspended,
            RunStatus::Open | RunStatus::Suspended if last_at >= self.open_since => Verdict::Open,
            _ => Verdict::Goes,
        }
    }

    fn has_failed_work(&self, run: &FoldedRun) -> bool {
        run.failed_work.total() > 0 || self.settles_others.count(&run.unsettled, self.now) > 0
    }

    /// The next runs that go, at most so many.
    pub(super) fn next(&mut self, connection: &Connection, most: usize) -> Result<Batch> {
        let excess = self.excess(connection)?;
        // What a run takes is known once it is gone. So as many are taken as take that much if all are alike.
        let of_size = match excess {
            0 => 0,
            excess => {
                let runs = count(connection)?.max(1);
                let each = (used_bytes(connection)? / runs).max(1);
                // Pages are freed one by one, so a few runs may free none.
                usize::try_from(excess.div_ceil(each).max(runs / 100)).unwrap_or(usize::MAX).min(most)
            }
        };
        self.take(connection, most, |taken, _| taken < of_size)
    }

    /// Bytes that the index has too many.
    fn excess(&self, connection: &Connection) -> Result<u64> {
        let Some(most) = self.most else { return Ok(0) };
        Ok(used_bytes(connection)?.saturating_sub(most))
    }

    /// Takes runs. `by_size` answers whether the next may go because of its size, by how many were taken, with how many spans.
    fn take(&mut self, connection: &Connection, most: usize, by_size: impl Fn(usize, u64) -> bool) -> Result<Batch> {
        let mut batch = Batch { is_last: true, loose_before: self.before.unwrap_or(0), ..Batch::default() };
        // Parts of operations are in an index of their own.
        let of = |which| {
            format!("SELECT {COLUMNS} FROM run WHERE {which} AND (started_at, id) > (?1, ?2) AND started_at < ?3")
        };
        let sql = format!("{} UNION ALL {} ORDER BY 4, 1 LIMIT ?4", of("root IS NULL"), of("root IS NOT NULL"));
        let mut query = connection.prepare_cached(&sql)?;
        // A run that began later is younger, too.
        let until = if self.most.is_some() { i64::MAX } else { ordered(self.before.unwrap_or(0)) };
        let limit = i64::try_from(most.saturating_mul(ROWS_FOR_A_RUN)).unwrap_or(i64::MAX);
        let mut rows = query.query(params![self.after.0, self.after.1, until, limit])?;
        let mut seen = 0;
        while let Some(row) = rows.next()? {
            seen += 1;
            let run = FoldedRun::read(row)?;
            let totals = run.totals(Vec::new())?;
            let last_at = run.last_at(&totals);
            let by_size = by_size(batch.runs.len(), batch.spans);
            if !by_size && self.before.is_none_or(|before| run.started_at >= before) {
                // The rest is younger. If it is too large still, another transaction goes on from here.
                batch.is_last = batch.runs.is_empty() || self.most.is_none();
                return Ok(batch);
            }
            self.after = (ordered(run.started_at), run.row);
            match self.verdict(&run, last_at, by_size) {
                Verdict::Goes => {
                    batch.spans += totals.started.max(totals.ended);
                    if by_size {
                        batch.loose_before = batch.loose_before.max(run.started_at);
                    }
                    batch.runs.push(run);
                }
                Verdict::Young => {}
                kept => *batch.kept.entry(kept).or_default() += 1,
            }
            if batch.runs.len() >= most {
                batch.is_last = false;
                return Ok(batch);
            }
        }
        batch.is_last = seen < limit;
        Ok(batch)
    }

    /// What would be removed. What a run takes is reckoned by its spans.
    pub(super) fn estimate(&mut self, connection: &Connection, report: &mut PruneReport) -> Result<()> {
        let excess = self.excess(connection)?;
        let used = used_bytes(connection)?;
        let all: i64 = connection.query_row("SELECT coalesce(sum(spans), 0) FROM generation", [], |row| row.get(0))?;
        let weight = (all as u64).saturating_add(count(connection)?).max(1);
        let bytes = |runs: u64, spans: u64| {
            let share = u128::from(runs + spans) * u128::from(used) / u128::from(weight);
            u64::try_from(share).unwrap_or(u64::MAX).min(used)
        };
        loop {
            let (runs, spans) = (report.runs, report.spans);
            let by_size = |more: usize, more_spans| bytes(runs + more as u64, spans + more_spans) < excess;
            let batch = self.take(connection, RUNS_AT_ONCE, by_size)?;
            report.runs += batch.runs.len() as u64;
            report.spans += batch.spans;
            report.kept_failed += batch.kept.get(&Verdict::Failed).copied().unwrap_or(0);
            report.kept_suspended += batch.kept.get(&Verdict::Suspended).copied().unwrap_or(0);
            report.kept_open += batch.kept.get(&Verdict::Open).copied().unwrap_or(0);
            if batch.is_last {
                break;
            }
        }
        report.bytes = bytes(report.runs, report.spans);
        Ok(())
    }
}

fn count(connection: &Connection) -> Result<u64> {
    Ok(connection.query_row("SELECT count(*) FROM run", [], |row| row.get::<_, i64>(0))? as u64)
}
