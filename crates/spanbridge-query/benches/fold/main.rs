//! What folding costs, and what is read afterwards: runs of about 12 spans over 4 processes, each delivering every 200 ms,
//! 40,000 spans a second in all. `cargo bench -p spanbridge-query --bench fold -- 1000000`.
//!
//! CPU time is that of this thread, user and system. The store is in the directory for temporary files.

#[expect(dead_code, reason = "the other bench uses all of it")]
#[path = "../store/workload.rs"]
mod workload;

use spanbridge::RunId;
use spanbridge::record::Record;
use spanbridge_graph::RunStatus;
use spanbridge_query::RunFilter;
use spanbridge_query::engine::{Engine, IdPrefix, Mention};
use spanbridge_query::index::{FoldBudget, Index};
use spanbridge_store::delivery::Assembler;
use spanbridge_store::log::{BatchId, Header, LogName, LogWriter};
use std::path::Path;
use std::time::Instant;
use workload::Workload;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    let sizes: Vec<u64> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    for spans in if sizes.is_empty() { vec![1_000_000] } else { sizes } {
        let dir = tempfile::tempdir()?;
        fold_and_read(dir.path(), spans)?;
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

/// A process that records: its log, and what puts its deliveries together.
struct Writer {
    log: LogWriter,
    assembler: Assembler,
    instance: u64,
}

impl Writer {
    fn new(dir: &Path, instance: u64) -> Result<Self, std::io::Error> {
        let name = LogName { writer: instance, number: 1 };
        let log = LogWriter::create(dir, Header { name, created_at: 0, service: String::new() })?;
        Ok(Self { log, assembler: Assembler::default(), instance })
    }

    fn deliver(&mut self, number: u64, records: &[Record<'static>]) -> Outcome {
        let delivery = self.assembler.assemble(records.iter().map(Record::view))?;
        self.log.put(Some(BatchId { instance: self.instance, number }), &delivery)?;
        Ok(self.log.write()?)
    }
}

fn fold_and_read(dir: &Path, spans: u64) -> Outcome {
    let begun = Instant::now();
    let mut writers = (1..=workload::WRITERS as u64).map(|n| Writer::new(dir, n)).collect::<Result<Vec<_>, _>>()?;
    let index = Index::open(dir)?;
    let mut workload = Workload::new(40_000);
    let (mut tick, mut last, mut used, mut written, mut worst) = (0, 0, 0.0, 0, 0.0f64);
    let mut rounds = Vec::new();
    while workload.spans < spans {
        tick += 1;
        for (writer, records) in writers.iter_mut().zip(workload.tick()) {
            writer.deliver(tick, &records)?;
        }
        // As often as somebody who folds all along finds enough for a step.
        if workload.spans - last >= 128 << 10 || workload.spans >= spans {
            let (before, wall) = (cpu(begun), Instant::now());
            let folded = index.fold(FoldBudget::everything(), |_| true)?;
            let took = cpu(begun) - before;
            used += took;
            rounds.push(took / folded.spans.max(1) as f64);
            worst = worst.max(wall.elapsed().as_secs_f64() * 1e3);
            written += folded.written;
            last = workload.spans;
        }
    }
    let (spans, records) = (workload.spans as f64, workload.records as f64);
    println!("{spans} spans, {:.2} records a span, {tick} deliveries of each process", records / spans);
    report("  fold, CPU per span", used / spans / 1e3, "µs");
    report("  fold, CPU per span, best round", rounds.iter().copied().fold(f64::INFINITY, f64::min) / 1e3, "µs");
    report("  slowest fold", worst, "ms");
    report("  blocks, bytes per span", written as f64 / spans, "B");
    let logs: u64 = writers.iter().map(|w| w.log.length()).sum();
    report("  logs, bytes per span", logs as f64 / spans, "B");
    for (table, bytes) in index.sizes()? {
        report(&format!("  {table}, bytes per span"), bytes as f64 / spans, "B");
    }
    report("  index, bytes per span", std::fs::metadata(dir.join("index.db"))?.len() as f64 / spans, "B");
    drop(index);
    read(dir, &workload)
}

fn read(dir: &Path, workload: &Workload) -> Outcome {
    let index = Index::open(dir)?;
    let small: Vec<RunId> = (0..300).map(|n| workload.run_of_size(n, 12)).collect();
    let large: Vec<RunId> = workload.large.iter().copied().take(40).collect();
    let records = |run: &RunId| {
        let mut records = 0;
        index.snapshot()?.records(&[*run], &mut |_, all| {
            records += all.len();
            Ok(())
        })?;
        Ok(records > 0)
    };
    report("  a snapshot", each(&[(); 300], |()| index.snapshot().map(|_| true)), "µs");
    report("  a folded run of 12 spans, records", each(&small, records), "µs");
    report("  a folded run of 1,000 spans, records", each(&large, records), "µs");
    let ids: Vec<String> = (0..200).map(|n| workload::span_id(n * 7, 1).to_string()).collect();
    for digits in [6, 8, 16] {
        let find = |id: &String| Ok(!index.snapshot()?.ids(&IdPrefix::parse(&id[..digits])?, 20)?.spans.is_empty());
        report(&format!("  a span by {digits} digits"), each(&ids, find), "µs");
    }
    let find = |run: &RunId| Ok(!index.snapshot()?.ids(&IdPrefix::parse(&run.to_string()[..8])?, 20)?.runs.is_empty());
    report("  a run by 8 digits", each(&small, find), "µs");
    let all = RunFilter::default;
    let filters = [
        ("no filter", all()),
        ("failed", all().status(RunStatus::Error)),
        ("ok", all().status(RunStatus::Ok)),
        ("open", all().status(RunStatus::Open)),
        ("a service", all().service("mailer")),
        ("no such service", all().service("none")),
        ("a name", all().name("events")),
        ("no such name", all().name("nothing")),
        ("failed, a service", all().status(RunStatus::Error).service("orders")),
        ("failed, a service, a name", all().status(RunStatus::Error).service("orders").name("process")),
        ("since", all().since(u64::MAX / 2)),
    ];
    for (what, filter) in filters {
        let list = |filter: &RunFilter| index.snapshot()?.runs(filter, 50).map(|_| true);
        report(&format!("  list of runs, {what}"), each(&vec![filter; 20], list) / 1e3, "ms");
    }
    let mentions = |run: &RunId| Ok(index.snapshot()?.mentions(Mention::Parent, &[run.get()])?.is_empty());
    report("  children of a run", each(&small, mentions), "µs");
    Ok(())
}

/// Microseconds of an item, for a question whose answer must be true: the median of the best of some rounds, since others may use
/// the machine.
fn each<T>(items: &[T], ask: impl Fn(&T) -> Result<bool, spanbridge_query::Error>) -> f64 {
    let took = |item: &T| {
        let begun = Instant::now();
        let answer = ask(item);
        assert!(matches!(answer, Ok(true)), "every question has an answer: {answer:?}");
        begun.elapsed().as_secs_f64() * 1e6
    };
    let best = |item| (0..7).map(|_| took(item)).fold(f64::INFINITY, f64::min);
    let mut times: Vec<f64> = items.iter().map(best).collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
