//! What a store costs and how quickly it answers, as a table for `docs/performance.md`:
//!
//! `cargo bench -p spanbridge-query --bench store -- 1M` (or `5M`, `20M`, several; without a size, 1M; `tree` for the graphs alone, `imports` for
//! importing alone; `operations` for the list of a million runs that started each other).
//!
//! Runs of about 12 spans over four processes, each of which delivers every 200 ms; 40,000 spans a second in all. The records are made as
//! they are delivered, so the memory does not grow with them. CPU time is that of this thread, without making the records. The store lies
//! in the directory for temporary files; 20M needs 2 GB there.

mod imports;
mod measure;
mod operations;
mod plain;
mod workload;

use measure::{cpu, each, forget_peak, head, line, memory, memory_of};
use plain::{Plain, size};
use spanbridge::RunId;
use spanbridge::record::Record;
use spanbridge_graph::{Graph, RunStatus};
use spanbridge_query::index::{FoldBudget, Index};
use spanbridge_query::{Found, RunFilter, Store};
use spanbridge_store::StoreSink;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;
use workload::Workload;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// Spans that are folded at once, as by somebody who folds all along.
const STEP: u64 = 128 << 10;
/// Spans that stay in the logs when questions are asked.
const FRESH: u64 = 100_000;
/// Plain rows are compared over the first spans alone: over all of them, they would take longer than everything else.
const PLAIN: u64 = 1_000_000;

fn main() -> Outcome {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    if words.iter().any(|word| word == "imports") {
        let dir = tempfile::tempdir()?;
        return [1, 16].into_iter().try_for_each(|at_once| imports::imports(dir.path(), 300_000, at_once));
    }
    if words.iter().any(|word| word == "operations") {
        let dir = tempfile::tempdir()?;
        return operations::operations(dir.path(), 1_000_000);
    }
    let mut sizes = Vec::new();
    for word in words.iter().filter(|word| *word != "tree") {
        let (digits, unit) = word.strip_suffix('M').map_or((word.as_str(), 1), |digits| (digits, 1_000_000));
        let spans = digits.parse::<u64>()? * unit;
        if spans < 1_000_000 {
            return Err(format!("{word} is too small: the runs that are asked for must have ended").into());
        }
        sizes.push(spans);
    }
    if words.is_empty() {
        sizes.push(1_000_000);
    }
    for spans in sizes {
        let dir = tempfile::tempdir()?;
        store(dir.path(), spans)?;
    }
    trees();
    Ok(())
}

/// What writing costs plain rows.
struct Rows {
    store: Plain,
    spans: f64,
    used: f64,
}

fn store(dir: &Path, spans: u64) -> Outcome {
    let begun = Instant::now();
    head(&format!("{}M spans", spans as f64 / 1e6));
    let path = dir.join("store");
    let mut workload = Workload::new(40_000);
    let mut writers = Writers::open(&path, begun)?;
    let index = Index::open(&path)?;
    let mut rows = Rows { store: Plain::create(dir.join("plain.db"))?, spans: 0.0, used: 0.0 };
    let mut folds = Folds::default();
    let mut folded = 0;
    while workload.spans < spans {
        let delivered = writers.tick(&mut workload)?;
        if workload.spans <= PLAIN {
            let before = cpu(begun);
            delivered.iter().try_for_each(|records| rows.store.deliver(records))?;
            (rows.used, rows.spans) = (rows.used + cpu(begun) - before, workload.spans as f64);
        }
        if workload.spans - folded >= STEP || workload.spans >= spans {
            folds.fold(&index, begun)?;
            folded = workload.spans;
        }
    }
    let all = workload.spans as f64;
    let plain = rows.used / rows.spans / 1e3;
    line("ingest, CPU a span", writers.used / all / 1e3, Some(plain), Some(0.5), "µs");
    line("folding, CPU a span", folds.used / all / 1e3, None, Some(if spans > 5_000_000 { 2.1 } else { 1.6 }), "µs");
    line("ingest and folding, CPU a span", (writers.used + folds.used) / all / 1e3, Some(plain), None, "µs");
    line("slowest delivery", writers.slowest, None, None, "ms");
    line("slowest fold", folds.slowest, None, None, "ms");
    line("memory of a fold", folds.memory, None, None, "MiB");
    let row_bytes = rows.store.bytes()? as f64 / rows.spans;
    line("fresh, bytes a span", folds.bytes / all, Some(row_bytes), Some(100.0), "B");
    let tables = index.sizes()?;
    line("folded, bytes a span", size(&path.join("index.db")) as f64 / all, Some(row_bytes), Some(65.0), "B");
    for (table, bytes) in tables.iter().filter(|(_, bytes)| *bytes as f64 > all / 2.0) {
        line(&format!("of that, `{table}`"), *bytes as f64 / all, None, None, "B");
    }
    drop(index);
    let (small, large) = (workload.runs_of_size(300, 12), workload.large_runs(40));
    read(&path, &small, &large, &workload, &rows.store)?;
    let first = workload.runs();
    let until = workload.spans + FRESH;
    while workload.spans < until {
        writers.tick(&mut workload)?;
    }
    read_fresh(&path, first, &small, &large)?;
    small_deliveries(dir, begun)
}

/// The sinks of the processes.
struct Writers {
    sinks: Vec<StoreSink>,
    ticks: u64,
    used: f64,
    slowest: f64,
    begun: Instant,
}

impl Writers {
    fn open(path: &Path, begun: Instant) -> Outcome<Self> {
        let sinks = (0..workload::WRITERS).map(|_| StoreSink::open(path)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { sinks, ticks: 0, used: 0.0, slowest: 0.0, begun })
    }

    /// Delivers what each process has now.
    fn tick(&mut self, workload: &mut Workload) -> Outcome<[Vec<Record<'static>>; workload::WRITERS]> {
        self.ticks += 1;
        let delivered = workload.tick();
        for (writer, records) in delivered.iter().enumerate() {
            let (before, wall) = (cpu(self.begun), Instant::now());
            deliver(&mut self.sinks[writer], writer as u64 + 1, self.ticks, records)?;
            self.used += cpu(self.begun) - before;
            self.slowest = self.slowest.max(wall.elapsed().as_secs_f64() * 1e3);
        }
        Ok(delivered)
    }
}

fn deliver(sink: &mut StoreSink, writer: u64, number: u64, records: &[Record<'static>]) -> Outcome {
    let receipt = sink.deliver_records(writer, number, records)?;
    assert!(receipt.rejected().is_empty(), "every record is stored");
    Ok(())
}

#[derive(Default)]
struct Folds {
    used: f64,
    slowest: f64,
    memory: f64,
    bytes: f64,
}

impl Folds {
    fn fold(&mut self, index: &Index, begun: Instant) -> Outcome {
        let (before, wall) = (cpu(begun), Instant::now());
        let (folded, memory) = memory_of(|| index.fold(FoldBudget::everything(), |_| true));
        self.used += cpu(begun) - before;
        self.slowest = self.slowest.max(wall.elapsed().as_secs_f64() * 1e3);
        self.memory = self.memory.max(memory);
        self.bytes += folded?.bytes as f64;
        Ok(())
    }
}

/// Questions about what is folded.
fn read(path: &Path, small: &[RunId], large: &[RunId], workload: &Workload, rows: &Plain) -> Outcome {
    forget_peak();
    let open = |run: &RunId| Store::open(path)?.graph(*run).map(|graph| graph.is_some());
    line("open the store, a graph of 12 spans", each(&small[..50], open), None, None, "µs");
    let store = Store::open(path)?;
    let graph = |run: &RunId| store.graph(*run).map(|graph| graph.is_some());
    // Plain rows have only the first runs.
    let plain = |runs: &[RunId]| {
        let there: Vec<RunId> = runs.iter().copied().filter(|run| rows.read(*run).is_ok_and(|found| found)).collect();
        (!there.is_empty()).then(|| each(&there, |run| rows.read(*run)))
    };
    line("a folded run of 12 spans, records", each(small, |run| records(&store, *run)), plain(small), None, "µs");
    line("a folded run of 12 spans, graph", each(small, graph), None, Some(100.0), "µs");
    line("a folded run of 1,000 spans, records", each(large, |run| records(&store, *run)), plain(large), None, "µs");
    line("a folded run of 1,000 spans, graph", each(large, graph), None, Some(300.0), "µs");
    let ids: Vec<String> = workload.some_runs(200).map(|run| workload::span_id(run, 1).to_string()).collect();
    for digits in [6, 16] {
        let find = |id: &String| store.find(&id[..digits]).map(|found| !matches!(found, Found::Nothing));
        line(&format!("a span by {digits} digits"), each(&ids, find), None, Some(500.0), "µs");
    }
    let find = |run: &RunId| store.find(&run.to_string()[..8]).map(|found| !matches!(found, Found::Nothing));
    line("a run by 8 digits", each(small, find), None, Some(500.0), "µs");
    let all = RunFilter::default;
    let filters = [
        ("no filter", all()),
        ("failed", all().status(RunStatus::Error)),
        ("ok", all().status(RunStatus::Ok)),
        ("open", all().status(RunStatus::Open)),
        ("a service", all().service("mailer")),
        ("a rare service", all().service("reports")),
        ("no such service", all().service("none")),
        ("a name", all().name("events")),
        ("a rare name", all().name("month")),
        ("no such name", all().name("nothing")),
        ("failed, a service", all().status(RunStatus::Error).service("orders")),
        ("failed, a service, a name", all().status(RunStatus::Error).service("orders").name("process")),
        ("failed, a rare service", all().status(RunStatus::Error).service("reports")),
        ("since half of the time", all().since(workload.middle())),
        ("failed, since half of the time", all().status(RunStatus::Error).since(workload.middle())),
        ("since the end", all().since(u64::MAX / 2)),
    ];
    for (what, filter) in filters {
        let list = |filter: &RunFilter| store.runs(filter, 50).map(|_| true);
        let plain = (what == "no filter").then(|| each(&[()], |()| rows.list()) / 1e3);
        line(&format!("list of runs: {what}"), each(&vec![filter; 20], list) / 1e3, plain, Some(5.0), "ms");
    }
    line("memory of the process meanwhile, with the bench's own", memory("VmHWM:"), None, None, "MiB");
    Ok(())
}

/// Questions while some spans are only in the logs.
fn read_fresh(path: &Path, first: u64, small: &[RunId], large: &[RunId]) -> Outcome {
    let store = Store::open(path)?;
    let begun = Instant::now();
    let all = store.runs(&RunFilter::default(), 50)?;
    line("100,000 spans fresh: the first question", begun.elapsed().as_secs_f64() * 1e3, None, None, "ms");
    assert_eq!(all.len(), 50);
    // Those that are whole by now.
    let whole =
        |run: &RunId| store.graph(*run).is_ok_and(|graph| graph.is_some_and(|g| g.spans.len().abs_diff(12) < 2));
    let fresh: Vec<RunId> = (first..first + 2000).map(workload::run_id).filter(whole).take(100).collect();
    let graph = |run: &RunId| store.graph(*run).map(|graph| graph.is_some());
    line("a fresh run of 12 spans, records", each(&fresh, |run| records(&store, *run)), None, None, "µs");
    line("a fresh run of 12 spans, graph", each(&fresh, graph), None, Some(300.0), "µs");
    line("a folded run of 12 spans beside them, graph", each(small, graph), None, None, "µs");
    line("a folded run of 1,000 spans beside them, graph", each(large, graph), None, None, "µs");
    let list = |filter: &RunFilter| store.runs(filter, 50).map(|rows| rows.len() == 50);
    line("list of runs beside them", each(&vec![RunFilter::default(); 20], list) / 1e3, None, Some(5.0), "ms");
    let ids: Vec<String> = (first..first + 100).map(|run| workload::span_id(run, 0).to_string()).collect();
    let find = |id: &String| store.find(&id[..6]).map(|found| !matches!(found, Found::Nothing));
    line("a fresh span by 6 digits", each(&ids, find), None, Some(500.0), "µs");
    Ok(())
}

fn records(store: &Store, run: RunId) -> Result<bool, spanbridge_query::Error> {
    let mut records = 0;
    store.records(Some(run), |_| records += 1)?;
    Ok(records > 0)
}

/// A process with little to record still delivers five times a second.
fn small_deliveries(dir: &Path, begun: Instant) -> Outcome {
    let mut sink = StoreSink::open(dir.join("small"))?;
    let rows = Plain::create(dir.join("small.db"))?;
    let (mut used, mut plain) = (0.0, 0.0);
    for number in 1..=3000 {
        let records = workload::lone_run(number);
        let before = cpu(begun);
        deliver(&mut sink, 1, number, &records)?;
        let between = cpu(begun);
        rows.deliver(&records)?;
        (used, plain) = (used + between - before, plain + cpu(begun) - between);
    }
    line("a delivery of one span, CPU", used / 3e6, Some(plain / 3e6), Some(12.0), "µs");
    Ok(())
}

/// Joining the records of a run and putting its spans in order, and the whole graph.
fn trees() {
    head("graph of one run");
    for (spans, goal) in [(1_000, 15.0), (1_000_000, 60.0)] {
        let (run, records) = workload::one_run(spans);
        let rounds = (2_000_000 / spans).clamp(5, 500);
        let best = |work: &dyn Fn()| {
            let time = |_| {
                let begun = Instant::now();
                work();
                begun.elapsed().as_nanos() as f64
            };
            (0..rounds).map(time).fold(f64::INFINITY, f64::min) / spans as f64
        };
        let tree = best(&|| _ = black_box(RunStatus::of(run, &records)));
        line(&format!("{spans} spans joined and put in order, a span"), tree, None, Some(goal), "ns");
        let whole = best(&|| drop(black_box(Graph::build(run, &records))));
        line(&format!("{spans} spans, the whole graph made and dropped, a span"), whole, None, None, "ns");
    }
}
