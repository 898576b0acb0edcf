//! What keeping records costs the application: `cargo bench -p spanbridge-store --bench deliver`; a few seconds.
//!
//! The records come from recorders: runs of about 12 spans over 4 processes, in which each process delivers every 200 ms, and one
//! span in six ends in a later delivery than it began. CPU time is that of the delivering thread, user and system. The stores are in the
//! directory for temporary files.

use spanbridge::messaging::Received;
use spanbridge::observe::Span;
use spanbridge::{Primitive, Receipt, RecordBatch, Recorder, Sink, observe};
use spanbridge_store::{Limits, StoreSink};
use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

const PROCESSES: usize = 4;
const SERVICES: [&str; PROCESSES] = ["gateway", "orders", "payments", "mailer"];
/// Runs that begin in each 200 ms: 40,000 spans a second in all.
const RUNS: u64 = 667;

fn main() -> Outcome {
    let dir = tempfile::tempdir()?;
    let begun = Instant::now();
    for ticks in [10, 60] {
        let (batches, spans) = record(ticks)?;
        let path = dir.path().join(ticks.to_string());
        let (used, slowest) = deliver(&batches, begun, &path)?;
        let records: usize = batches.iter().map(|(_, batch)| batch.len()).sum();
        println!("{spans} spans in {} deliveries, {:.2} records a span", batches.len(), records as f64 / spans as f64);
        println!("  CPU a span                     {:>8.3} µs", used / spans as f64 / 1e3);
        println!("  files, a span                  {:>8.1} B", size(&path)? as f64 / spans as f64);
        println!("  slowest delivery               {slowest:>8.2} ms");
    }
    let batches = small(5000)?;
    let (used, slowest) = deliver(&batches, begun, &dir.path().join("small"))?;
    println!("a delivery of one span");
    println!("  CPU                            {:>8.2} µs", used / batches.len() as f64 / 1e3);
    println!("  slowest                        {slowest:>8.2} ms");
    Ok(())
}

/// Batches, each with the place of its process.
type Batches = Vec<(usize, RecordBatch)>;

/// A span that is to begin: under these headers, in this process, and what it is like.
type Begin = (HashMap<String, String>, usize, u64);

/// A recorder that keeps its batches as they are.
fn recorder(process: usize, batches: &Arc<Mutex<Batches>>) -> Outcome<Recorder> {
    let batches = Arc::clone(batches);
    let keep = move |batch: &RecordBatch| {
        if let Ok(mut all) = batches.lock() {
            all.push((process, batch.clone()));
        }
        Ok(Receipt::default())
    };
    Ok(Recorder::builder(SERVICES[process]).sink(keep).memory_limit(4 << 30).on_flush_only().build()?)
}

fn flush(recorders: &[Recorder]) {
    assert!(recorders.iter().all(|recorder| recorder.flush_blocking(Duration::from_secs(60)).complete));
}

/// The batches of some ticks, and how many spans are in them.
fn record(ticks: u64) -> Outcome<(Batches, u64)> {
    let batches = Arc::default();
    let recorders = (0..PROCESSES).map(|process| recorder(process, &batches)).collect::<Outcome<Vec<_>>>()?;
    let (mut dice, mut spans) = (0u64, 0);
    let mut roll = |below: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % below
    };
    // What happens in the ticks to come: spans that begin under the headers of their sender, and spans that end.
    let mut ends: VecDeque<Vec<Span>> = VecDeque::new();
    let mut begins: VecDeque<Vec<Begin>> = VecDeque::new();
    ends.resize_with(16, Vec::new);
    begins.resize_with(16, Vec::new);
    for _ in 0..ticks {
        for _ in 0..RUNS {
            let mut headers = HashMap::new();
            recorders[0].in_scope(|| {
                let run = observe::run("POST /orders").open();
                spanbridge::carrier::inject(run.context(), &mut headers);
                run.end();
            });
            for process in 0..PROCESSES {
                begins[roll(10) as usize].push((headers.clone(), process, roll(1 << 40)));
            }
        }
        for (headers, process, seed) in begins.pop_front().unwrap_or_default() {
            let received = recorders[process].in_scope(|| Received::new(&headers).process(|| span(seed)));
            received.in_scope(|| (1..3).for_each(|n| span(seed + n).end()));
            spans += 3;
            ends[roll(2) as usize].push(received);
        }
        ends.pop_front().into_iter().flatten().for_each(Span::end);
        begins.push_back(Vec::new());
        ends.push_back(Vec::new());
        flush(&recorders);
    }
    drop(ends);
    drop(recorders);
    Ok((batches.lock().map(|mut all| std::mem::take(&mut *all)).map_err(|e| e.to_string())?, spans))
}

/// A span with about 150 bytes of attributes.
fn span(seed: u64) -> Span {
    let id = || format!("{:016x}-{:016x}", seed.wrapping_mul(0x9e37_79b9_7f4a_7c15), !seed);
    match seed % 4 {
        0 | 1 => observe::span("orders process")
            .primitive(Primitive::MESSAGING_PROCESS)
            .attribute("messaging.system", "rabbitmq")
            .attribute("messaging.destination.name", format!("orders.{}", seed % 40))
            .attribute("messaging.message.id", id())
            .attribute("messaging.message.body.size", (seed % 4000) as i64)
            .open(),
        2 => observe::span("SELECT orders")
            .attribute("db.system.name", "postgresql")
            .attribute("db.query.text", "select id, total from orders where customer_id = $1 and state = $2")
            .attribute("db.response.returned_rows", (seed % 100) as i64)
            .open(),
        _ => observe::span("payments.charge")
            .attribute("server.address", format!("pay{}.example.com", seed % 5))
            .attribute("server.port", 443)
            .attribute("url.full", format!("https://pay.example.com/v1/charges/{}", &id()[..12]))
            .attribute("retry", seed.is_multiple_of(9))
            .open(),
    }
}

/// Batches of one span: a process with little to record still delivers five times a second.
fn small(count: u64) -> Outcome<Batches> {
    let batches = Arc::default();
    let recorder = recorder(0, &batches)?;
    for seed in 0..count {
        recorder.in_scope(|| span(seed).end());
        flush(std::slice::from_ref(&recorder));
    }
    drop(recorder);
    Ok(batches.lock().map(|mut all| std::mem::take(&mut *all)).map_err(|e| e.to_string())?)
}

/// Delivers all of it; returns the CPU time in nanoseconds, and what the slowest delivery took in milliseconds.
fn deliver(batches: &Batches, begun: Instant, store: &Path) -> Outcome<(f64, f64)> {
    let open = |_| StoreSink::open_with(store, Limits::new());
    let mut sinks = (0..PROCESSES).map(open).collect::<Result<Vec<_>, _>>()?;
    let (before, mut slowest) = (cpu(begun), 0.0f64);
    for (process, batch) in batches {
        let wall = Instant::now();
        let receipt = sinks[*process].deliver(batch)?;
        assert!(receipt.rejected().is_empty(), "every record is stored");
        slowest = slowest.max(wall.elapsed().as_secs_f64() * 1e3);
    }
    Ok((cpu(begun) - before, slowest))
}

/// CPU time of this thread in nanoseconds. If the system does not say: elapsed time.
fn cpu(begun: Instant) -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let on_cpu = stat.and_then(|s| s.split_whitespace().next().and_then(|n| n.parse().ok()));
    on_cpu.unwrap_or_else(|| begun.elapsed().as_nanos() as f64)
}

fn size(store: &Path) -> Outcome<u64> {
    Ok(spanbridge_store::log::list(store)?.iter().map(|file| file.length).sum())
}
