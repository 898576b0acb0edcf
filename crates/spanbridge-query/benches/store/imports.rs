//! What importing costs: many small batches of many senders, as a server gets them.

use super::Outcome;
use super::measure::{cpu, head, line};
use super::workload::{WRITERS, Workload};
use spanbridge::record::Record;
use spanbridge_query::Store;
use spanbridge_query::index::{FoldBudget, Index};
use std::path::Path;
use std::time::Instant;

/// Spans that a sender collects before it sends: the default of OpenTelemetry's SDKs.
const BATCH: usize = 512;

/// Imports the spans of all processes in batches, `at_once` of which are stored together. Somebody else folds all along.
pub(super) fn imports(dir: &Path, spans: u64, at_once: usize) -> Outcome {
    let begun = Instant::now();
    let path = dir.join(format!("import-{at_once}"));
    let mut store = Store::open_or_create(&path)?;
    let folder = Index::open(&path)?;
    let mut workload = Workload::new(40_000);
    let mut waiting: [Vec<Record<'static>>; WRITERS] = Default::default();
    let (mut used, mut folding, mut wall, mut stored, mut imports, mut slowest) = (0.0, 0.0, 0.0, 0, 0, 0.0_f64);
    let mut batches: Vec<Vec<Record<'static>>> = Vec::new();
    while workload.spans < spans {
        for (writer, records) in workload.tick().into_iter().enumerate() {
            waiting[writer].extend(records);
            while waiting[writer].len() >= BATCH {
                batches.push(waiting[writer].drain(..BATCH).collect());
            }
        }
        while batches.len() >= at_once {
            let together = batches.drain(..at_once).flatten();
            let (before, clock) = (cpu(begun), Instant::now());
            let report = store.import(together)?;
            used += cpu(begun) - before;
            let took = clock.elapsed().as_secs_f64();
            (wall, slowest) = (wall + took, slowest.max(took * 1e3));
            (stored, imports) = (stored + report.stored, imports + 1);
        }
        if imports * at_once as u64 % 64 < 16 {
            let before = cpu(begun);
            folder.fold(FoldBudget::everything(), |_| true)?;
            folding += cpu(begun) - before;
        }
    }
    head(&format!("imports of {BATCH} records, {at_once} at once; {stored} records in {imports} imports"));
    let records = stored as f64;
    line("importing, CPU a record", used / records / 1e3, None, None, "µs");
    line("importing, time a record", wall / records * 1e6, None, None, "µs");
    line("folding, CPU a record", folding / records / 1e3, None, None, "µs");
    line("slowest import", slowest, None, None, "ms");
    Ok(())
}
