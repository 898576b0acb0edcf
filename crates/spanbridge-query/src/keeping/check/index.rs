//! Checking the index.

use super::report::{CheckReport, IndexTotals, Problem, Progress};
use crate::engine::{Cursor, Engine, Order, Snapshot};
use crate::index::Index;
use crate::runs::RunRow;
use crate::{Error, ErrorKind, Result};
use spanbridge::RunId;
use std::collections::HashMap;

/// How many runs are compared at once.
const RUNS_AT_ONCE: usize = 4096;

const REBUILD: &str = "Restore a backup, or make the index again from the logs that are left with `spanbridge check --rebuild \
                       --yes`. The old one is put aside; what can be read in it can be imported.";
const NEWER: &str = "Update spanbridge.";

/// The index cannot be opened.
pub(super) fn unusable(error: &Error) -> Problem {
    let fix = if error.kind() == ErrorKind::NewerFormat { NEWER } else { REBUILD };
    Problem::new("index_unusable", format!("failed to {error}"), fix)
}

pub(super) fn check(index: &Index, report: &mut CheckReport, progress: &mut dyn FnMut(Progress)) -> Result<()> {
    let path = index.place().path();
    let bytes = path.and_then(|path| std::fs::metadata(path).ok()).map_or(0, |about| about.len());
    let mut totals = IndexTotals { path: path.map(ToOwned::to_owned), bytes, ..IndexTotals::default() };
    for line in index.integrity()? {
        report.add(Problem::new("index_damaged", format!("the file of the index: {line}"), REBUILD));
    }
    let read = read(index, &mut totals, report, progress);
    match read {
        // SQLite gave up in the middle.
        Err(e) if e.kind() == ErrorKind::Corrupt => report.add(Problem::new("index_damaged", e.to_string(), REBUILD)),
        other => other?,
    }
    report.losses.extend(index.losses()?.into_iter().map(|lost| format!("{}: {}", lost.part, lost.why)));
    report.index = Some(totals);
    Ok(())
}

fn read(
    index: &Index,
    totals: &mut IndexTotals,
    report: &mut CheckReport,
    progress: &mut dyn FnMut(Progress),
) -> Result<()> {
    totals.blocks = index.blocks()?;
    let snapshot = index.snapshot()?;
    let (mut stored, mut batches) = (0, 0);
    snapshot.follow(&Cursor::default(), &mut |records| {
        stored += records.len() as u64;
        batches += 1;
        progress(Progress { what: "blocks", done: batches, total: totals.blocks });
        Ok(())
    })?;
    let mut reached = 0;
    snapshot.records_of_no_run(0..=u64::MAX, &mut |records| {
        reached += records.len() as u64;
        Ok(())
    })?;
    let runs = snapshot.started(0..=u64::MAX, Order::OldestFirst, usize::MAX)?;
    totals.runs = runs.len() as u64;
    for (n, chunk) in runs.chunks(RUNS_AT_ONCE).enumerate() {
        progress(Progress { what: "runs", done: (n * RUNS_AT_ONCE) as u64, total: totals.runs });
        let ids: Vec<RunId> = chunk.iter().map(|(_, run)| *run).collect();
        reached += compare(&*snapshot, &ids, totals, report)?;
    }
    progress(Progress { what: "runs", done: totals.runs, total: totals.runs });
    let damaged = snapshot.damaged();
    // What is wrong with logs is told already.
    for part in damaged.iter().filter(|damaged| !damaged.part.starts_with("log ")) {
        let kind = if part.part.starts_with("block ") { "block_damaged" } else { "run_damaged" };
        report.add(Problem::new(kind, format!("{}: {}", part.part, part.why), REBUILD));
    }
    if stored != reached && !damaged.iter().any(|damaged| !damaged.part.starts_with("log ")) {
        let what = format!("{stored} records are stored, and {reached} of them belong to runs that are listed");
        report.add(Problem::new("records_astray", what, REBUILD));
    }
    let strays = index.stray_mentions()?;
    if strays > 0 {
        let what = format!("{strays} mentions of traces, parents or links are by runs that are not stored");
        report.add(Problem::new("records_astray", what, REBUILD));
    }
    Ok(())
}

/// Compares the rows of these runs with what their records say. Returns how many records these are.
fn compare(
    snapshot: &dyn Snapshot,
    run_ids: &[RunId],
    totals: &mut IndexTotals,
    report: &mut CheckReport,
) -> Result<u64> {
    let mut rows: HashMap<RunId, RunRow> = snapshot.rows(run_ids)?.into_iter().map(|row| (row.run_id, row)).collect();
    totals.spans += rows.values().map(|row| row.spans).sum::<u64>();
    let mut count = 0;
    snapshot.records(run_ids, &mut |run_id, records| {
        count += records.len() as u64;
        let mut right = RunRow::of(run_id, &records);
        if let Some(row) = rows.remove(&run_id) {
            // Which messages count as never settled depends on the time, and on other runs.
            right.set_never_settled(row.failed_work.never_settled);
            if row != right {
                let what = format!("run {run_id}: in the list and by its records, {}", differences(&row, &right));
                report.add(Problem::new("run_differs", what, REBUILD));
            }
        }
        Ok(())
    })?;
    for run in rows.into_keys() {
        report.add(Problem::new("run_damaged", format!("run {run}: it has no records that can be read"), REBUILD));
    }
    Ok(count)
}

/// What two rows of a run say of it, where they differ.
fn differences(listed: &RunRow, right: &RunRow) -> String {
    let fields = [
        ("its name", [listed, right].map(|row| row.name.clone())),
        ("its status", [listed, right].map(|row| row.status.as_str().to_owned())),
        ("its services", [listed, right].map(|row| row.services.join(", "))),
        ("its number of spans", [listed, right].map(|row| row.spans.to_string())),
        ("its number of errors", [listed, right].map(|row| row.errors.to_string())),
        ("its start", [listed, right].map(|row| row.started_at.to_string())),
        ("its end", [listed, right].map(|row| row.ended_at.map_or("none".to_owned(), |at| at.to_string()))),
    ];
    let differ = fields.into_iter().filter(|(_, [a, b])| a != b);
    differ.map(|(what, [a, b])| format!("{what} is {a} and {b}")).collect::<Vec<_>>().join("; ")
}
