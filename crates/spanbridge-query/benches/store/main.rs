//! What storing and reading cost, in the realistic case: runs of about 12 spans over 4 processes, each delivering every
//! 200 ms, 40,000 spans a second in all. `cargo bench -p spanbridge-store --bench store`; half a minute.
//!
//! CPU time is that of this thread, user and system, without making the records. The store is in the directory for temporary
//! files.

mod workload;

use spanbridge::RunId;
use spanbridge::record::Record;
use spanbridge_graph::{Checkup, Graph, RunStatus};
use spanbridge_query::{RunFilter, Store};
use spanbridge_store::StoreSink;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;
use workload::Workload;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    let dir = tempfile::tempdir()?;
    // Words on the command line select: `ingest`, `small`, `graph`.
    let chosen = |part: &str| std::env::args().skip(1).all(|a| a.starts_with("--") || a == part);
    if chosen("ingest") {
        for spans in [128_000, 1_000_000] {
            ingest_and_read(&dir.path().join(format!("{spans}.db")), spans)?;
        }
    }
    if chosen("ingest") || chosen("small") {
        small_deliveries(&dir.path().join("small.db"))?;
    }
    if !chosen("graph") {
        return Ok(());
    }
    for spans in [1_000, 1_000_000] {
        graphs(spans);
    }
    Ok(())
}

fn report(what: &str, figure: f64, unit: &str) {
    println!("{what:<58} {figure:>10.2} {unit}");
}

/// CPU time of this thread in nanoseconds. If the system does not say: elapsed time.
fn cpu(begun: Instant) -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let on_cpu = stat.and_then(|s| s.split_whitespace().next().and_then(|n| n.parse().ok()));
    on_cpu.unwrap_or_else(|| begun.elapsed().as_nanos() as f64)
}

fn deliver(sink: &mut StoreSink, writer: u64, number: u64, records: &[Record<'static>]) -> Outcome {
    let receipt = sink.deliver_records(writer, number, records)?;
    assert!(receipt.rejected().is_empty(), "every record is stored");
    Ok(())
}

fn ingest_and_read(path: &Path, spans: u64) -> Outcome {
    let begun = Instant::now();
    let mut sinks = (0..workload::WRITERS).map(|_| StoreSink::open(path)).collect::<Result<Vec<_>, _>>()?;
    let mut workload = Workload::new(40_000);
    let (mut used, mut deliveries, mut slowest) = (0.0, 0u64, 0.0f64);
    let mut tick = 0;
    while workload.spans < spans {
        tick += 1;
        for (writer, records) in workload.tick().into_iter().enumerate() {
            let (before, wall) = (cpu(begun), Instant::now());
            deliver(&mut sinks[writer], writer as u64 + 1, tick, &records)?;
            used += cpu(begun) - before;
            slowest = slowest.max(wall.elapsed().as_secs_f64() * 1e3);
            deliveries += 1;
        }
    }
    let (spans, records) = (workload.spans as f64, workload.records as f64);
    println!("{spans} spans in {deliveries} deliveries, {:.2} records a span", records / spans);
    report("  ingest, CPU per span", used / spans / 1e3, "µs");
    report("  slowest delivery", slowest, "ms");
    drop(sinks);
    report("  file, bytes per span", std::fs::metadata(path)?.len() as f64 / spans, "B");

    let store = Store::open(path)?;
    let small: Vec<RunId> = (0..200).map(|n| workload.run_of_size(n, 12)).collect();
    report("  a fresh run of 12 spans, records", each(&small, |run| count(&store, run)), "µs");
    report("  a fresh run of 12 spans, graph", each(&small, |run| store.graph(run).map(|g| g.is_some())), "µs");
    let large: Vec<RunId> = workload.large.iter().copied().cycle().take(40).collect();
    report("  a fresh run of 1,000 spans, records", each(&large, |run| count(&store, run)), "µs");
    report("  a fresh run of 1,000 spans, graph", each(&large, |run| store.graph(run).map(|g| g.is_some())), "µs");
    let ids: Vec<String> = (0..100).map(|n| format!("{}", workload::span_id(n * 7, 1))).collect();
    report("  a span by 6 digits", each(&ids, |id| store.find(&id[..6]).map(|_| true)), "µs");
    report("  a run by 8 digits", each(&small, |run| store.find(&run.to_string()[..8]).map(|_| true)), "µs");
    let list = |filter: &RunFilter| store.runs(filter, 50).map(|rows| rows.len() == 50);
    let all = [RunFilter::default(), RunFilter::default().status(RunStatus::Error)];
    report("  list of runs", each(&[&all[0]; 10], list) / 1e3, "ms");
    report("  list of runs that failed", each(&[&all[1]; 10], list) / 1e3, "ms");
    let recent: Vec<RunId> = store.runs(&all[0], 1000)?.iter().map(|row| row.run_id).collect();
    let doctor = |runs: &[RunId]| store.gaps(runs, Checkup::new(u64::MAX)).map(|_| true);
    report("  gaps of the last 1,000 runs", each(&[&recent[..]; 5], doctor) / 1e3, "ms");
    report("  gaps of a run", each(&recent[..20].chunks(1).collect::<Vec<_>>(), doctor) / 1e3, "ms");
    Ok(())
}

/// Microseconds per item of a question whose answer must be true.
fn each<T: Clone>(items: &[T], ask: impl Fn(T) -> Result<bool, spanbridge_query::Error>) -> f64 {
    let begun = Instant::now();
    let answered = items.iter().filter(|item| matches!(ask((*item).clone()), Ok(true))).count();
    assert_eq!(answered, items.len(), "every question has an answer");
    begun.elapsed().as_secs_f64() * 1e6 / items.len() as f64
}

fn count(store: &Store, run: RunId) -> Result<bool, spanbridge_query::Error> {
    let mut records = 0;
    store.records(Some(run), |_| records += 1)?;
    Ok(records > 0)
}

/// A process with little to record still delivers five times a second.
fn small_deliveries(path: &Path) -> Outcome {
    let begun = Instant::now();
    let mut sink = StoreSink::open(path)?;
    let mut used = 0.0;
    for number in 1..=2000 {
        let records = workload::lone_run(number);
        let before = cpu(begun);
        deliver(&mut sink, 1, number, &records)?;
        used += cpu(begun) - before;
    }
    report("a delivery of one span, CPU", used / 2000.0 / 1e3, "µs");
    Ok(())
}

fn graphs(spans: u64) {
    let (run, records) = workload::one_run(spans);
    let rounds = (2_000_000 / spans).clamp(3, 500);
    let best = |work: &dyn Fn()| {
        let time = |_| {
            let begun = Instant::now();
            work();
            begun.elapsed().as_nanos() as f64
        };
        (0..rounds).map(time).fold(f64::INFINITY, f64::min) / spans as f64
    };
    let tree = best(&|| _ = black_box(RunStatus::of(run, &records)));
    report(&format!("joined and put in order, {spans} spans, per span"), tree, "ns");
    let whole = best(&|| drop(black_box(Graph::build(run, &records))));
    report(&format!("graph filled in and dropped, {spans} spans, per span"), whole, "ns");
}
